import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { repositoryRoot } from './source-files.ts'

/** How many normative statements each section of MQTT 3.1.1 has, as its Appendix B numbers them, in order. */
const statements: Readonly<Record<string, number>> = {
  '1.5.3': 3,
  '2.2.2': 2,
  '2.3.1': 7,
  '3.1.0': 2,
  '3.1.2': 24,
  '3.1.3': 11,
  '3.1.4': 5,
  '3.2.0': 1,
  '3.2.2': 6,
  '3.3.1': 12,
  '3.3.2': 3,
  '3.3.4': 1,
  '3.3.5': 2,
  '3.6.1': 1,
  '3.8.1': 1,
  '3.8.3': 4,
  '3.8.4': 6,
  '3.9.3': 2,
  '3.10.1': 1,
  '3.10.3': 2,
  '3.10.4': 6,
  '3.12.4': 1,
  '3.14.1': 1,
  '3.14.4': 3,
  '4.1.0': 2,
  '4.3.1': 1,
  '4.3.2': 2,
  '4.3.3': 2,
  '4.4.0': 1,
  '4.5.0': 2,
  '4.6.0': 6,
  '4.7.1': 3,
  '4.7.2': 1,
  '4.7.3': 4,
  '4.8.0': 2,
  '6.0.0': 4,
  '7.0.0': 2,
  '7.1.1': 1,
  '7.1.2': 1,
}
const numbers = Object.entries(statements).flatMap(([section, count]) =>
  Array.from({ length: count }, (_, i) => `${section}-${i + 1}`),
)
const page = readFileSync(join(repositoryRoot, 'docs/MQTT-CONFORMANCE.md'), 'utf8')
const titlesOf = (file: string): string | undefined => {
  const path = join(repositoryRoot, 'test/broker', `${file}.test.ts`)
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}

test('the page has every statement of MQTT 3.1.1 once, in order, with a verdict and a test or a reason', () => {
  expect(numbers).toHaveLength(141)
  expect(conformanceProblems(page, titlesOf)).toEqual([])
})

const shown = `| [MQTT-1.5.3-1] | asks | both | holds | \`a\`: one |\n| [MQTT-1.5.3-2] | asks | server | holds: so | \`a\`: one<br>\`a\`: it's %s |\n`
const source = `test('one', () => {})\n  test.each([1])("it's %s", () => {})\n`

test.each<[name: string, rows: string, problem: string]>([
  ['a statement that is missing', shown.split('\n')[0]!, 'MQTT-1.5.3-2 is not where it must be'],
  ['one that stands twice', shown + shown, 'MQTT-1.5.3-1 stands where there is no more'],
  [
    'one that is not of Appendix B',
    shown.replace('3-2]', '3-9]'),
    'MQTT-1.5.3-9 stands where MQTT-1.5.3-2 must',
  ],
  ['nothing asked', shown.replace('asks |', ' |'), 'MQTT-1.5.3-1 says nothing of what it asks'],
  ['nobody bound', shown.replace('both', 'all'), 'MQTT-1.5.3-1 binds neither server nor client nor both'],
  ['no verdict', shown.replace('holds |', 'perhaps |'), 'MQTT-1.5.3-1 has no verdict'],
  ['no test', shown.replace('`a`: one |', ' |'), 'MQTT-1.5.3-1 has neither a test nor a reason'],
  [
    'a reason where it binds a server',
    shown.replace('`a`: one |', 'none: so |'),
    'MQTT-1.5.3-1 binds a server and has no test',
  ],
  [
    'a file that is not there',
    shown.replace('`a`: one |', '`b`: one |'),
    'MQTT-1.5.3-1: there is no b.test.ts',
  ],
  [
    'a test that has another name',
    shown.replace("it's %s", "it's %i"),
    "MQTT-1.5.3-2: a.test.ts has no test 'it's %i'",
  ],
])('the check tells of %s', (_name, rows, problem) => {
  const find = (file: string) => (file === 'a' ? source : undefined)
  const expected = ['1.5.3-1', '1.5.3-2']
  expect(conformanceProblems(shown, find, expected)).toEqual([])
  expect(conformanceProblems(rows, find, expected)).toContain(problem)
})

/** What is wrong with the rows of `text`; `find` has the source of a test file. */
function conformanceProblems(
  text: string,
  find: (file: string) => string | undefined,
  expected: readonly string[] = numbers,
): string[] {
  const problems: string[] = []
  const rows = text.split('\n').filter((line) => line.startsWith('| [MQTT-'))
  for (const [i, row] of rows.entries()) {
    const [name = '', asks = '', binds = '', verdict = '', tests = ''] = row
      .split('|')
      .slice(1)
      .map((cell) => cell.trim())
    const number = name.slice(1, -1)
    if (number !== `MQTT-${expected[i]}`)
      problems.push(
        `${number} stands where ${expected[i] === undefined ? 'there is no more' : `MQTT-${expected[i]} must`}`,
      )
    if (asks === '') problems.push(`${number} says nothing of what it asks`)
    if (!['server', 'client', 'both'].includes(binds))
      problems.push(`${number} binds neither server nor client nor both`)
    if (!/^(holds|deviates|binds clients|does not apply)\b/.test(verdict))
      problems.push(`${number} has no verdict`)
    if (/^none: ./.test(tests)) {
      if (/^(holds|deviates)/.test(verdict)) problems.push(`${number} binds a server and has no test`)
    } else problems.push(...missingTests(tests, find).map((problem) => `${number}${problem}`))
  }
  for (const number of expected.slice(rows.length)) problems.push(`MQTT-${number} is not where it must be`)
  return problems
}

/** Of a cell with tests, one for each line of it. */
function missingTests(cell: string, find: (file: string) => string | undefined): string[] {
  const problems: string[] = []
  for (const line of cell.split('<br>')) {
    const [, file, title] = /^`([^`]+)`: (.+)$/.exec(line) ?? []
    if (file === undefined || title === undefined) problems.push(' has neither a test nor a reason')
    else {
      const source = find(file)
      if (source === undefined) problems.push(`: there is no ${file}.test.ts`)
      else if (!hasTitle(source, title)) problems.push(`: ${file}.test.ts has no test '${title}'`)
    }
  }
  return problems
}

/** Whether something is called with this text first: `test`, or what `test.each` returned. */
function hasTitle(source: string, title: string): boolean {
  const calls = source.replace(/\(\s+/g, '(')
  return ["'", '"', '`'].some((quote) => calls.includes(`(${quote}${title}${quote},`))
}
