import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { repositoryRoot } from './platform-process.ts'

/**
 * A copy of the build in `dir` with a protection taken away, so that the check that looks for it can be seen to fail. Returns and throws
 * as `changedBuild`; docs/GUARANTEES.md lists each.
 */
export const brokenBuild = changedBuild

/**
 * A copy of the build in `dir` with one piece of code replaced, so that it does what is rare. Returns the copy's main.js. Throws when
 * the code to replace is not there exactly once.
 */
export function changedBuild(dir: string, file: string, code: string, replacement: string): string {
  const copy = join(dir, 'dist')
  // The modules alone: not the bundle of them, nor source maps, which nobody reads here.
  const built = join(repositoryRoot, 'dist')
  const isModule = (path: string) => !path.endsWith('.map') && path !== join(built, 'bin')
  cpSync(built, copy, { recursive: true, filter: isModule })
  symlinkSync(join(repositoryRoot, 'node_modules'), join(dir, 'node_modules'))
  cpSync(join(repositoryRoot, 'package.json'), join(dir, 'package.json'))
  replaceCode(join(copy, file), code, replacement)
  return join(copy, 'cli/main.js')
}

/** In a file of such a copy. Throws when the code to replace is not there exactly once. */
export function replaceCode(path: string, code: string, replacement: string): void {
  const parts = readFileSync(path, 'utf8').split(code)
  if (parts.length !== 2) throw new Error(`${JSON.stringify(code)} is ${parts.length - 1} times in ${path}`)
  writeFileSync(path, parts.join(replacement))
}
