import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { EventRecord } from '../../domain/event.ts'
import { EventDelivery } from '../../events/event-delivery.ts'
import { wallClock } from '../../lib/clock.ts'
import { silentLogger } from '../../lib/logger.ts'
import { createMetrics } from '../../lib/metrics.ts'
import { openLmdbLog } from '../../log/lmdb-log.ts'
import { consumers, type Log } from '../../log/log.ts'
import { tempDir } from '../support/temp-dir.ts'

function eventOf(n: number, subject = 'fridge-1'): EventRecord {
  const time = new Date(Date.UTC(2026, 10, 23) + n).toISOString()
  return {
    specversion: '1.0',
    id: `event-${n}`,
    source: '/rules/r',
    type: 'tidemark.maintenance.raised.v1',
    subject,
    time,
    datacontenttype: 'application/json',
    data: {
      alarm: 'a',
      rule: 'r',
      ruleVersion: 1,
      device: subject,
      deviceType: 'fridge',
      class: 'maintenance',
      severity: 'major',
      state: 'raised',
      message: 'm',
      since: time,
      recorded: time,
      evidence: [],
    },
  }
}

async function openLog(): Promise<Log> {
  const log = await openLmdbLog({ path: join(tempDir(), 'log') })
  onTestFinished(() => log.close())
  return log
}

async function append(log: Log, events: readonly EventRecord[]): Promise<void> {
  await log.transaction((tx) => {
    for (const event of events) tx.append('events', Buffer.from(JSON.stringify(event)), 1)
  })
}

function deliver(log: Log, publish: (topic: string, payload: string) => Promise<void>) {
  const metrics = createMetrics()
  const delivery = new EventDelivery({ log, clock: wallClock, logger: silentLogger, metrics, publish })
  delivery.start()
  onTestFinished(() => delivery.stop())
  return { delivery, metrics }
}

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)

test('publishes every event in order, with its sequence, to the topic of its class and subject', async () => {
  const log = await openLog()
  await append(log, [eventOf(0), eventOf(1, 'site=berlin')])
  const published: [string, unknown][] = []
  const { metrics } = deliver(
    log,
    async (topic, payload) => void published.push([topic, JSON.parse(payload)]),
  )
  await expect.poll(() => published).toHaveLength(2)
  await append(log, [eventOf(2)])
  await expect.poll(() => published).toHaveLength(3)
  expect(published).toEqual([
    ['events/maintenance/fridge-1', { ...eventOf(0), sequence: '00000000000000000001' }],
    ['events/maintenance/site%3Dberlin', { ...eventOf(1, 'site=berlin'), sequence: '00000000000000000002' }],
    ['events/maintenance/fridge-1', { ...eventOf(2), sequence: '00000000000000000003' }],
  ])
  await expect.poll(() => log.offset(consumers.eventDelivery)).toBe(3)
  expect(await metrics.registry.getSingleMetricAsString('tidemark_event_seconds')).toContain(
    'tidemark_event_seconds_count 3',
  )
})

test('goes on after what was delivered when it is started again', async () => {
  const log = await openLog()
  await append(
    log,
    upTo(150).map((n) => eventOf(n)),
  )
  const ids: string[] = []
  const take = async (_topic: string, payload: string) => void ids.push(JSON.parse(payload).id)
  const first = deliver(log, take)
  await expect.poll(() => log.offset(consumers.eventDelivery)).toBe(150)
  await first.delivery.stop()
  await append(log, [eventOf(150)])
  deliver(log, take)
  await expect.poll(() => ids.length).toBe(151)
  expect(ids).toEqual(upTo(151).map((n) => `event-${n}`))
})

test('one that fails is tried again; what was published before it is not, and nothing after it goes first', async () => {
  const log = await openLog()
  await append(
    log,
    upTo(3).map((n) => eventOf(n)),
  )
  const ids: string[] = []
  let isDown = true
  let attempts = 0
  deliver(log, async (_topic, payload) => {
    const { id } = JSON.parse(payload)
    attempts++
    if (isDown && id === 'event-1') throw new Error('no broker')
    ids.push(id)
  })
  await expect.poll(() => attempts, { timeout: 10_000 }).toBeGreaterThanOrEqual(3)
  expect(log.offset(consumers.eventDelivery)).toBe(1)
  expect(ids).toEqual(['event-0'])
  isDown = false
  await expect.poll(() => log.offset(consumers.eventDelivery)).toBe(3)
  expect(ids).toEqual(['event-0', 'event-1', 'event-2'])
})

test('stops while an event waits for a publish that never ends', async () => {
  const log = await openLog()
  await append(log, [eventOf(0)])
  let isAsked = false
  const { delivery } = deliver(log, () => {
    isAsked = true
    return new Promise(() => undefined)
  })
  await expect.poll(() => isAsked).toBe(true)
  await delivery.stop()
  expect(log.offset(consumers.eventDelivery)).toBe(0)
})

test('events that were removed are passed over, also where they are the last', async () => {
  const log = await openLog()
  await append(
    log,
    upTo(3).map((n) => eventOf(n)),
  )
  await log.transaction((tx) => {
    for (const offset of [1, 2]) tx.removeRecord('events', offset)
  })
  const ids: string[] = []
  deliver(log, async (_topic, payload) => void ids.push(JSON.parse(payload).id))
  await expect.poll(() => log.offset(consumers.eventDelivery), { timeout: 15_000 }).toBe(3)
  expect(ids).toEqual(['event-0'])
})
