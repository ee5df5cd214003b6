import fc from 'fast-check'
import { expect, test } from 'vitest'
import { arbitrarySeries, arrivals, usualShape } from './arbitrary-readings.ts'
import { kinds } from './arbitrary-rules.ts'
import { msOf } from './judgement.ts'
import { reference } from './reference.ts'
import type { GivenReading } from './world.ts'

test.each(kinds)('$name: the cases raise and clear alarms often enough to tell something', ({ cases }) => {
  const seen = { raised: 0, escalated: 0, cleared: 0 }
  for (const { rule, readings, world } of fc.sample(cases, { numRuns: 600, seed: 7 })) {
    for (const { transition } of reference(rule, readings, world)) seen[transition]++
  }
  expect(seen.raised).toBeGreaterThan(30)
  expect(seen.escalated).toBeGreaterThan(10)
  expect(seen.cleared).toBeGreaterThan(10)
})

test('no reading arrives after one that is more than the given time newer', () => {
  const shuffled = arbitrarySeries(usualShape).chain((readings) =>
    fc.tuple(fc.constant(readings), arrivals(readings, 30_000)),
  )
  let moved = 0
  fc.assert(
    fc.property(shuffled, ([sorted, order]) => {
      expect(new Set(order)).toEqual(new Set(sorted))
      if (order.some((reading, i) => reading !== sorted[i])) moved++
      let newest = Number.NEGATIVE_INFINITY
      for (const { ts } of order) {
        newest = Math.max(newest, ts)
        expect(newest - ts).toBeLessThanOrEqual(30_000)
      }
    }),
    { numRuns: 200 },
  )
  expect(moved).toBeGreaterThan(50)
})

const inTime = (readings: readonly GivenReading[]) => readings.toSorted((a, b) => a.ts - b.ts)

test('with a wait any order of arrival within it says what the order of time says', () => {
  // Flapping is drawn without a wait: connections come in order.
  for (const { name, cases } of kinds.filter((kind) => kind.name !== 'flapping')) {
    const shuffled = cases
      .filter(({ rule, world }) => rule.wait !== '0s' && (world.connections ?? []).length === 0)
      .map(({ rule, readings, world }) => ({
        // Of readings of one time and metric the later arrival counts, so an order of arrival decides: one is kept.
        readings: inTime(readings).filter(
          ({ ts, device }, i, all) =>
            all.findIndex((other) => other.ts === ts && other.device === device) === i,
        ),
        rule: { ...rule, suppressedBy: [] },
        world,
      }))
      .chain((drawn) => fc.tuple(fc.constant(drawn), arrivals(drawn.readings, msOf(drawn.rule.wait) - 1)))
    fc.assert(
      fc.property(shuffled, ([{ rule, readings, world }, order]) => {
        expect(reference(rule, order, world), name).toEqual(reference(rule, readings, world))
      }),
      { numRuns: 40 },
    )
  }
})
