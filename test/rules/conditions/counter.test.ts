import { describe, expect, test } from 'vitest'
import type { Value } from '../../../domain/profile.ts'
import { drive, outcomesOf, series } from './drive.ts'
import { problemsOf } from './problems.ts'

type Event = 'reset' | 'rollover' | 'reverse' | 'implausible'

function counter(event: Event, fields: object = {}) {
  return { kind: 'counter', metric: 'm', event, ...fields }
}

/** Of the second reading, an hour after the first. */
function afterStep(condition: object, from: Value, to: Value): string | undefined {
  return outcomesOf(condition, series([from, to], 3_600_000)).at(-1)
}

describe('a fall', () => {
  test.each<[string, number, number, Event | undefined, Event | undefined]>([
    // name, from, to, which event it is without max, which with max 1000
    ['to just under half', 100, 49.9, 'reset', 'reset'],
    ['to exactly half', 100, 50, 'reverse', 'reverse'],
    ['by little', 100, 99.9, 'reverse', 'reverse'],
    ['to zero from low', 100, 0, 'reset', 'reset'],
    ['from near the end to near the beginning', 990, 5, 'reset', 'rollover'],
    ['as far on through max as back', 700, 200, 'reset', 'reset'],
    ['a little nearer on through max than back', 700, 199, 'reset', 'rollover'],
    ['to half, and nearer on through max', 1_000, 499.9, 'reset', 'rollover'],
    ['as far on as back, to exactly half', 1_000, 500, 'reverse', 'reverse'],
    ['none: no step', 100, 100, undefined, undefined],
    ['none: a rise', 100, 900, undefined, undefined],
  ])('%s', (_name, from, to, withoutMax, withMax) => {
    for (const event of ['reset', 'reverse'] as const) {
      expect(afterStep(counter(event), from, to)).toBe(event === withoutMax ? 'met' : 'cleared')
      expect(afterStep(counter(event, { max: 1_000 }), from, to)).toBe(event === withMax ? 'met' : 'cleared')
    }
    const isRollover = withMax === 'rollover'
    expect(afterStep(counter('rollover', { max: 1_000 }), from, to)).toBe(isRollover ? 'met' : 'cleared')
  })
})

describe('an implausible step', () => {
  const implausible = counter('implausible', { maxPerHour: 10 })

  test.each<[string, number, number, number, string]>([
    ['just over', 3_600_000, 0, 10.001, 'met'],
    ['at the limit', 3_600_000, 0, 10, 'cleared'],
    ['within minutes', 360_000, 0, 1.001, 'met'],
    ['after a gap, by its length', 36_000_000, 0, 100, 'cleared'],
    ['at the same time, by anything', 0, 0, 0.001, 'met'],
    ['at the same time, not at all', 0, 5, 5, 'cleared'],
    ['a fall is none', 3_600_000, 100, 0, 'cleared'],
  ])('%s', (_name, gapMs, from, to, expected) => {
    expect(outcomesOf(implausible, series([from, to], gapMs))).toEqual(['unknown', expected])
  })

  test('takes maxPerHour from a label', () => {
    const fromLabel = counter('implausible', { maxPerHour: { label: 'max', default: 10 } })
    const hourly = series([0, 10], 3_600_000)
    expect(outcomesOf(fromLabel, hourly)).toEqual(['unknown', 'cleared'])
    expect(outcomesOf(fromLabel, hourly, { labels: { max: '9.9' } })).toEqual(['unknown', 'met'])
  })

  test('is no fall, not even where a label makes maxPerHour negative', () => {
    const fromLabel = counter('implausible', { maxPerHour: { label: 'max', default: 10 } })
    const judged = outcomesOf(fromLabel, series([9, 4], 3_600_000), { labels: { max: '-10' } })
    expect(judged).toEqual(['unknown', 'cleared'])
  })

  test('names maxPerHour as the threshold', () => {
    expect(drive(implausible, series([0, 50])).at(-1)).toEqual({ outcome: 'met', value: 50, threshold: 10 })
  })
})

