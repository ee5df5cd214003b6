import { describe, expect, test } from 'vitest'
import type { Value } from '../../../domain/profile.ts'
import { compiled, drive, outcomesOf, series } from './drive.ts'
import { problemsOf } from './problems.ts'

const mean = { kind: 'aggregate', metric: 'm', fn: 'mean', window: '3m', above: 5 }

describe('the functions, of 1 2 3 6', () => {
  test.each<[string, number]>([
    ['mean', 3],
    ['min', 1],
    ['max', 6],
    ['sum', 12],
    ['count', 4],
    ['range', 5],
    ['stddev', Math.sqrt(3.5)],
    ['p50', 2.5],
    ['p75', 3.75],
    ['p90', 5.1],
    ['p99', 5.91],
  ])('%s', (fn, expected) => {
    const last = drive({ ...mean, fn, window: '1h' }, series([2, 6, 1, 3])).at(-1)
    expect(last?.value).toBeCloseTo(expected, 12)
  })

  test('of one reading the standard deviation and the range are 0 and any percentile is the reading', () => {
    const reported = (fn: string) => drive({ ...mean, fn }, series([7]))[0]?.value
    expect([reported('stddev'), reported('range'), reported('p99')]).toEqual([0, 0, 7])
  })
})

describe('the window and the limit', () => {
  test.each<[string, object, readonly Value[], string[]]>([
    ['is evaluated before it is full', {}, [6], ['met']],
    ['above: at the limit', {}, [4, 6], ['cleared', 'cleared']],
    ['below: under', { above: undefined, below: 5 }, [4.9], ['met']],
    ['below: at the limit', { above: undefined, below: 5 }, [5], ['cleared']],
    [
      'a reading exactly as old as the window is out',
      {},
      [0, 6, 6, 6],
      ['cleared', 'cleared', 'cleared', 'met'],
    ],
    ['fewer than minCount', { minCount: 2 }, [6, 6], ['unknown', 'met']],
    ['exactly minCount', { minCount: 3 }, [6, 6, 6], ['unknown', 'unknown', 'met']],
    [
      'more readings than fit the window',
      { minCount: 4 },
      [6, 6, 6, 6],
      ['unknown', 'unknown', 'unknown', 'unknown'],
    ],
    ['booleans are 0 and 1', { above: 0.5 }, [true, false, true], ['met', 'cleared', 'met']],
    ['text is as if it were not there', { minCount: 2 }, [6, 'x', 6], ['unknown', 'unknown', 'met']],
  ])('%s', (_name, fields, values, expected) => {
    expect(outcomesOf({ ...mean, ...fields }, series(values))).toEqual(expected)
  })

  test('a gap empties it', () => {
    const readings = [...series([0, 0]), { ts: 600_000, values: { m: 6 } }]
    expect(outcomesOf(mean, readings)).toEqual(['cleared', 'cleared', 'met'])
  })

  test('readings of one time all count', () => {
    expect(outcomesOf({ ...mean, fn: 'count', above: 2 }, series([0, 0, 0], 0))).toEqual([
      'cleared',
      'cleared',
      'met',
    ])
  })

  test('reports the aggregate, none of too few readings, and the limit', () => {
    const judged = drive({ ...mean, minCount: 2 }, series([2, 4, 'x']))
    expect(judged.map(({ value }) => value)).toEqual([undefined, 3, undefined])
    expect(judged[0]?.threshold).toBe(5)
  })
})

describe('with a reading that is not plausible', () => {
  const plausible = { ...mean, plausible: [1, 100] }

  test('the window is not judged until it has passed', () => {
    const readings = series([6, 6, 1000, 6, 6, 6])
    expect(outcomesOf(plausible, readings)).toEqual(['met', 'met', 'unknown', 'unknown', 'unknown', 'met'])
    expect(drive(plausible, readings)[3]?.value).toBe(undefined)
  })

  test.each<[string, number, string]>([
    ['at the lower end', 1, 'met'],
    ['under it', 0.99, 'unknown'],
    ['at the upper end', 100, 'met'],
    ['over it', 100.01, 'unknown'],
  ])('%s', (_name, value, expected) => {
    expect(outcomesOf({ ...plausible, above: 0 }, series([value]))).toEqual([expected])
  })

  test('it makes no difference whether the function would be moved by it', () => {
    for (const fn of ['count', 'min', 'p50'])
      expect(outcomesOf({ ...plausible, fn, above: 0 }, series([6, 1000]))).toEqual(['met', 'unknown'])
  })
})

test('limit and window come from labels', () => {
  const fromLabels = { ...mean, window: { label: 'w', default: '1h' }, above: { label: 'max', default: 5 } }
  expect(outcomesOf(fromLabels, series([0, 9]))).toEqual(['cleared', 'cleared'])
  expect(outcomesOf(fromLabels, series([0, 9]), { labels: { w: '60s', max: '8.5' } })).toEqual([
    'cleared',
    'met',
  ])
  expect(compiled(fromLabels, { labels: { w: '60s' } }).windows).toEqual([{ metric: 'm', lengthMs: 60_000 }])
})

test.each<[string, object, string[]]>([
  ['neither above nor below', { above: undefined }, ['']],
  ['both above and below', { below: 1 }, ['/below']],
  ['a limit that is no number', { above: Number.NaN }, ['/above']],
  ['an unknown function', { fn: 'median' }, ['/fn']],
  ['the name of a property of every object', { fn: 'constructor' }, ['/fn']],
  ['a percentile under p50', { fn: 'p49' }, ['/fn']],
  ['a percentile over p99', { fn: 'p100' }, ['/fn']],
  ['a percentile that is not whole', { fn: 'p99.9' }, ['/fn']],
  ['no window', { window: undefined }, ['/window']],
  ['a window of zero', { window: '0s' }, ['/window']],
  ['a window of over 400 days', { window: '9601h' }, ['/window']],
  ['a minCount of 0', { minCount: 0 }, ['/minCount']],
  ['a minCount over 10,000', { minCount: 10_001 }, ['/minCount']],
  ['a minCount that is not whole', { minCount: 1.5 }, ['/minCount']],
  ['plausible of one number', { plausible: [1] }, ['/plausible']],
  ['plausible of nothing between', { plausible: [2, 2] }, ['/plausible']],
  ['plausible without end', { plausible: [0, Infinity] }, ['/plausible/1']],
  ['an unknown field', { per: '1m' }, ['/per']],
])('refuses %s', (_name, fields, pointers) => {
  expect(problemsOf({ ...mean, ...fields })).toEqual(pointers)
})

test.each([{ fn: 'p50' }, { fn: 'p99' }, { window: '9600h' }, { minCount: 1 }, { minCount: 10_000 }])(
  'takes %o',
  (fields) => {
    expect(problemsOf({ ...mean, ...fields })).toEqual([])
  },
)
