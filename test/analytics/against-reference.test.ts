import fc from 'fast-check'
import { expect, test } from 'vitest'
import { leftOutOf, seriesOf, topOf } from '../../analytics/live-series.ts'
import type { Log } from '../../log/log.ts'
import type { TestReading } from '../support/reading-batches.ts'
import { Reference, type ReferenceBatch } from './reference.ts'
import { append, minuteMs, Site, t0 } from './site.ts'

const numRuns = Number(process.env.TIDEMARK_CASES ?? 25)
const types = ['smart_meter', 'fridge'] as const
const metrics = ['active_power_w', 'relay_closed'] as const
const hourMs = 60 * minuteMs
const everything = { from: 0, to: t0 * 2, limit: 10_000 }

/** Whole numbers, so that their sum is the same in any order. */
const values = fc.record(
  {
    active_power_w: fc.integer({ min: -1_000, max: 1_000 }),
    relay_closed: fc.boolean(),
    state: fc.constantFrom('on', 'off'),
  },
  { requiredKeys: [] },
)

/**
 * How far a reading is behind the time at which the oldest of its batch was received: mostly in order, sometimes late, now and then
 * most of a day or more, or ahead.
 */
const behindMs = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 20_000 }) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 5 * minuteMs }) },
  { weight: 1, arbitrary: fc.integer({ min: 22 * hourMs, max: 23 * hourMs }) },
  { weight: 1, arbitrary: fc.integer({ min: 24.1 * hourMs, max: 26 * hourMs }) },
  { weight: 1, arbitrary: fc.integer({ min: -14 * minuteMs, max: 0 }) },
)
const readings = fc.array(
  fc.record({
    device: fc.integer({ min: 0, max: 4 }).map((n) => `d${n}`),
    type: fc.constantFrom(...types),
    site: fc.constantFrom('berlin', 'paris', undefined),
    behindMs,
    values,
  }),
  { minLength: 1, maxLength: 8 },
)
const stream: fc.Arbitrary<ReferenceBatch[]> = fc
  .array(fc.record({ stepMs: fc.integer({ min: 0, max: 2 * minuteMs }), readings }), {
    minLength: 1,
    maxLength: 25,
  })
  .map((steps) => {
    let receivedAt = t0
    return steps.map(({ stepMs, readings: own }) => {
      receivedAt += stepMs
      return { receivedAt, readings: own.map((given): TestReading => placed(given, receivedAt)) }
    })
  })

/** A device's readings are of its type: the type is part of its name. */
function placed(
  given: {
    device: string
    type: string
    site: string | undefined
    behindMs: number
    values: TestReading['values']
  },
  receivedAt: number,
): TestReading {
  return {
    device: `${given.type}-${given.device}`,
    type: given.type,
    tags: given.site === undefined ? [] : [['site', given.site]],
    time: receivedAt - given.behindMs,
    values: given.values,
    future: given.behindMs < -12 * minuteMs,
  }
}

const lives = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 12 })
/** With a commit for each group, and with one for all that there is. */
const gathering = fc.constantFrom(0, 1e6)

async function expectSame(log: Log, batches: readonly ReferenceBatch[]): Promise<void> {
  for (const type of types) {
    const reference = new Reference(type, batches)
    expect(leftOutOf(log, type)).toEqual({ late: reference.late, bounds: [] })
    for (const metric of metrics) {
      for (const by of [undefined, 'site']) {
        const { minutes } = seriesOf(log, { type, metric, by }, everything)
        const said = minutes.map(({ time, figures, isClosed }) => ({
          time,
          closed: isClosed,
          values: Object.fromEntries(figures),
        }))
        expect(said, `${type} ${metric} by ${by}`).toEqual(reference.series(metric, by !== undefined))
      }
      const { highest } = await topOf(log, { type, metric }, 100)
      const ranked = reference.ranked(metric).map(({ device, time, value }) => ({ device, time, value }))
      expect(highest).toEqual(ranked)
    }
  }
}

test('readings in any order, cut off at any commits: the same as a plain recomputation', async () => {
  let closed = 0
  let late = 0
  await fc.assert(
    fc.asyncProperty(stream, lives, gathering, async (batches, commits, gatherMs) => {
      const site = await Site.open()
      for (const { readings: own, receivedAt } of batches) await append(site.log, own, receivedAt)
      const options = { entriesMax: 1, gatherMs }
      for (const life of commits) await site.liveFor(life, options)
      site.start(options)
      await site.caughtUp()
      await site.stop()
      await expectSame(site.log, batches)
      await site.close()
      const reference = new Reference('smart_meter', batches)
      closed += reference.series('active_power_w', false).filter((minute) => minute.closed).length
      late += reference.late
    }),
    { numRuns },
  )
  // Some two and four a run; how many is left to chance.
  expect(closed).toBeGreaterThan(numRuns / 5)
  expect(late).toBeGreaterThan(numRuns / 5)
})

test('cut off at every commit there is: the same', async () => {
  const batches = fc.sample(stream, { seed: 7, numRuns: 4 })
  for (const own of batches) {
    const site = await Site.open()
    for (const { readings: given, receivedAt } of own) await append(site.log, given, receivedAt)
    // Lives of one commit each, those in between of none.
    for (let life = 0; life < 3 * own.length; life++)
      await site.liveFor(life % 2, { entriesMax: 1, gatherMs: 0 })
    site.start()
    await site.caughtUp()
    await site.stop()
    await expectSame(site.log, own)
  }
})
