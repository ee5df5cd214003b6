import { expect, test } from 'vitest'
import type { Value } from '../../../domain/profile.ts'
import { type Input, type Outcome, outcomes } from '../../../rules/conditions/condition.ts'
import { compiled, drive, outcomesOf, series } from './drive.ts'
import { problemsOf } from './problems.ts'

const stuck = { kind: 'stuck', metric: 'm', window: '3m' }
const unknown3 = ['unknown', 'unknown', 'unknown']

test.each<[string, object, readonly Value[], string[]]>([
  [
    'is met with three readings of no move and one exactly as old as the window',
    {},
    [7, 7, 7, 7],
    [...unknown3, 'met'],
  ],
  ['any move is one, with a tolerance of 0', {}, [7, 7, 7.001, 7], [...unknown3, 'cleared']],
  ['a move of exactly the tolerance is none', { tolerance: 0.5 }, [7, 7.5, 7, 7], [...unknown3, 'met']],
  ['a move over the tolerance', { tolerance: 0.5 }, [7, 7.501, 7, 7], [...unknown3, 'cleared']],
  ['the reading at the edge counts, low', { tolerance: 1 }, [5, 7, 7, 7, 7], [...unknown3, 'cleared', 'met']],
  [
    'the reading at the edge counts, high',
    { tolerance: 1 },
    [9, 7, 7, 7, 7],
    [...unknown3, 'cleared', 'met'],
  ],
  ['only the newest at the edge or before it counts', {}, [1, 7, 7, 7, 7], [...unknown3, 'cleared', 'met']],
  ['fewer than minCount', { minCount: 4 }, [7, 7, 7, 7, 7], [...unknown3, 'unknown', 'unknown']],
  ['exactly minCount', { minCount: 1, window: '1m' }, [7, 7], ['unknown', 'met']],
  ['booleans are 0 and 1', {}, [true, 1, true, true, false], [...unknown3, 'met', 'cleared']],
  ['text is as if it were not there', {}, [7, 'x', 7, 7, 7], [...unknown3, 'unknown', 'met']],
])('%s', (_name, fields, values, expected) => {
  expect(outcomesOf({ ...stuck, ...fields }, series(values))).toEqual(expected)
})

test('silence is not being stuck: after a gap too few readings are in the window', () => {
  const readings = [
    ...series([7, 7, 7, 7]),
    ...series([7, 7, 7]).map((r) => ({ ...r, ts: r.ts + 3_600_000 })),
  ]
  expect(outcomesOf(stuck, readings)).toEqual([...unknown3, 'met', 'unknown', 'unknown', 'met'])
})

test('readings of one time all count, and the last of them at the edge', () => {
  const readings = [...series([1, 7], 0), ...series([7, 7, 7], 0).map((r) => ({ ...r, ts: 180_000 }))]
  expect(outcomesOf(stuck, readings)).toEqual([...unknown3, 'unknown', 'met'])
})

test('the window comes from a label', () => {
  const fromLabel = { ...stuck, minCount: 1, window: { label: 'w', default: '3m' } }
  expect(outcomesOf(fromLabel, series([7, 7]), { labels: { w: '60s' } })).toEqual(['unknown', 'met'])
  expect(compiled(fromLabel).windows).toMatchObject([{ metric: 'm', lengthMs: 180_000 }])
})

test.each<[string, { first: number | null } | null, object, Outcome]>([
  ['it began within the window', { first: 60_001 }, {}, outcomes.unknown],
  [
    'the first reading of all is as old as the window: it has moved since',
    { first: 60_000 },
    {},
    outcomes.cleared,
  ],
  ['it is full, and older readings may have been given up', { first: 0 }, { isFull: true }, outcomes.unknown],
  ['when it began was not kept', null, {}, outcomes.cleared],
  ['too few readings', { first: 0 }, { count: 2 }, outcomes.unknown],
])('a window that does not reach back to its edge: %s', (_name, state, more, expected) => {
  const view = { count: 9, before: () => undefined, oldestTime: 200_000, isFull: false, ...more }
  const input = { time: 240_000, number: () => 7, window: () => view } as unknown as Input
  expect(compiled(stuck).step(state as never, input)).toBe(expected)
})

test('reports the reading and the tolerance', () => {
  expect(drive({ ...stuck, tolerance: 2 }, series([true]))).toEqual([
    { outcome: 'unknown', value: true, threshold: 2 },
  ])
})

test.each<[string, object, string[]]>([
  ['no window', { window: undefined }, ['/window']],
  ['a window of zero', { window: '0ms' }, ['/window']],
  ['a window of over 400 days', { window: '400.001d' }, ['/window']],
  ['a negative tolerance', { tolerance: -0.1 }, ['/tolerance']],
  ['an infinite tolerance', { tolerance: Infinity }, ['/tolerance']],
  ['a minCount of 0', { minCount: 0 }, ['/minCount']],
  ['a minCount over 10,000', { minCount: 10_001 }, ['/minCount']],
  ['a limit', { above: 1 }, ['/above']],
])('refuses %s', (_name, fields, pointers) => {
  expect(problemsOf({ ...stuck, ...fields })).toEqual(pointers)
})
