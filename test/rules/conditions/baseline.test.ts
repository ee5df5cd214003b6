import { describe, expect, test } from 'vitest'
import { baseline } from '../../../rules/conditions/baseline.ts'
import { compiled, drive, type GivenReading, inputOf, outcomesOf, series } from './drive.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const mad = { kind: 'baseline', metric: 'm', window: '1d', warmup: '0s' }

/** Of 9 … 11: median 10, deviation 1. */
const usual = [9, 11, 10, 9, 11]

function last<T>(list: readonly T[]): T {
  return list.at(-1)!
}

describe('mad', () => {
  test.each([
    [14, 'cleared', 14],
    [14.001, 'met', 14],
    [6, 'cleared', 6],
    [5.999, 'met', 6],
    [10, 'cleared', 14],
  ])('of %d beside a usual 10 ± 1', (value, outcome, threshold) => {
    expect(last(drive(mad, series([...usual, value], 10 * minute)))).toEqual({ outcome, value, threshold })
  })

  test.each([
    ['above', 5, 'cleared', 14],
    ['above', 15, 'met', 14],
    ['below', 5, 'met', 6],
    ['below', 15, 'cleared', 6],
  ])('with direction %s, of %d', (direction, value, outcome, threshold) => {
    const condition = { ...mad, direction }
    expect(last(drive(condition, series([...usual, value], 10 * minute)))).toEqual({
      outcome,
      value,
      threshold,
    })
  })

  test('the reading is judged before it is learned, and learned whatever the outcome', () => {
    const outcomes = outcomesOf(mad, series([5, 5, 5, 50, 50, 50, 50, 50], 10 * minute))
    // Of 5 5 5 50 50 the median is 5, of 5 5 5 50 50 50 it is 27.5, and its deviation 22.5.
    expect(outcomes).toEqual(['unknown', 'cleared', 'cleared', 'met', 'met', 'met', 'cleared', 'cleared'])
  })

  test('of a spread of 0 any distance is too far, and none is not', () => {
    expect(outcomesOf(mad, series([5, 5, 5], minute * 10))).toEqual(['unknown', 'cleared', 'cleared'])
    expect(last(outcomesOf(mad, series([5, 5, 5.0001], minute * 10)))).toBe('met')
  })

  test('a spread below minSpread is taken to be it', () => {
    const condition = { ...mad, minSpread: 0.5 }
    expect(last(outcomesOf(condition, series([5, 5, 7], 10 * minute)))).toBe('cleared')
    expect(last(outcomesOf(condition, series([5, 5, 7.001], 10 * minute)))).toBe('met')
    const wide = { ...mad, minSpread: 3 }
    expect(last(outcomesOf(wide, series([...usual, 22], 10 * minute)))).toBe('cleared')
    expect(last(outcomesOf(wide, series([...usual, 22.001], 10 * minute)))).toBe('met')
    const narrow = { ...mad, minSpread: 0.5 }
    expect(last(outcomesOf(narrow, series([...usual, 14.001], 10 * minute)))).toBe('met')
  })

  test('only the first reading of each 256th of the window is learned', () => {
    const condition = { ...mad, window: '256s' }
    const readings = [
      { ts: 0, values: { m: 1 } },
      { ts: 400, values: { m: 90 } },
      { ts: 999, values: { m: 95 } },
      { ts: 1000, values: { m: 1 } },
    ]
    expect(last(drive(condition, readings)).outcome).toBe('cleared')
  })

  test('a sample exactly one window old no longer counts', () => {
    const of = (ts: number) => [
      { ts: 0, values: { m: 1 } },
      { ts, values: { m: 2 } },
    ]
    expect(last(outcomesOf(mad, of(day - 1)))).toBe('met')
    expect(last(outcomesOf(mad, of(day)))).toBe('unknown')
  })

  test('what is normal follows when a sample leaves and none comes', () => {
    // The first leaves at 256:30, in the part whose sample is the reading of 256:00.
    const readings = [30, 256 * 60, 256 * 60 + 10, 256 * 60 + 30].map((seconds, i) => ({
      ts: seconds * 1000,
      values: { m: i === 0 ? 100 : 1 },
    }))
    expect(last(drive({ ...mad, window: '256m' }, readings)).threshold).toBe(1)
  })

  test('a reading of the same time is no sample yet', () => {
    const readings = [0, 0, 1].map((value, i) => ({ ts: i < 2 ? 0 : hour, values: { m: value } }))
    expect(outcomesOf(mad, readings)).toEqual(['unknown', 'unknown', 'met'])
    const later = [
      ...series(usual, hour),
      { ts: 9 * hour, values: { m: 1000 } },
      { ts: 9 * hour, values: { m: 14 } },
    ]
    expect(last(drive(mad, later))).toEqual({ outcome: 'cleared', value: 14, threshold: 14 })
  })

  test('a text is not judged', () => {
    expect(last(outcomesOf(mad, series([...usual, 'high'], hour)))).toBe('unknown')
  })
})

