import { describe, expect, test } from 'vitest'
import { trend } from '../../../rules/conditions/trend.ts'
import { compiled, drive, type GivenReading, inputOf, outcomesOf, series } from './drive.ts'

const minute = 60_000
/** Parts of a minute; readings fall by 1 a minute below. */
const falling = { kind: 'trend', metric: 'm', window: '48m', reaches: 10, within: '30m' }

/** `count` readings, one a minute, the last being `end`. */
function line(end: number, step: number, count = 8): GivenReading[] {
  return series(Array.from({ length: count }, (_, i) => end - (count - 1 - i) * step))
}

function lastOf(condition: object, readings: readonly GivenReading[]) {
  return drive(condition, readings).at(-1)!
}

describe('the time left', () => {
  test.each([
    [40, 'met', 1800],
    [41, 'cleared', 1860],
    [10.5, 'met', 30],
    [10, 'met', 0],
    [9, 'met', 0],
  ])('of %d falling by 1 a minute to 10 within 30 minutes', (end, outcome, value) => {
    expect(lastOf(falling, line(end, -1))).toEqual({ outcome, value, threshold: 1800 })
  })

  test.each([
    [60, 'met', 1800],
    [59, 'cleared', 1860],
    [90, 'met', 0],
    [91, 'met', 0],
  ])('of %d rising by 1 a minute to 90', (end, outcome, value) => {
    expect(lastOf({ ...falling, reaches: 90 }, line(end, 1))).toEqual({ outcome, value, threshold: 1800 })
  })

  test('is from the reading, also where that is no sample', () => {
    const readings = [...line(50, -1), { ts: 7 * minute + 1, values: { m: 35 } }]
    expect(lastOf(falling, readings)).toMatchObject({ outcome: 'met', value: 1500 })
  })
})

describe('no way there', () => {
  test('a slope of 0, unless at the limit', () => {
    expect(lastOf(falling, line(20, 0))).toMatchObject({ outcome: 'cleared', value: undefined })
    expect(lastOf(falling, line(10, 0))).toMatchObject({ outcome: 'met', value: 0 })
  })

  test('a slope that leads away from the limit', () => {
    expect(lastOf(falling, line(50, 1))).toMatchObject({ outcome: 'cleared', value: undefined })
    expect(lastOf({ ...falling, reaches: 90 }, line(50, -1))).toMatchObject({ outcome: 'cleared' })
  })

  test('a limit that was behind it for the whole window', () => {
    // From 17 down to 9: 10 was passed. From 9 down to 2: it was not seen to be.
    expect(lastOf(falling, line(9, -1, 9))).toMatchObject({ outcome: 'met', value: 0 })
    expect(lastOf(falling, line(2, -1, 8))).toMatchObject({ outcome: 'cleared' })
    expect(lastOf(falling, line(3, -1, 8))).toMatchObject({ outcome: 'met', value: 0 })
  })
})

