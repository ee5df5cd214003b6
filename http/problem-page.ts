import { readFileSync } from 'node:fs'
import { escapeHtml } from './html-page.ts'

/** What docs/ERRORS.md says of a code, in the Markdown of its table. */
export interface ErrorLine {
  readonly code: string
  readonly when: string
  readonly whatToDo: string
}

/** Beside the sources, and beside what is built of them: the build copies it. */
const page = new URL('../docs/ERRORS.md', import.meta.url)

const line = /^\| `(TIDEMARK_[A-Z0-9_]+)` *\|([^|\n]*)\|([^|\n]*)\|$/gm

/** Every code that has a line in docs/ERRORS.md, which is what the pages are made of: they cannot say anything else. */
export function readErrorLines(text = readFileSync(page, 'utf8')): ReadonlyMap<string, ErrorLine> {
  const lines = [...text.matchAll(line)].map(([, code = '', when = '', whatToDo = '']) => ({
    code,
    when: when.trim(),
    whatToDo: whatToDo.trim(),
  }))
  return new Map(lines.map((one) => [one.code, one]))
}

/** The page to which the `type` of a problem leads. */
export function problemPage({ code, when, whatToDo }: ErrorLine): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${code}</title>
<h1><code>${code}</code></h1>
<h2>When</h2><p>${inline(when)}</p>
<h2>What to do</h2><p>${inline(whatToDo)}</p>
</html>
`
}

/** Code in backticks as code; of a link its text, since the page it leads to is not served. */
function inline(markdown: string): string {
  return escapeHtml(markdown)
    .replace(/`([^`]+)`/g, '<code>$1</code>')
    .replace(/\[([^\]]+)\]\([^)]+\)/g, '$1')
}
