import { describe, expect, test } from 'vitest'
import type { BoundBy } from '../../../simulators/bench/measurement.ts'
import { findKnee, type RateStep, tryRates } from '../../../simulators/bench/rate-steps.ts'

const percentiles = { p50: 1, p90: 1, p99: 1, max: 1 }

/** A broker that holds up to `limit` messages a second; above it `boundBy` is the limit. */
const upTo =
  (limit: number, boundBy: BoundBy = 'broker') =>
  async (rate: number): Promise<RateStep> => ({
    rate,
    acknowledgedRate: Math.min(rate, limit),
    holds: rate <= limit,
    boundBy: rate <= limit ? 'schedule' : boundBy,
    sent: rate,
    acknowledged: rate,
    seconds: 1,
    ackMs: percentiles,
    generatorLateMs: percentiles,
    generatorBusy: 0.5,
  })

describe('the search for the knee', () => {
  test('doubles until a rate does not hold, then halves what is between', async () => {
    const { steps, knee, boundBy } = await findKnee(upTo(7_100))
    expect(steps.map(({ rate }) => rate)).toEqual([1_000, 2_000, 4_000, 8_000, 6_000, 7_000, 7_500, 7_250])
    expect({ knee, boundBy }).toEqual({ knee: 7_000, boundBy: 'broker' })
  })

  test.each([1_000, 1_001, 33_333, 150_000, 999_999])(
    'finds a limit of %d to a twentieth, from below',
    async (limit) => {
      const { knee } = await findKnee(upTo(limit))
      expect(knee).toBeLessThanOrEqual(limit)
      expect(knee).toBeGreaterThan(limit * 0.9499)
    },
  )

  test('goes below its first rate when that does not hold', async () => {
    expect((await findKnee(upTo(300))).knee).toBe(282)
    const { steps, knee } = await findKnee(upTo(0))
    expect({ knee, tried: steps.length }).toEqual({ knee: null, tried: 6 })
  })

  test('ends when everything holds', async () => {
    const { knee, boundBy } = await findKnee(upTo(Number.POSITIVE_INFINITY))
    expect({ knee, boundBy }).toEqual({ knee: 2_048_000, boundBy: 'schedule' })
  })

  test('says when it was the generator that could not go on', async () => {
    expect((await findKnee(upTo(5_000, 'generator'))).boundBy).toBe('generator')
  })

  test('ends with what it has when a rate cannot be tried', async () => {
    const tryRate = async (rate: number) => (rate > 2_000 ? undefined : upTo(9_000)(rate))
    expect((await findKnee(tryRate)).knee).toBe(2_000)
    expect((await tryRates([500, 3_000, 1_000], tryRate)).steps.map(({ rate }) => rate)).toEqual([500])
  })
})

test('rates that are given are tried in their order, and the knee is the highest that held', async () => {
  const { steps, knee, boundBy } = await tryRates([500, 4_000, 2_000, 8_000], upTo(3_000, 'generator'))
  expect(steps.map(({ rate, holds }) => [rate, holds])).toEqual([
    [500, true],
    [4_000, false],
    [2_000, true],
    [8_000, false],
  ])
  expect({ knee, boundBy }).toEqual({ knee: 2_000, boundBy: 'generator' })
})
