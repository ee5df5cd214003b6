import { expect, test } from 'vitest'
import {
  changesOf,
  leftOutOf,
  type SeenChanges,
  type SeriesQuery,
  seriesOf,
  topOf,
} from '../../analytics/live-series.ts'
import { messageLedger } from '../../http/ledger.ts'
import { consumers } from '../../log/log.ts'
import { append, minuteMs, reading, Site, t0 } from './site.ts'

const power: SeriesQuery = { type: 'smart_meter', metric: 'active_power_w' }
const bySite: SeriesQuery = { ...power, by: 'site' }
const everything = { from: 0, to: t0 * 2, limit: 10_000 }

async function running(options: Parameters<Site['start']>[0] = {}): Promise<Site> {
  const site = await Site.open()
  site.start(options)
  return site
}

/** Of each minute after `t0`: what a function says of each group. */
function said(site: Site, query: SeriesQuery, fn: 'count' | 'sum' | 'mean' | 'min' | 'max') {
  const { minutes } = seriesOf(site.log, query, everything)
  return Object.fromEntries(
    minutes.map(({ time, figures }) => [
      (time - t0) / minuteMs,
      Object.fromEntries([...figures].map(([group, own]) => [group, own[fn]])),
    ]),
  )
}

const late = (site: Site) => leftOutOf(site.log, 'smart_meter').late

test('the load of a fleet by site: each meter counts once a minute, with what it said last', async () => {
  const site = await running()
  await site.give([
    reading('a', 0.1, 100, { site: 'berlin' }),
    reading('b', 0.2, 30, { site: 'berlin' }),
    reading('c', 0.3, 5, { site: 'paris' }),
    reading('a', 0.9, 120, { site: 'berlin' }),
    reading('a', 1.5, 140, { site: 'berlin' }),
  ])
  expect(said(site, bySite, 'sum')).toEqual({ 0: { berlin: 150, paris: 5 }, 1: { berlin: 140 } })
  expect(said(site, power, 'sum')).toEqual({ 0: { all: 155 }, 1: { all: 140 } })
  expect(said(site, bySite, 'mean')).toEqual({ 0: { berlin: 75, paris: 5 }, 1: { berlin: 140 } })
  expect(said(site, bySite, 'min')).toEqual({ 0: { berlin: 30, paris: 5 }, 1: { berlin: 140 } })
  expect(said(site, bySite, 'max')).toEqual({ 0: { berlin: 120, paris: 5 }, 1: { berlin: 140 } })
  expect(said(site, bySite, 'count')).toEqual({ 0: { berlin: 2, paris: 1 }, 1: { berlin: 1 } })
})

test('a reading that is sent again changes nothing, and a corrected one takes its place', async () => {
  const site = await running()
  await site.give([reading('a', 0.5, 100), reading('b', 0.5, 1)])
  await site.give([reading('a', 0.5, 100)])
  expect(said(site, power, 'sum')).toEqual({ 0: { all: 101 } })
  expect(said(site, power, 'count')).toEqual({ 0: { all: 2 } })
  await site.give([reading('a', 0.5, 60)])
  expect(said(site, power, 'sum')).toEqual({ 0: { all: 61 } })
  // Older than what the device said last in that minute.
  await site.give([reading('a', 0.4, 999)])
  expect(said(site, power, 'sum')).toEqual({ 0: { all: 61 } })
})

test('a late reading corrects its minute for two minutes; after that it is counted as late', async () => {
  const site = await running()
  await site.give([reading('a', 0.5, 100), reading('a', 2.99, 1)])
  await site.give([reading('b', 0.6, 10)])
  expect(said(site, power, 'sum')).toEqual({ 0: { all: 110 }, 2: { all: 1 } })
  expect(late(site)).toBe(0)
  await site.give([reading('a', 3, 1)])
  await site.give([reading('c', 0.7, 1_000)])
  expect(said(site, power, 'sum')).toEqual({ 0: { all: 110 }, 2: { all: 1 }, 3: { all: 1 } })
  expect(late(site)).toBe(1)
})