describe('samples', () => {
  test('are 8 before anything is said, or minSamples', () => {
    expect(outcomesOf(falling, line(20, -1, 8))).toEqual([...Array(7).fill('unknown'), 'met'])
    expect(outcomesOf({ ...falling, minSamples: 2 }, line(20, -1, 2))).toEqual(['unknown', 'met'])
  })

  test('are the first reading of each 48th of the window', () => {
    const twice = line(20, -1, 7).flatMap(({ ts, values }) => [
      { ts, values },
      { ts: ts + 1, values: { m: 1000 } },
    ])
    expect(new Set(outcomesOf(falling, twice))).toEqual(new Set(['unknown']))
  })

  test('leave at exactly one window of age', () => {
    const condition = { ...falling, minSamples: 8 }
    const at = (ts: number) => [...line(20, -1, 7), { ts, values: { m: 19 } }]
    expect(lastOf(condition, at(48 * minute - 1)).outcome).not.toBe('unknown')
    expect(lastOf(condition, at(48 * minute)).outcome).toBe('unknown')
  })

  test('one wild outlier does not turn the slope', () => {
    const readings = line(20, -1, 12)
    const wild = readings.map((one, i) => (i === 5 ? { ...one, values: { m: 1e6 } } : one))
    expect(lastOf(falling, wild)).toEqual(lastOf(falling, readings))
  })

  test('count anew when one leaves and none comes', () => {
    // The first leaves at 48:30, in the part whose sample is the reading of 48:00.
    const readings = [30_000, 47 * minute, 48 * minute, 48 * minute + 30_000].map((ts, i) => ({
      ts,
      values: { m: 20 - i },
    }))
    const outcomes = outcomesOf({ ...falling, minSamples: 3, within: '1d' }, readings)
    expect(outcomes).toEqual(['unknown', 'unknown', 'met', 'unknown'])
  })

  test('of an even number of pairs the slope is the mean of the middle two', () => {
    // Of 0, 1, 3, 3 a minute apart the slopes are 1, 1.5, 1, 2, 1, 0: sorted 0 1 1 1 1.5 2.
    expect(lastOf({ ...falling, minSamples: 4, reaches: 33 }, series([0, 1, 3, 3]))).toMatchObject({
      value: 1800,
    })
    // Of 0, 1, 4, 7: 1, 2, 7/3, 3, 3, 3.
    expect(lastOf({ ...falling, minSamples: 4, reaches: 15 }, series([0, 1, 4, 7])).value).toBeCloseTo(180, 9)
  })
})

function stateAfter(condition: object, readings: readonly GivenReading[]) {
  const subject = compiled(condition)
  const state = subject.initial({ beganAt: 0 })
  for (const reading of readings) subject.step(state, inputOf(reading, readings))
  return state as { times: number[]; slope: number | null }
}

test('a text says nothing', () => {
  expect(lastOf(falling, [...line(20, -1), { ts: 8 * minute, values: { m: 'low' } }])).toMatchObject({
    outcome: 'unknown',
    value: undefined,
  })
})

describe('state', () => {
  const many = Array.from({ length: 3_000 }, (_, i) => ({
    ts: i * 7_001,
    values: { m: ((i * 7919) % 1009) / 10 },
  }))

  test('holds a sample for each part that the window touches', () => {
    expect(stateAfter(falling, many).times.length).toBeLessThanOrEqual(49)
  })

  test('is the same with and without a restart', () => {
    // drive restarts after every reading.
    const subject = compiled(falling)
    const state = subject.initial({ beganAt: 0 })
    const outcomes = many.slice(0, 900).map((reading) => {
      subject.step(state, inputOf(reading, []))
      return subject.value(state, inputOf(reading, []))
    })
    expect(drive(falling, many.slice(0, 900)).map(({ value }) => value)).toEqual(outcomes)
  })

  test('survives JSON with the largest numbers', () => {
    const huge = [1, -1, 1, -1].map((sign) => sign * Number.MAX_VALUE)
    const state = stateAfter({ ...falling, window: '48ms', minSamples: 2 }, series(huge, 1))
    expect(JSON.parse(JSON.stringify(state))).toEqual(state)
  })
})

describe('what is refused, and where', () => {
  test.each<[string, object, string[]]>([
    ['a window of nothing', { window: '0s' }, ['window']],
    ['within nothing', { within: '0s' }, ['within']],
    ['nothing to reach', { reaches: undefined }, ['reaches']],
    ['one sample', { minSamples: 1 }, ['minSamples']],
    ['more samples than are kept', { minSamples: 49 }, ['minSamples']],
    ['half a sample', { minSamples: 2.5 }, ['minSamples']],
  ])('%s', (_name, given, path) => {
    const parsed = trend.schema.safeParse({ ...falling, ...given })
    expect(parsed.error?.issues.map((issue) => issue.path)).toEqual([path])
  })

  test('minSamples is 8 when it is left out', () => {
    expect(trend.schema.parse(falling)).toEqual({ ...falling, minSamples: 8 })
  })
})
