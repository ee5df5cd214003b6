import { expect, test } from 'vitest'
import { protections } from '../protections/protections.ts'
import { readFiles } from './source-files.ts'

/** The table of docs/GUARANTEES.md: each protection, and the check that has reported it where it was off. */
const page = readFiles('.md').get('docs/GUARANTEES.md')!
const section = page.split('## Protections switched off')[1]!.split('\n## ')[0]!
const rows = [...section.matchAll(/^\| (.+?) +\| .*?\]\(\.\.\/(test\/[^)]+)\) "(.+?)" +\| .+\|$/gm)].map(
  ([, name, file, check]) => ({ name: name!, file: file!, check: check! }),
)
const tests = readFiles('.ts')

test('each check of the table is a test of that name', () => {
  expect(rows.length).toBeGreaterThan(20)
  expect(rows).toHaveLength(section.split('\n').filter((line) => line.startsWith('| ')).length - 2)
  expect(rows.filter(({ file, check }) => !tests.get(file)?.includes(check))).toEqual([])
})

test('each protection that is taken out of its source is in the table, with its check', () => {
  const listed = rows.map(({ name, file, check }) => [name, file, check])
  for (const { name, checker, test } of protections)
    expect(listed).toContainEqual([name, `test/${checker}.test.ts`, test])
})

test('each test that uses a broken build is in the table', () => {
  const breaking = [...tests].filter(([, text]) => /^import .*\bbrokenBuild\b/m.test(text))
  const using = breaking.flatMap(([file, text]) =>
    text
      .split(/^ *test(?:\.\w+\([^\n]*?\))?\(\s*/m)
      .slice(1)
      .filter((one) => one.includes('brokenBuild('))
      .map((one) => ({ file, name: /^(['"`])(.*?)\1,/.exec(one)?.[2] ?? one.slice(0, 80) })),
  )
  expect(using.length).toBeGreaterThan(8)
  const isListed = ({ file, name }: { file: string; name: string }) =>
    rows.some((row) => row.file === file && row.check === name)
  expect(using.filter((one) => !isListed(one))).toEqual([])
})
