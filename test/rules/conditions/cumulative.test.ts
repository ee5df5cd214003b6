import { describe, expect, test } from 'vitest'
import { compiled, drive, outcomesOf } from './drive.ts'
import { driveInputs } from './drive-inputs.ts'

const warm = { kind: 'threshold', metric: 't', above: 30, clear: 28 } as const
const inStore = { kind: 'threshold', metric: 'store', equals: true } as const
const tenSeconds = { kind: 'cumulative', of: warm, longerThan: '10s' } as const
const withReset = { ...tenSeconds, reset: inStore }

/** Times in seconds. */
const at = (seconds: number, values: { t?: number; store?: boolean }) => ({ ts: seconds * 1000, values })

function sums(condition: object, readings: ReturnType<typeof at>[]) {
  return drive(condition, readings).map(({ value }) => value)
}

test('exactly longerThan is not met, a millisecond more is; the sum and the limit are in seconds', () => {
  const readings = [0, 10_000, 10_001].map((ts) => ({ ts, values: { t: 31 } }))
  expect(drive(tenSeconds, readings)).toEqual([
    { outcome: 'cleared', value: 0, threshold: 10 },
    { outcome: 'cleared', value: 10, threshold: 10 },
    { outcome: 'met', value: 10.001, threshold: 10 },
  ])
})

describe('the sum', () => {
  test('grows while the inner condition holds, over gaps too, and stays when it does not', () => {
    const readings = [
      at(0, { t: 31 }),
      at(4, { t: 20 }),
      at(100, { t: 31 }),
      at(105, { t: 20 }),
      at(106, { t: 20 }),
    ]
    expect(sums(tenSeconds, readings)).toEqual([0, 4, 4, 9, 9])
  })

  test('goes on until clear, and begins only when met', () => {
    const readings = [
      at(0, { t: 29 }),
      at(1, { t: 31 }),
      at(2, { t: 29 }),
      at(4, { t: 28 }),
      at(9, { t: 29 }),
    ]
    expect(sums(tenSeconds, readings)).toEqual([0, 0, 1, 3, 3])
  })

  test('stays over the limit for good without a reset', () => {
    const readings = [at(0, { t: 31 }), at(11, { t: 20 }), at(100_000, { t: 20 })]
    expect(outcomesOf(tenSeconds, readings)).toEqual(['cleared', 'met', 'met'])
  })
})

describe('reset', () => {
  test('makes the sum 0 while it holds, and the sum begins anew at the reading at which it ends', () => {
    const readings = [
      at(0, { t: 31 }),
      at(11, { t: 31 }),
      at(12, { store: true }),
      at(15, { t: 31 }),
      at(20, { store: false }),
      at(23, { t: 31 }),
    ]
    expect(sums(withReset, readings)).toEqual([0, 11, 0, 0, 0, 3])
    expect(outcomesOf(withReset, readings)).toEqual([
      'cleared',
      'met',
      'cleared',
      'cleared',
      'cleared',
      'cleared',
    ])
  })

  test('counts in the reading that holds both', () => {
    const readings = [
      at(0, { t: 31 }),
      at(11, { t: 31, store: true }),
      at(12, { t: 31, store: false }),
      at(14, { t: 31 }),
    ]
    expect(sums(withReset, readings)).toEqual([0, 0, 0, 2])
  })

  test('does nothing before it was ever judged', () => {
    expect(sums(withReset, [at(0, { t: 31 }), at(3, { t: 31 })])).toEqual([0, 3])
  })

  test('is judged at its own readings, at which the sum is brought up to date', () => {
    expect(outcomesOf(withReset, [at(0, { t: 31 }), at(11, { store: false })])).toEqual(['cleared', 'met'])
    expect([...compiled(withReset).metrics]).toEqual(['t', 'store'])
  })
})

test('takes longerThan from a label', () => {
  const labelled = { ...tenSeconds, longerThan: { label: 'grace', default: '10s' } }
  const readings = [at(0, { t: 31 }), at(6, { t: 31 })]
  expect(outcomesOf(labelled, readings, { labels: { grace: '5s' } })).toEqual(['cleared', 'met'])
})

test('counts from a tick at which the inner condition begins to hold', () => {
  const silent = { ...tenSeconds, of: { kind: 'absence', metric: 't', longerThan: '5s' } }
  const judged = driveInputs(compiled(silent), [
    at(0, { t: 1 }),
    { ts: 5_000, kind: 'tick' },
    at(16, { t: 1 }),
    at(18, { t: 1 }),
  ])
  expect(judged.map(({ value }) => value)).toEqual([0, 0, 11, 11])
  expect(judged[0]!.deadline).toBe(5_000)
})
