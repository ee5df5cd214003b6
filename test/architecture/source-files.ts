import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

export const repositoryRoot = join(import.meta.dirname, '../..')

/** What is made, not written: see .gitignore. */
const made: ReadonlySet<string> = new Set(['node_modules', 'dist', 'data', 'coverage'])

/** Files of the repository whose name ends in `extension`, path (with `/`) → text; without what is made or hidden. */
export function readFiles(extension: string, folder = repositoryRoot): Map<string, string> {
  const files = new Map<string, string>()
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) =>
    a.name < b.name ? -1 : 1,
  )) {
    const path = join(folder, entry.name)
    if (entry.name.startsWith('.') || made.has(entry.name)) continue
    if (entry.isDirectory()) for (const [name, text] of readFiles(extension, path)) files.set(name, text)
    else if (entry.name.endsWith(extension))
      files.set(relative(repositoryRoot, path).replaceAll('\\', '/'), readFileSync(path, 'utf8'))
  }
  return files
}

/** All sources: TypeScript, and that of the dashboard with markup in it. */
export function readSources(): Map<string, string> {
  return new Map([...readFiles('.ts'), ...readFiles('.tsx')])
}

/** `broker` for `broker/session.ts`; the file itself for one at the top. */
export function folderOf(path: string): string {
  return path.split('/')[0]!
}