describe('a tolerance', () => {
  test.each<[string, object, number, number, string]>([
    ['a fall by as much', counter('reverse', { tolerance: 7 }), 100, 93, 'cleared'],
    ['a fall by more', counter('reverse', { tolerance: 7 }), 100, 92.9, 'met'],
    [
      'a fall by more than half is a reset all the same',
      counter('reverse', { tolerance: 7 }),
      100,
      49,
      'cleared',
    ],
    ['a rise by as much more', counter('implausible', { maxPerHour: 10, tolerance: 7 }), 0, 17, 'cleared'],
    ['a rise by more', counter('implausible', { maxPerHour: 10, tolerance: 7 }), 0, 17.1, 'met'],
    ['of none', counter('reverse', { tolerance: 0 }), 100, 99.9, 'met'],
  ])('%s', (_name, condition, from, to, expected) => {
    expect(afterStep(condition, from, to)).toBe(expected)
  })

  test('is not added up: a fall by as much is what the next is compared with', () => {
    expect(outcomesOf(counter('reverse', { tolerance: 7 }), series([100, 94, 88]))).toEqual([
      'unknown',
      'cleared',
      'cleared',
    ])
  })
})

test('compares with the reading before, not with the first or the highest', () => {
  expect(outcomesOf(counter('reverse'), series([9, 8, 8, 9, 7]))).toEqual([
    'unknown',
    'met',
    'cleared',
    'cleared',
    'met',
  ])
})

test('reports the reading, and the previous one as the threshold', () => {
  const judged = drive(counter('reset'), series([100, 30]))
  expect(judged.at(-1)).toEqual({ outcome: 'met', value: 30, threshold: 100 })
})

test('reads a boolean as 0 or 1 and takes text for no reading', () => {
  expect(outcomesOf(counter('reset'), series([true, false]))).toEqual(['unknown', 'met'])
  expect(outcomesOf(counter('reset'), series([100, 'x', 30]))).toEqual(['unknown', 'unknown', 'met'])
})

test.each<[string, object, string[]]>([
  ['an unknown event', counter('tamper' as Event), ['/event']],
  ['rollover without max', counter('rollover'), ['/max']],
  ['a max of zero', counter('rollover', { max: 0 }), ['/max']],
  ['an infinite max', counter('reset', { max: Infinity }), ['/max']],
  ['implausible without maxPerHour', counter('implausible'), ['/maxPerHour']],
  ['implausible with max', counter('implausible', { maxPerHour: 1, max: 9 }), ['/max']],
  ['reset with maxPerHour', counter('reset', { maxPerHour: 1 }), ['/maxPerHour']],
  ['rollover with maxPerHour alone', counter('rollover', { maxPerHour: 1 }), ['/max', '/maxPerHour']],
  ['a negative maxPerHour', counter('implausible', { maxPerHour: -1 }), ['/maxPerHour']],
  [
    'a negative default of maxPerHour',
    counter('implausible', { maxPerHour: { label: 'x', default: -1 } }),
    ['/maxPerHour'],
  ],
  ['a negative tolerance', counter('reverse', { tolerance: -1 }), ['/tolerance']],
  ['reset with tolerance', counter('reset', { tolerance: 1 }), ['/tolerance']],
  ['rollover with tolerance', counter('rollover', { max: 9, tolerance: 1 }), ['/tolerance']],
  ['a limit', counter('reset', { above: 1 }), ['/above']],
])('refuses %s', (_name, condition, pointers) => {
  expect(problemsOf(condition)).toEqual(pointers)
})

test.each([counter('reset'), counter('reset', { max: 9 }), counter('reverse', { max: 9 })])(
  'takes %o',
  (condition) => {
    expect(problemsOf(condition)).toEqual([])
  },
)
