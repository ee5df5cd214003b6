import { describe, expect, test } from 'vitest'
import { drive, outcomesOf } from './drive.ts'
import { combinations, type OutcomeName, readingFor, thresholds } from './outcome-table.ts'

/** As docs/RULES.md says it: the first of these that any inner condition has. */
const order: readonly OutcomeName[] = ['met', 'between', 'cleared', 'unknown']

describe('combines the outcomes of its inner conditions', () => {
  // The row of unknowns only is a reading that holds no metric of the condition: it does not reach it.
  test.each(combinations(3).filter((row) => row.some((name) => name !== 'unknown')))(
    '%s, %s, %s',
    (...inner) => {
      const [outcome] = outcomesOf({ kind: 'any', of: thresholds(3) }, [readingFor(inner)])
      expect(outcome).toBe(order.find((name) => inner.includes(name)))
    },
  )
})

const hotOrLow = {
  kind: 'any',
  of: [
    { kind: 'threshold', metric: 't', above: 8, clear: 7 },
    { kind: 'threshold', metric: 'battery', below: 10 },
  ],
}

test('holds while one of them does, whichever; readings may hold one metric each', () => {
  const readings = [
    { ts: 0, values: { battery: 50 } },
    { ts: 1, values: { t: 9 } },
    { ts: 2, values: { battery: 9 } },
    { ts: 3, values: { t: 7.5 } },
    { ts: 4, values: { battery: 10 } },
    { ts: 5, values: { t: 7 } },
  ]
  const judged = drive(hotOrLow, readings)
  expect(judged.map(({ outcome }) => outcome)).toEqual(['cleared', 'met', 'met', 'met', 'between', 'cleared'])
  expect(judged.map(({ value }) => value)).toEqual([50, 9, 9, 7.5, 10, 7])
  expect(judged.map(({ threshold }) => threshold)).toEqual([10, 8, 10, 8, 10, 8])
})
