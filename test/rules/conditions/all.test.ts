import { describe, expect, test } from 'vitest'
import { compiled, drive, outcomesOf } from './drive.ts'
import { driveInputs, outcomesOfInputs } from './drive-inputs.ts'
import { combinations, type OutcomeName, readingFor, thresholds } from './outcome-table.ts'

/** As docs/RULES.md says it: the first of these that any inner condition has. */
const order: readonly OutcomeName[] = ['cleared', 'unknown', 'between', 'met']

describe('combines the outcomes of its inner conditions', () => {
  // The row of unknowns only is a reading that holds no metric of the condition: it does not reach it.
  test.each(combinations(3).filter((row) => row.some((name) => name !== 'unknown')))(
    '%s, %s, %s',
    (...inner) => {
      const [outcome] = outcomesOf({ kind: 'all', of: thresholds(3) }, [readingFor(inner)])
      expect(outcome).toBe(order.find((name) => inner.includes(name)))
    },
  )
})

const warm = { kind: 'threshold', metric: 't', above: 8, clear: 7 }
const open = { kind: 'threshold', metric: 'door', equals: true }
const warmAndOpen = { kind: 'all', of: [warm, open] }

test('keeps the outcome of a condition until the next reading with its metric', () => {
  const readings = [
    { ts: 0, values: { t: 9 } },
    { ts: 1, values: { door: true } },
    { ts: 2, values: { t: 7.5 } },
    { ts: 3, values: { door: false } },
    { ts: 4, values: { door: true } },
    { ts: 5, values: { t: 8.5 } },
    { ts: 6, values: { other: 1 } },
  ]
  const expected = ['unknown', 'met', 'between', 'cleared', 'between', 'met']
  expect(outcomesOf(warmAndOpen, readings)).toEqual(expected)
})

test('reports value and threshold of the first condition that the reading reached', () => {
  const readings = [
    { ts: 0, values: { t: 9, door: true } },
    { ts: 1, values: { door: false } },
    { ts: 2, values: { t: 6 } },
  ]
  const reported = drive(warmAndOpen, readings).map(({ value, threshold }) => [value, threshold])
  expect(reported).toEqual([
    [9, 8],
    [false, true],
    [6, 8],
  ])
})

test('nests: each level keeps its own state', () => {
  const nested = { kind: 'all', of: [warmAndOpen, { kind: 'not', of: { kind: 'all', of: [open, warm] } }] }
  const readings = [
    { ts: 0, values: { t: 9 } },
    { ts: 1, values: { door: true } },
    { ts: 2, values: { t: 6 } },
  ]
  expect(outcomesOf(nested, readings)).toEqual(['unknown', 'cleared', 'cleared'])
})

test('needs the metrics of all its inner conditions', () => {
  expect([...compiled({ kind: 'all', of: [warmAndOpen, warm] }).metrics]).toEqual(['t', 'door'])
})

describe('with conditions on the clock inside', () => {
  const subject = compiled({
    kind: 'all',
    of: [
      { kind: 'absence', metric: 'a', longerThan: '10ms' },
      { kind: 'absence', metric: 'b', longerThan: '20ms' },
    ],
  })

  test('has the earliest of their deadlines', () => {
    const given = [
      { ts: 5, values: { b: 1 } },
      { ts: 9, values: { a: 1 } },
      { ts: 19, kind: 'tick' as const },
    ]
    expect(driveInputs(subject, given).map(({ deadline }) => deadline)).toEqual([10, 19, 25])
  })

  test('shows a tick only to those whose deadline has come', () => {
    const given = [
      { ts: 0, values: { a: 1, b: 1 } },
      { ts: 9, kind: 'tick' as const },
      { ts: 10, kind: 'tick' as const },
      { ts: 20, kind: 'tick' as const },
      { ts: 21, values: { b: 1 } },
    ]
    expect(outcomesOfInputs(subject, given)).toEqual(['cleared', 'cleared', 'cleared', 'met', 'cleared'])
  })

  test('has no deadline without them', () => {
    expect(compiled(warmAndOpen).deadline).toBeUndefined()
  })
})
