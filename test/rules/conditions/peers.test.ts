import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { outcomes } from '../../../rules/conditions/condition.ts'
import { judgePeer } from '../../../rules/conditions/peers.ts'
import type { PeersCondition } from '../../../rules/rule.ts'

const condition: PeersCondition = {
  ...{ kind: 'peers', metric: 'a', by: 'site', k: 4, minPeers: 3, maxAge: '15m', minSpread: 0 },
}

function judge(own: number, others: readonly number[], given: Partial<PeersCondition> = {}) {
  const judged = { edge: 0 }
  // What lies behind those that count is left over from other readings.
  const scratch = Float64Array.of(...others, 1e6, -1e6)
  const outcome = judgePeer({ ...condition, ...given }, own, scratch, others.length, judged)
  return [outcome, judged.edge]
}

function sortedMedian(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

describe('a peer is compared with the others', () => {
  test('and is far from k deviations on, that exclusive', () => {
    expect(judge(7, [1, 2, 3, 4, 5])).toEqual([outcomes.cleared, 7])
    expect(judge(7.1, [5, 3, 1, 4, 2])).toEqual([outcomes.met, 7])
    expect(judge(-1.1, [5, 3, 1, 4, 2])).toEqual([outcomes.met, -1])
  })

  test('which lie minSpread apart at least', () => {
    expect(judge(4, [3, 3, 3], { minSpread: 0.5 })).toEqual([outcomes.cleared, 5])
    expect(judge(5.1, [3, 3, 3], { minSpread: 0.5 })).toEqual([outcomes.met, 5])
  })

  test('or not where they are too few', () => {
    expect(judge(7, [1, 2])).toEqual([outcomes.unknown, Number.NaN])
  })

  test('as sorting them would tell', () => {
    const values = fc.array(
      fc.integer({ min: -1e6, max: 1e6 }).map((thousandths) => thousandths / 1e3),
      { minLength: 3, maxLength: 40 },
    )
    fc.assert(
      fc.property(values, fc.double({ min: -1e7, max: 1e7, noNaN: true }), (others, own) => {
        const middle = sortedMedian(others)
        const allowed = 4 * sortedMedian(others.map((other) => Math.abs(other - middle)))
        const [outcome, edge] = judge(own, others)
        expect(outcome).toBe(Math.abs(own - middle) > allowed ? outcomes.met : outcomes.cleared)
        // + 0: zero may come as −0.
        expect((edge as number) + 0).toBe(middle + Math.sign(own - middle) * allowed + 0)
      }),
      { numRuns: 1_000 },
    )
  })
})
