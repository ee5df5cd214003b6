import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Subject, subjects } from '../storage/subjects.ts'
import { minuteMs, reading, Site, t0 } from './site.ts'

/** What is in the database, for every implementation of its port. */
describe.each(subjects.filter(([, , available]) => available))('%s', (_name, create) => {
  let subject: Subject
  beforeAll(async () => {
    subject = await create()
  })
  afterAll(() => subject.close())

  const stored = (device: string) =>
    subject.store.readings({ device, type: 'live_smart_meter', metrics: [], from: 0, to: t0 * 2, limit: 10 })

  test('has each closed minute once, under the type and the group it is of', async () => {
    const site = await Site.open()
    site.start({ store: subject.store })
    await site.give([
      reading('a', 0.1, 100, { site: 'berlin' }),
      reading('b', 0.2, 50, { site: 'berlin' }),
      reading('c', 0.3, 30, { site: 'São Paulo, =1' }),
      reading('a', 1.1, 7, { site: 'berlin' }),
    ])
    await site.give([reading('a', 3.9, 8, { site: 'berlin' })])
    const figures = (count: number, sum: number, min: number, max: number) => ({
      active_power_w_count: count,
      active_power_w_max: max,
      active_power_w_mean: sum / count,
      active_power_w_min: min,
      active_power_w_sum: sum,
    })
    const all = [{ time: t0, values: figures(3, 180, 30, 100) }]
    await expect.poll(() => stored('live_smart_meter/all'), { timeout: 10_000 }).toEqual(all)
    expect(await stored('live_smart_meter/site=berlin')).toEqual([
      { time: t0, values: figures(2, 150, 50, 100) },
    ])
    expect(await stored('live_smart_meter/site=São Paulo, =1')).toEqual([
      { time: t0, values: figures(1, 30, 30, 30) },
    ])
    await site.give([reading('a', 4.1, 9, { site: 'berlin' })])
    const next = { time: t0 + minuteMs, values: figures(1, 7, 7, 7) }
    await expect.poll(() => stored('live_smart_meter/all'), { timeout: 10_000 }).toEqual([...all, next])
  })
})
