import { describe, expect, test } from 'vitest'
import type { Value } from '../../../domain/profile.ts'
import { compiled, drive, type GivenReading, outcomesOf, series } from './drive.ts'
import { problemsOf } from './problems.ts'

const perMinute = { kind: 'rate', metric: 'm', per: '1m', above: 2 }

function at(...points: readonly (readonly [number, Value])[]): GivenReading[] {
  return points.map(([seconds, m]) => ({ ts: seconds * 1000, values: { m } }))
}

describe('a rate without window, since the reading before', () => {
  test.each<[string, object, GivenReading[], string[]]>([
    ['the first reading is unknown', {}, at([0, 9]), ['unknown']],
    ['above: over', {}, at([0, 0], [60, 2.001]), ['unknown', 'met']],
    ['above: at the limit', {}, at([0, 0], [60, 2]), ['unknown', 'cleared']],
    ['below: under', { above: undefined, below: -2 }, at([0, 0], [60, -2.001]), ['unknown', 'met']],
    ['below: at the limit', { above: undefined, below: -2 }, at([0, 0], [60, -2]), ['unknown', 'cleared']],
    ['scaled up to per', {}, at([0, 0], [1, 0.04]), ['unknown', 'met']],
    ['a gap is divided by its length', {}, at([0, 0], [3600, 100]), ['unknown', 'cleared']],
    [
      'a boolean is 0 or 1',
      { above: 0.9 },
      at([0, false], [60, true], [120, true]),
      ['unknown', 'met', 'cleared'],
    ],
    ['two at first of one time', {}, at([0, 0], [0, 9]), ['unknown', 'unknown']],
    [
      'both of one time against the earlier',
      {},
      at([0, 0], [60, 3], [60, 1], [60, 3]),
      ['unknown', 'met', 'cleared', 'met'],
    ],
    [
      'the last of one time is the earlier of the next',
      {},
      at([0, 0], [0, 9], [60, 10]),
      ['unknown', 'unknown', 'cleared'],
    ],
    ['text is not the earlier one', {}, at([0, 0], [59, 'x'], [60, 3]), ['unknown', 'unknown', 'met']],
  ])('%s', (_name, fields, readings, expected) => {
    expect(outcomesOf({ ...perMinute, ...fields }, readings)).toEqual(expected)
  })

  test('reports the rate and the limit', () => {
    const judged = drive(perMinute, at([0, 1], [30, 3], [31, 'x']))
    expect(judged.map(({ value }) => value)).toEqual([undefined, 4, undefined])
    expect(judged.map(({ threshold }) => threshold)).toEqual([2, 2, 2])
  })
})

describe('a rate over a window', () => {
  const overWindow = { ...perMinute, window: '10m' }

  test.each<[string, GivenReading[], string[]]>([
    ['no reading is old enough', at([0, 0], [599, 99]), ['unknown', 'unknown']],
    ['one is exactly as old', at([0, 0], [600, 20.01]), ['unknown', 'met']],
    ['at the limit', at([0, 0], [600, 20]), ['unknown', 'cleared']],
    ['the newest of those old enough', at([0, 99], [1, 0], [601, 20.01]), ['unknown', 'unknown', 'met']],
    ['the last of one time', at([0, 99], [0, 0], [600, 20.01]), ['unknown', 'unknown', 'met']],
    ['a gap is divided by its length', at([0, 0], [6000, 201]), ['unknown', 'met']],
    ['text is as if it were not there', at([0, 0], [1, 'x'], [601, 20.1]), ['unknown', 'unknown', 'met']],
  ])('%s', (_name, readings, expected) => {
    expect(outcomesOf(overWindow, readings)).toEqual(expected)
  })

  test('asks for its window', () => {
    expect(compiled(overWindow).windows).toEqual([{ metric: 'm', lengthMs: 600_000 }])
    expect(compiled(perMinute).windows).toEqual([])
  })

  test('of no length, as a label may say, is unknown', () => {
    const fromLabel = { ...overWindow, window: { label: 'w', default: '10m' } }
    const judged = drive(fromLabel, series([1, 2]), { labels: { w: '0s' } })
    expect(judged.map(({ outcome, value }) => [outcome, value])).toEqual([
      ['unknown', undefined],
      ['unknown', undefined],
    ])
  })

  test('reports the rate', () => {
    expect(drive(overWindow, at([0, 0], [600, 5])).at(-1)?.value).toBe(0.5)
  })
})

test('limit and durations come from labels', () => {
  const fromLabels = {
    kind: 'rate',
    metric: 'm',
    per: { label: 'per', default: '1m' },
    window: { label: 'window', default: '1h' },
    above: { label: 'max', default: 99 },
  }
  const labels = { per: '1h', window: '60s', max: '59' }
  expect(outcomesOf(fromLabels, series([0, 1]))).toEqual(['unknown', 'unknown'])
  expect(outcomesOf(fromLabels, series([0, 1]), { labels })).toEqual(['unknown', 'met'])
})

test.each<[string, object, string[]]>([
  ['neither above nor below', { above: undefined }, ['']],
  ['both above and below', { below: 1 }, ['/below']],
  ['an infinite limit', { above: Infinity }, ['/above']],
  ['no per', { per: undefined }, ['/per']],
  ['a per of zero', { per: '0s' }, ['/per']],
  ['a window of zero', { window: '0s' }, ['/window']],
  ['a window of over 400 days', { window: '401d' }, ['/window']],
  ['a window whose default is of over 400 days', { window: { label: 'w', default: '401d' } }, ['/window']],
  ['a metric of no such name', { metric: 'no name' }, ['/metric']],
  ['an unknown field', { clear: 1 }, ['/clear']],
])('refuses %s', (_name, fields, pointers) => {
  expect(problemsOf({ ...perMinute, ...fields })).toEqual(pointers)
})

test('takes a window of exactly 400 days', () => {
  expect(problemsOf({ ...perMinute, window: '400d' })).toEqual([])
})
