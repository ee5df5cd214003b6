import { expect, test } from 'vitest'
import type { Value } from '../../../domain/profile.ts'
import { drive, type GivenReading, outcomesOf, series } from './drive.ts'
import { problemsOf } from './problems.ts'

const table = [
  { above: 50, for: '60m' },
  { above: 100, for: '10m' },
  { above: 300, for: '3m' },
]
const carbonMonoxide = { kind: 'inverse-time', metric: 'm', table }

function atMinutes(...points: readonly (readonly [number, Value])[]): GivenReading[] {
  return points.map(([minutes, m]) => ({ ts: minutes * 60_000, values: { m } }))
}

test.each<[string, GivenReading[], string[]]>([
  ['at exactly the time of the highest row', atMinutes([0, 301], [3, 301]), ['between', 'met']],
  ['just before it', atMinutes([0, 301], [2.999, 301]), ['between', 'between']],
  ['a level is exclusive: its row does not begin', atMinutes([0, 300], [3, 300]), ['between', 'between']],
  ['each row counts for itself', atMinutes([0, 101], [8, 301], [10, 101]), ['between', 'between', 'met']],
  [
    'a lower value ends only the rows above it',
    atMinutes([0, 60], [30, 400], [31, 51], [60, 51]),
    ['between', 'between', 'between', 'met'],
  ],
  [
    'a reading at the level ends its row',
    atMinutes([0, 51], [59, 50], [60, 51], [119, 51], [120, 51]),
    ['between', 'cleared', 'between', 'between', 'met'],
  ],
  ['at the lowest level is cleared', atMinutes([0, 50]), ['cleared']],
  ['above the lowest level is between', atMinutes([0, 50.001]), ['between']],
  ['a gap counts with what was before it', atMinutes([0, 51], [600, 51]), ['between', 'met']],
  [
    'the met row ends while a lower one is not met yet',
    atMinutes([0, 301], [3, 301], [4, 60]),
    ['between', 'met', 'between'],
  ],
  ['two readings of one time', atMinutes([0, 301], [0, 10], [3, 301]), ['between', 'cleared', 'between']],
  ['text is as if it were not there', atMinutes([0, 301], [1, 'x'], [3, 301]), ['between', 'unknown', 'met']],
])('%s', (_name, readings, expected) => {
  expect(outcomesOf(carbonMonoxide, readings)).toEqual(expected)
})

test('reports the reading, and the level of the highest row that is met, or of the lowest', () => {
  const judged = drive(carbonMonoxide, atMinutes([0, 301], [3, 302], [10, 301], [11, 120], [61, 60], [62, 1]))
  expect(judged.map(({ value }) => value)).toEqual([301, 302, 301, 120, 60, 1])
  expect(judged.map(({ threshold }) => threshold)).toEqual([50, 300, 300, 100, 50, 50])
})

test('a row of no time is met at once, and a boolean is 0 or 1', () => {
  const atOnce = { ...carbonMonoxide, table: [{ above: 0, for: '0s' }] }
  expect(outcomesOf(atOnce, series([true, false]))).toEqual(['met', 'cleared'])
})

test('levels and times come from labels, in whatever order they fall', () => {
  const fromLabels = {
    ...carbonMonoxide,
    table: [
      { above: { label: 'low', default: 50 }, for: '10m' },
      { above: 100, for: { label: 'grace', default: '5m' } },
    ],
  }
  expect(outcomesOf(fromLabels, atMinutes([0, 101], [5, 101]))).toEqual(['between', 'met'])
  const labels = { low: '200', grace: '6m' }
  const judged = drive(fromLabels, atMinutes([0, 101], [5, 101], [6, 101], [7, 100]), { labels })
  expect(judged.map(({ outcome }) => outcome)).toEqual(['between', 'between', 'met', 'cleared'])
  expect(judged.map(({ threshold }) => threshold)).toEqual([100, 100, 100, 100])
})

const row = (above: unknown, time: unknown) => ({ above, for: time })
const rows = (count: number) => Array.from({ length: count }, (_, i) => row(i, `${20 - i}m`))

test.each<[string, unknown, string[]]>([
  ['no rows', [], ['/table']],
  ['eleven rows', rows(11), ['/table']],
  ['a level that does not rise', [row(50, '9m'), row(50, '8m')], ['/table/1/above']],
  ['a time that does not fall', [row(50, '9m'), row(60, '9m')], ['/table/1/for']],
  ['both, in the third row', [row(1, '9m'), row(2, '8m'), row(1, '8m')], ['/table/2/above', '/table/2/for']],
  [
    'a default that does not rise',
    [row(50, '9m'), row({ label: 'x', default: 49 }, '8m')],
    ['/table/1/above'],
  ],
  ['a default that does not fall', [row(50, '9m'), row(51, { label: 'x', default: '1h' })], ['/table/1/for']],
  ['an infinite level', [row(Infinity, '9m')], ['/table/0/above']],
  ['a time that is none', [row(1, 'soon')], ['/table/0/for']],
  ['an unknown field in a row', [{ ...row(1, '1m'), below: 1 }], ['/table/0/below']],
  ['no table', undefined, ['/table']],
])('refuses %s', (_name, given, pointers) => {
  expect(problemsOf({ ...carbonMonoxide, table: given })).toEqual(pointers)
})

test('takes one row, and ten', () => {
  expect(problemsOf({ ...carbonMonoxide, table: rows(1) })).toEqual([])
  expect(problemsOf({ ...carbonMonoxide, table: rows(10) })).toEqual([])
})
