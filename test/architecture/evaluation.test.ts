import { expect, test } from 'vitest'
import { folderOf, readSources } from './source-files.ts'

/** What would run text as code, or as a regular expression that may take for ever. */
const forbidden: readonly (readonly [what: string, RegExp])[] = [
  ['eval', /\beval\s*\(/],
  ['new Function', /\bFunction\s*\(/],
  ['node:vm', /['"](node:)?vm['"]/],
  ['a regular expression of text', /\bRegExp\s*\(/],
  ['a timer of text', /\bset(Timeout|Interval|Immediate)\s*\(\s*['"`]/],
  ['markup of text', /\binnerHTML\b|\bdangerouslySetInnerHTML\b|\binsertAdjacentHTML\b|\bdocument\.write\b/],
  ['a shell', /\bexec(Sync)?\s*\(\s*['"`]|\bshell:\s*true\b/],
]
/** Made of names in the sources, for the description of the API. */
const excepted = new Map([['http/asyncapi-messages.ts', 'a regular expression of text']])
/** What does not run in the platform. */
const elsewhere: ReadonlySet<string> = new Set(['test', 'bench'])

function problemsOf(path: string, source: string): string[] {
  return forbidden
    .filter(([what, pattern]) => pattern.test(source) && excepted.get(path) !== what)
    .map(([what]) => `${path}: ${what}`)
}

test('nothing in the sources runs text as code, as a regular expression, as markup or in a shell', () => {
  const sources = [...readSources()].filter(([path]) => !elsewhere.has(folderOf(path)))
  expect(sources.length).toBeGreaterThan(300)
  expect(sources.flatMap(([path, source]) => problemsOf(path, source))).toEqual([])
})

test.each([
  ['eval(text)', 'eval'],
  ['new Function("x", text)', 'new Function'],
  ["import vm from 'node:vm'", 'node:vm'],
  ['new RegExp(pattern)', 'a regular expression of text'],
  ["setTimeout('text', 1)", 'a timer of text'],
  ['<p dangerouslySetInnerHTML={{ __html: name }} />', 'markup of text'],
  ["spawn('ls', { shell: true })", 'a shell'],
])('the checker finds %j', (source, what) => {
  expect(problemsOf('rules/x.ts', source)).toEqual([`rules/x.ts: ${what}`])
})