test('a device whose clock is ahead makes nobody late', async () => {
  const site = await running()
  await site.give([reading('ahead', 4.9, 7), reading('a', 0.5, 100)], t0)
  await site.give([reading('b', 0.6, 10)], t0 + minuteMs)
  expect(said(site, power, 'sum')).toEqual({ 0: { all: 110 }, 4: { all: 7 } })
  expect(late(site)).toBe(0)
  await site.give([reading('far', 30, 7, { future: true })], t0 + minuteMs)
  expect(said(site, power, 'sum')).toEqual({ 0: { all: 110 }, 4: { all: 7 } })
})

test('readings of long ago are no live ones, and those of now go on beside them', async () => {
  const site = await running()
  await site.give([reading('a', 0.5, 1)])
  await site.give([reading('old', -25 * 60, 7), reading('a', 0.6, 2)], t0)
  expect(said(site, power, 'sum')).toEqual({ 0: { all: 2 } })
  expect(late(site)).toBe(1)
})

test('a day of minutes is kept', async () => {
  const site = await running()
  const hours = Array.from({ length: 30 }, (_, n) => n)
  for (const hour of hours) await site.give([reading('a', hour * 60, hour)])
  expect(Object.keys(said(site, power, 'sum'))).toEqual(hours.slice(5).map((hour) => String(hour * 60)))
})

test('booleans count as 0 and 1, and text does not', async () => {
  const site = await running()
  const states = (device: string, closed: boolean) =>
    reading(device, 0.5, 0, { values: { relay_closed: closed, state: 'ok' } })
  await site.give([states('a', true), states('b', true), states('c', false)])
  expect(said(site, { type: 'smart_meter', metric: 'relay_closed' }, 'sum')).toEqual({ 0: { all: 2 } })
  expect(said(site, { type: 'smart_meter', metric: 'state' }, 'count')).toEqual({})
})

test('a device that moves counts with its new site in the minutes that are open', async () => {
  const site = await running()
  await site.give([reading('a', 0.5, 1, { site: 'berlin' }), reading('a', 3.5, 2, { site: 'berlin' })])
  await site.give([reading('a', 4.5, 3, { site: 'paris' })])
  expect(said(site, bySite, 'sum')).toEqual({ 0: { berlin: 1 }, 3: { paris: 2 }, 4: { paris: 3 } })
})

test('a metric that comes later finds room beside the others', async () => {
  const site = await running()
  const values = (n: number) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`m${i}`, i + n]))
  for (const [n, count] of [3, 5, 17].entries())
    await site.give([reading(`d${n}`, 0.1, 0, { values: values(count) })])
  await site.stop()
  site.start()
  await site.give([reading('d9', 0.1, 0, { values: values(20) })])
  expect(said(site, { type: 'smart_meter', metric: 'm2' }, 'sum')).toEqual({ 0: { all: 5 + 7 + 19 + 22 } })
  expect(said(site, { type: 'smart_meter', metric: 'm19' }, 'sum')).toEqual({ 0: { all: 39 } })
})

test('the highest and lowest devices now, those that have fallen silent not among them', async () => {
  const site = await running()
  const meters = Array.from({ length: 300 }, (_, n) =>
    reading(`m${String(n).padStart(3, '0')}`, 5.5, (n * 7) % 300),
  )
  await site.give([reading('silent', 0.5, 10_000), ...meters, reading('m000', 5.6, 5_000)])
  const { highest, lowest } = await topOf(site.log, power, 3)
  expect(highest).toEqual([
    { device: 'm000', value: 5_000, time: t0 + 5.6 * minuteMs },
    { device: 'm257', value: 299, time: t0 + 5.5 * minuteMs },
    { device: 'm214', value: 298, time: t0 + 5.5 * minuteMs },
  ])
  expect(lowest.map(({ device, value }) => [device, value])).toEqual([
    ['m043', 1],
    ['m086', 2],
    ['m129', 3],
  ])
})

