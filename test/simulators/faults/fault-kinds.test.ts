import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { faultKinds } from '../../../simulators/faults/fault-kinds.ts'
import { repositoryRoot } from '../../support/platform-process.ts'

const page = readFileSync(join(repositoryRoot, 'docs/SIMULATOR.md'), 'utf8')

/** The rows that tell of a kind, as they stand there. */
const rows = page
  .split('\n')
  .filter((line) => /^\| `\w+` +\| (process|sensor|transport) /.test(line))
  .map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  )

const code = (text: string) => `\`${text}\``
const parametersOf = (kind: string) =>
  Object.entries(faultKinds[kind]!.parameters).map(
    ([name, { default: of, is }]) => `${code(name)} ${of}: ${is}`,
  )

test('the table of docs/SIMULATOR.md has each kind once, as the code has it', () => {
  const expected = Object.entries(faultKinds).map(([kind, { class: faultClass, models, description }]) => [
    code(kind),
    faultClass,
    models?.map(code).join(' ') ?? 'any',
    description,
    parametersOf(kind).join('<br>'),
  ])
  expect(rows.map((cells) => cells.slice(0, 5))).toEqual(expected)
})

test('what it says of events is what the code expects: names, or beginnings of names that end in a star', () => {
  for (const [nth, [kind, { expect: expected }]] of Object.entries(faultKinds).entries()) {
    const patterns = [...(rows[nth]![5] ?? '').matchAll(/`([^`]+)`/g)].map(([, pattern]) => pattern!)
    const matches = (pattern: string, name: string) =>
      pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern
    const untold = expected.filter((name) => !patterns.some((pattern) => matches(pattern, name)))
    const idle = patterns.filter((pattern) => !expected.some((name) => matches(pattern, name)))
    expect({ kind, untold, idle }).toEqual({ kind, untold: [], idle: [] })
  }
})
