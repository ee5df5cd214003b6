import { expect, test } from 'vitest'
import type { InfluxVersion } from '../../storage/influx-reader.ts'
import { timelineOf } from '../../storage/influx-timeline.ts'
import type { InfluxAnswer } from '../../storage/influx-transport.ts'
import type { DeviceReading, TimelinePlace } from '../../storage/reading-store.ts'

/** What only 3 Core with much data answers; the rest is in timeline.test.ts, with a real database. */
const hourMs = 3_600_000
const t0 = Date.UTC(2026, 0, 1)
const hours = 24 * 30
const everything = { types: ['generic'], from: Date.UTC(2000, 0, 1), to: Date.UTC(2100, 0, 1) }

const answer = (status: number, body: string): InfluxAnswer => ({
  ...{ status, body, retryAfterSeconds: undefined, version: undefined },
})

/** Two devices with a reading an hour: refuses a span that has more than 72 h of readings. */
function core(asked: string[] = []) {
  return async (statement: string): Promise<InfluxAnswer> => {
    asked.push(statement)
    const [from, to] = /time>=(\d+)ms AND time<(\d+)ms/.exec(statement)!.slice(1).map(Number)
    const limit = Number(/ LIMIT (\d+)$/.exec(statement)?.[1] ?? 1e9)
    const [lo, hi] = [Math.max(from!, t0), Math.min(to!, t0 + hours * hourMs)]
    if (hi - lo > 72 * hourMs) return answer(400, 'Query would exceed file limit of 432 parquet files')
    const values: unknown[][] = []
    for (let ts = Math.ceil(lo / hourMs) * hourMs; ts < hi; ts += hourMs)
      for (const device of ['b', 'a']) values.push([ts, (ts - t0) / hourMs, device])
    const series = [{ columns: ['time', 'v', 'device'], values: values.slice(0, limit) }]
    return answer(200, JSON.stringify({ results: [values.length === 0 ? {} : { series }] }))
  }
}

async function walk(ask: ReturnType<typeof core>, limit: number, version: InfluxVersion = '3') {
  const all: DeviceReading[] = []
  let pages = 0
  let at: TimelinePlace | undefined
  do {
    const page = await timelineOf(ask, { ...everything, at, limit }, version)
    expect(page.readings.length).toBeLessThanOrEqual(limit)
    all.push(...page.readings)
    at = page.next
    pages++
  } while (at !== undefined && pages < 2_000)
  return all.map(({ device, values }) => `${device}${values.v}`)
}

test.each([1, 100, 5_000])('3 Core: pages of %i ask for spans that it answers', async (limit) => {
  const expected = Array.from({ length: hours }, (_, i) => [`a${i}`, `b${i}`]).flat()
  expect(await walk(core(), limit)).toEqual(expected)
})

test('3 Core: what was found out of the spans that it answers goes from page to page', async () => {
  const asked: string[] = []
  await walk(core(asked), 100)
  // 15 pages; each begun with all time would be refused 14 times.
  expect(asked.length).toBeLessThan(100)
})

test('a span that is refused however short is an error, as it is in other versions at any length', async () => {
  const refused = async () => answer(400, 'Query would exceed file limit of 432 parquet files')
  for (const version of ['1', '2', '3'] as const)
    await expect(timelineOf(refused, { ...everything, limit: 1 }, version)).rejects.toMatchObject({
      code: 'TIDEMARK_STORE_QUERY',
    })
})