test('with the database away counting goes on, and the minutes are written once it is back', async () => {
  const site = await Site.open()
  let isUp = false
  const retry = { kind: 'retry', afterMs: 1, code: 'TIDEMARK_STORE_DOWN', detail: '' } as const
  site.answer = async () => (isUp ? { kind: 'done', rejected: [] } : retry)
  site.start()
  for (const minutes of [0, 1, 2, 3, 4, 5]) await site.give([reading('a', minutes + 0.5, minutes)])
  await expect.poll(() => site.writes.length).toBeGreaterThan(2)
  await site.stop()
  isUp = true
  site.writes.length = 0
  site.start()
  await site.give([reading('a', 6.5, 6)])
  await expect.poll(() => site.writes.flatMap(({ time }) => [...time])).toHaveLength(4)
  expect(site.writes.flatMap(({ time }) => [...time])).toEqual([0, 1, 2, 3].map((n) => t0 + n * minuteMs))
  expect(site.writes[0]!.devices[0]).toEqual({
    id: 'live_smart_meter/all',
    type: 'live_smart_meter',
    tags: [],
  })
  await site.stop()
  site.start()
  await site.give([reading('a', 7.5, 7)])
  await expect.poll(() => site.writes.flatMap(({ time }) => [...time])).toHaveLength(5)
  expect(site.writes.at(-1)!.time).toEqual(Float64Array.of(t0 + 4 * minuteMs))
})

test('a reader is told what has changed since it looked, once', async () => {
  const site = await running()
  const changes = (seen: SeenChanges) => {
    const { minutes, seen: next } = changesOf(site.log, power, seen)
    return { next, said: minutes.map(({ time, isClosed }) => [(time - t0) / minuteMs, isClosed]) }
  }
  await site.give([reading('a', 0.5, 1), reading('a', 3.5, 1), reading('a', 4.5, 1)])
  const first = changes({ revision: 0 })
  expect(first.said).toEqual([
    [3, false],
    [4, false],
  ])
  expect(changes(first.next).said).toEqual([])
  await site.give([reading('b', 4.6, 1)])
  const second = changes(first.next)
  expect(second.said).toEqual([[4, false]])
  // Of another type.
  await site.give([reading('f', 4.6, 1, { type: 'fridge' })])
  expect(changes(second.next)).toEqual({ next: second.next, said: [] })
  await site.give([reading('a', 6.5, 1)])
  expect(changes(second.next).said).toEqual([
    [3, true],
    [6, false],
  ])
  expect(changes({ revision: 0, fromMinute: t0 / minuteMs }).said).toHaveLength(4)
})

test('what it writes is no message: the ledger of messages is what it was', async () => {
  const site = await running()
  await site.log.appendIngress(Buffer.from('raw'), 2)
  await site.give([reading('a', 0.5, 1), reading('a', 6.5, 1)])
  await site.log.transaction((tx) => tx.commitOffset(consumers.ingest, 2))
  await expect.poll(() => site.writes.length).toBe(1)
  expect(messageLedger(site.log.stats())).toMatchObject({
    acknowledged: 2,
    stored: 0,
    deadLettered: 0,
    pending: 2,
  })
  expect(site.log.end('readings')).toBe(2)
})

test('a commit that the log refuses counts nothing twice', async () => {
  const site = await Site.open()
  let refusals = 2
  site.start({ log: site.refusing(() => refusals-- > 0) })
  await site.give([reading('a', 5.5, 1), reading('b', 0.5, 1)])
  expect(late(site)).toBe(1)
  expect(said(site, power, 'count')).toEqual({ 5: { all: 1 } })
})

test('a backlog is not committed group by group', async () => {
  const site = await Site.open()
  let commits = 0
  const log = site.refusing(() => {
    commits++
    return false
  })
  for (let n = 0; n < 50; n++) await append(site.log, [reading('a', n / 100, n)])
  site.start({ log, entriesMax: 1, gatherMs: 600_000 })
  await site.caughtUp()
  // The first group, and all the others.
  expect(commits).toBe(2)
  expect(said(site, power, 'sum')).toEqual({ 0: { all: 49 } })
})
