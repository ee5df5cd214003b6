import { expect, test } from 'vitest'
import { readSources } from './source-files.ts'
import { styleProblems } from './style-rules.ts'

test('every source file is of at most 400 lines, in kebab-case and named after what it is', () => {
  const sources = readSources()
  expect(sources.size).toBeGreaterThan(100)
  expect([...sources].flatMap(([path, source]) => styleProblems(path, source))).toEqual([])
})

test.each<[name: string, path: string, source: string, problem: string]>([
  ['a file that is too long', 'lib/a.ts', 'x\n'.repeat(401), 'has 401 lines'],
  ['a file in camel case', 'lib/frameSplitter.ts', '', 'is not kebab-case'],
  ['a folder in capitals', 'Broker/a.ts', '', 'is not kebab-case'],
  ['a test in camel case', 'test/aB.test.ts', '', 'is not kebab-case'],
  ['a folder of odds and ends', 'broker/utils/a.ts', '', 'a name that says nothing'],
  ['a manager', 'broker/manager.ts', '', 'a name that says nothing'],
])('the checker finds %s', (_name, path, source, problem) => {
  expect(styleProblems(path, source)).toEqual([expect.stringContaining(problem)])
})

test('the checker finds nothing in a file of 400 lines with a good name', () => {
  expect(styleProblems('broker/frame-splitter.test.ts', 'x\n'.repeat(400))).toEqual([])
})