test.each([
  [day - 1, 'unknown'],
  [day, 'met'],
])('with the first reading %d ms ago, a day of warm-up', (ts, outcome) => {
  const readings = [
    { ts: 0, values: { m: 1 } },
    { ts: 1, values: { m: 1 } },
    { ts, values: { m: 9 } },
  ]
  expect(last(outcomesOf({ ...mad, window: '2d', warmup: '1d' }, readings))).toBe(outcome)
})

describe('ewma', () => {
  const condition = { ...mad, method: 'ewma', window: '100s', k: 2 }

  test('is what a calculation by hand gives, with irregular steps', () => {
    // 10 at 0 s; at 50 s a = 1 − e^−0.5; at 200 s a = 1 − e^−1.5.
    const a1 = 1 - Math.exp(-0.5)
    const mean1 = 10 + a1 * 4
    const variance1 = (1 - a1) * a1 * 16
    const a2 = 1 - Math.exp(-1.5)
    const d2 = 9 - mean1
    const mean2 = mean1 + a2 * d2
    const variance2 = (1 - a2) * (variance1 + a2 * d2 * d2)
    const judged = drive(condition, [
      { ts: 0, values: { m: 10 } },
      { ts: 50_000, values: { m: 14 } },
      { ts: 200_000, values: { m: 9 } },
      { ts: 230_000, values: { m: 30 } },
    ])
    expect(judged.map(({ outcome }) => outcome)).toEqual(['unknown', 'met', 'cleared', 'met'])
    expect(judged[1]!.threshold).toBe(10)
    expect(judged[2]!.threshold).toBeCloseTo(mean1 - 2 * Math.sqrt(variance1), 12)
    expect(judged[3]!.threshold).toBeCloseTo(mean2 + 2 * Math.sqrt(variance2), 12)
  })

  test('a second reading of the same time teaches nothing', () => {
    const readings = [10, 99, 10].map((value, i) => ({ ts: i < 2 ? 0 : 1000, values: { m: value } }))
    expect(outcomesOf(condition, readings)).toEqual(['unknown', 'met', 'cleared'])
  })
})

describe('daily', () => {
  const daily = { ...mad, method: 'daily', window: '14d' }

  test('compares with the same hour of the day only', () => {
    const atNoon = [0, 1, 2].map((i) => ({ ts: i * day + 12 * hour, values: { m: 100 } }))
    const atNight = [0, 1, 2].map((i) => ({ ts: i * day + hour, values: { m: 1 } }))
    const readings = [...atNoon, ...atNight].sort((a, b) => a.ts - b.ts)
    const judge = (ts: number, value: number) =>
      last(outcomesOf(daily, [...readings, { ts, values: { m: value } }]))
    expect(judge(3 * day + 12 * hour, 100)).toBe('cleared')
    expect(judge(3 * day + 13 * hour - 1, 100)).toBe('cleared')
    expect(judge(3 * day + hour, 100)).toBe('met')
    expect(judge(3 * day + 13 * hour, 100)).toBe('unknown')
  })

  test('learns the first reading of each quarter of an hour', () => {
    const readings = [0, 14, 15, 16].map((minutes) => ({
      ts: minutes * minute,
      values: { m: minutes === 15 ? 3 : 1 },
    }))
    // Of 1 and 3: normal 2, spread 1.
    const judged = drive(daily, [...readings, { ts: 59 * minute, values: { m: 6.5 } }])
    expect(last(judged)).toEqual({ outcome: 'met', value: 6.5, threshold: 6 })
  })

  test('goes by the wall clock of its time zone, over the end of daylight saving', () => {
    const condition = { ...daily, timezone: 'Europe/Berlin' }
    // 25 October 2026, 03:00 in Berlin becomes 02:00: noon is at 10:00 UTC the day before, at 11:00 UTC after.
    const noonBefore = Date.parse('2026-10-24T10:30:00Z')
    const noonAfter = Date.parse('2026-10-25T11:30:00Z')
    const readings = [{ ts: noonBefore, values: { m: 1 } }]
    expect(last(outcomesOf(condition, [...readings, { ts: noonAfter, values: { m: 2 } }]))).toBe('met')
    expect(last(outcomesOf(condition, [...readings, { ts: noonAfter - hour, values: { m: 2 } }]))).toBe(
      'unknown',
    )
    expect(last(outcomesOf(daily, [...readings, { ts: noonAfter, values: { m: 2 } }]))).toBe('unknown')
  })
})

