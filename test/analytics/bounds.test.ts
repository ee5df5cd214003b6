import { expect, test } from 'vitest'
import { leftOutOf, seriesOf, topOf } from '../../analytics/live-series.ts'
import { encodeReadingBatch } from '../../log/reading-batch-codec.ts'
import { batchOf, type TestReading } from '../support/reading-batches.ts'
import { minuteMs, reading, Site, t0 } from './site.ts'

const power = { type: 'smart_meter', metric: 'active_power_w' }
const everything = { from: 0, to: t0 * 2, limit: 10_000 }

async function running(options: Parameters<Site['start']>[0] = {}): Promise<Site> {
  const site = await Site.open()
  site.start(options)
  return site
}

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)
const bounds = (site: Site) => leftOutOf(site.log, 'smart_meter').bounds
const last = (site: Site, query: { type: string; metric: string; by?: string } = power) =>
  seriesOf(site.log, query, everything).minutes.at(-1)?.figures

test('devices beyond the bound are left out, and that is told', async () => {
  const site = await running({ devicesMax: 3 })
  await site.give(upTo(5).map((n) => reading(`d${n}`, 0.5, 10 ** n)))
  expect(last(site)?.get('all')).toMatchObject({ count: 3, sum: 111 })
  expect(bounds(site)).toEqual(['devices'])
})

test('a device that has fallen silent gives its place to another, and its values with it to nobody', async () => {
  const site = await running({ devicesMax: 2 })
  await site.give([reading('a', 0.5, 100, { site: 'berlin' }), reading('b', 0.5, 10, { site: 'paris' })])
  await site.give([reading('b', 4.5, 20, { site: 'paris' })])
  await site.give([reading('c', 4.6, 3)])
  expect(bounds(site)).toEqual([])
  const { highest } = await topOf(site.log, power, 10)
  expect(highest.map(({ device, value }) => [device, value])).toEqual([
    ['b', 20],
    ['c', 3],
  ])
  // The place had been one at a site.
  expect([...last(site, { ...power, by: 'site' })!.keys()]).toEqual(['paris'])
  await site.stop()
  site.start({ devicesMax: 2 })
  await site.give([reading('c', 4.7, 4), reading('d', 4.7, 1_000)])
  expect(last(site)?.get('all')).toMatchObject({ count: 2, sum: 24 })
  expect(bounds(site)).toEqual(['devices'])
})

test('who has fallen silent is told by devices for which there is no room yet', async () => {
  const site = await running({ devicesMax: 1 })
  await site.give([reading('a', 0.5, 100)])
  await site.give([reading('b', 5.5, 1)])
  expect(last(site)?.get('all')).toMatchObject({ count: 1, sum: 1 })
})

test('a device of a batch keeps its place until the batch is done', async () => {
  const site = await running({ devicesMax: 1 })
  const batch = batchOf([reading('b', 5.5, 1), reading('c', 20.5, 7), reading('b', 20.7, 2)], t0)
  // As ingest lists them: a device once.
  const device = Uint32Array.from([0, 1, 0])
  const bytes = encodeReadingBatch({ ...batch, receivedAt: t0 + 30 * minuteMs, device })
  await site.log.transaction((tx) => tx.append('readings', bytes, 3))
  await site.caughtUp()
  const { highest } = await topOf(site.log, power, 10)
  expect(highest.map(({ device, value }) => [device, value])).toEqual([['b', 2]])
})

test('metrics beyond the bound are left out, and those before them go on', async () => {
  const site = await running()
  const values = Object.fromEntries(upTo(40).map((n) => [`m${n}`, n]))
  await site.give([reading('a', 0.5, 0, { values })])
  expect(last(site, { type: 'smart_meter', metric: 'm31' })?.get('all')).toMatchObject({ count: 1, sum: 31 })
  expect(last(site, { type: 'smart_meter', metric: 'm32' })).toBeUndefined()
  expect(bounds(site)).toEqual(['metrics'])
})

test('values of a label beyond the bound are in the sum of all and in none of their own', async () => {
  const site = await running()
  await site.give(upTo(250).map((n) => reading(`d${n}`, 0.5, 1, { site: `s${n}` })))
  expect(last(site)?.get('all')).toMatchObject({ count: 250 })
  expect(last(site, { ...power, by: 'site' })?.size).toBe(200)
  expect(bounds(site)).toEqual(['labelValues'])
})

test('labels beyond the bound are no groups', async () => {
  const site = await running()
  const tags: TestReading['tags'] = upTo(6).map((n) => [`label${n}`, 'x'])
  await site.give([reading('a', 0.5, 1, { tags })])
  expect(last(site, { ...power, by: 'label3' })?.size).toBe(1)
  expect(last(site, { ...power, by: 'label4' })).toBeUndefined()
  expect(bounds(site)).toEqual(['labels'])
})

test('types beyond the bound are not counted', async () => {
  const site = await running()
  await site.give(upTo(40).map((n) => reading(`d${n}`, 0.5, n, { type: `type_${n}` })))
  const ofType = (n: number) => last(site, { type: `type_${n}`, metric: 'active_power_w' })?.get('all')
  expect(ofType(31)).toMatchObject({ sum: 31 })
  expect(ofType(32)).toBeUndefined()
})
