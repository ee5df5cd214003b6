import { expect, test } from 'vitest'
import { thresholdEpisodes } from './threshold-reference.ts'

// The oracle is itself held against episodes worked out by hand.
const of = (...values: number[]) => values.map((value, ts) => ({ ts, value }))

test.each([
  ['nothing over the limit', { above: 8, forMs: 0, keepForMs: 0 }, of(1, 8), []],
  [
    'an episode that ends and one that does not',
    { above: 8, clear: 7, forMs: 1, keepForMs: 1 },
    of(9, 8, 9, 9, 7, 8, 7, 7, 9, 9),
    [
      { since: 2, raisedAt: 3, clearedAt: 7 },
      { since: 8, raisedAt: 9, clearedAt: undefined },
    ],
  ],
  [
    'below',
    { below: 2, forMs: 2, keepForMs: 0 },
    of(1, 1, 2, 1, 1, 1, 2),
    [{ since: 3, raisedAt: 5, clearedAt: 6 }],
  ],
  [
    'outside with a margin',
    { outside: [2, 4] as const, clear: [3, 3] as const, forMs: 0, keepForMs: 0 },
    of(5, 4, 2, 3, 1),
    [
      { since: 0, raisedAt: 0, clearedAt: 3 },
      { since: 4, raisedAt: 4, clearedAt: undefined },
    ],
  ],
])('%s', (_name, rule, readings, episodes) => {
  expect(thresholdEpisodes(rule, readings)).toEqual(episodes)
})