describe('state', () => {
  /** A reading every `stepMs`, of values that never repeat in order. */
  function run(condition: object, count: number, stepMs: number, isRestarted: boolean) {
    const subject = compiled({ ...mad, ...condition })
    let state = subject.initial({ beganAt: 0 })
    const seen: GivenReading[] = []
    const told = Array.from({ length: count }, (_, i) => {
      const reading = { ts: i * stepMs, values: { m: ((i * 7919) % 1009) / 10 } }
      const input = inputOf(reading, seen)
      const outcome = subject.step(state, input)
      const result = [outcome, subject.thresholdOf!(state, input)]
      if (isRestarted) state = JSON.parse(JSON.stringify(state))
      return result
    })
    return { told, state: state as { model: { times: number[] } } }
  }

  test.each([{ method: 'mad' }, { method: 'ewma' }, { method: 'daily', window: '3d' }])(
    'is the same with and without a restart: %j',
    (condition) => {
      expect(run(condition, 800, 7 * minute, true)).toEqual(run(condition, 800, 7 * minute, false))
    },
  )

  test('of mad holds one sample for each part that the window touches', () => {
    expect(run({ window: '256m' }, 2_000, minute, false).state.model.times).toHaveLength(256)
    expect(run({ window: '256m' }, 9_000, 13_007, false).state.model.times.length).toBeLessThanOrEqual(257)
  })

  test('of daily holds at most four samples a day for each hour', () => {
    const { state } = run({ method: 'daily', window: '2d' }, 5_000, 5 * minute, false)
    const { hours } = state.model as unknown as { hours: { times: number[] }[] }
    expect(hours).toHaveLength(24)
    for (const { times } of hours) expect(times.length).toBeLessThanOrEqual(9)
  })

  test.each(['mad', 'ewma', 'daily'])('of %s survives JSON with the largest numbers', (method) => {
    const huge = [1, -1, 1, -1, 1, 1].map((sign) => sign * Number.MAX_VALUE)
    const subject = compiled({ ...mad, method })
    const state = subject.initial({ beganAt: 0 })
    for (const reading of series(huge, 20 * minute)) subject.step(state, inputOf(reading, []))
    expect(JSON.parse(JSON.stringify(state))).toEqual(state)
  })
})

describe('what is refused, and where', () => {
  test.each<[string, object, string[]]>([
    ['no window', { window: undefined }, ['window']],
    ['a window of nothing', { window: '0s' }, ['window']],
    ['k of 0', { k: 0 }, ['k']],
    ['a negative minSpread', { minSpread: -1 }, ['minSpread']],
    ['another method', { method: 'mean' }, ['method']],
    ['another direction', { direction: 'up' }, ['direction']],
    ['a time zone beside mad', { timezone: 'Europe/Berlin' }, ['timezone']],
    ['a time zone that is none', { method: 'daily', timezone: 'Europe/Atlantis' }, ['timezone']],
    ['an offset as time zone', { method: 'daily', timezone: '+01:00' }, ['timezone']],
    ['daily over more than 60 days', { method: 'daily', window: '61d' }, ['window']],
    ['the same by a label', { method: 'daily', window: { label: 'w', default: '61d' } }, ['window']],
  ])('%s', (_name, given, path) => {
    const parsed = baseline.schema.safeParse({ ...mad, ...given })
    expect(parsed.error?.issues.map((issue) => issue.path)).toEqual([path])
  })

  test('60 days of daily are not, nor the defaults when they come back', () => {
    const parsed = baseline.schema.parse({ kind: 'baseline', metric: 'm', window: '60d' })
    expect(parsed).toEqual({
      kind: 'baseline',
      metric: 'm',
      window: '60d',
      method: 'mad',
      k: 4,
      direction: 'both',
      warmup: '1d',
      minSpread: 0,
      timezone: 'UTC',
    })
    expect(baseline.schema.parse(parsed)).toEqual(parsed)
    expect(baseline.schema.parse({ ...parsed, method: 'daily' })).toEqual({ ...parsed, method: 'daily' })
  })
})
