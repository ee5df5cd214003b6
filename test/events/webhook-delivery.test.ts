import { expect, test } from 'vitest'
import type { Webhook } from '../../domain/webhook.ts'
import { webhookLimits } from '../../events/webhook-limits.ts'
import { TidemarkError } from '../../lib/errors.ts'
import { consumers, counters, type Log } from '../../log/log.ts'
import { isSigned, webhookReceiver } from './webhook-receiver.ts'
import {
  append,
  deliver,
  eventOf,
  eventsOf,
  everything,
  expectAll,
  ids,
  key,
  openLog,
  patient,
  secret,
  site,
} from './webhook-site.ts'

test('events go out in order, signed, with their sequence, from the creation of the webhook on', async () => {
  const { log, webhooks } = await openLog()
  await append(log, [eventOf(0)])
  const receiver = await webhookReceiver()
  await webhooks.create({ id: 'w', url: receiver.url, secret, ...everything })
  deliver(log, webhooks)
  await append(log, [eventOf(1), eventOf(2)])
  await expect.poll(() => ids(receiver.taken()), patient).toEqual(['event-1', 'event-2'])
  await append(log, [eventOf(3)])
  await expect.poll(() => ids(receiver.taken()), patient).toEqual(['event-1', 'event-2', 'event-3'])
  expect(receiver.taken()[0]!.event).toEqual({ ...eventOf(1), sequence: '00000000000000000002' })
  expect(receiver.received.every((one) => isSigned(one, key))).toBe(true)
  await expect.poll(() => log.offset(consumers.webhooks), patient).toBe(4)
  expect(log.stats().counters[counters.webhookDeliveries('delivered')]).toBe(3)
})

test('a receiver that is down, then slow, then failing every third time gets every event, in order for each alarm', async () => {
  const { log, webhooks } = await openLog()
  let phase: 'slow' | 'failing' = 'slow'
  const receiver = await webhookReceiver((n) => {
    if (phase === 'slow') return n % 2 === 0 ? 204 : undefined
    return n % 3 === 0 ? 500 : 204
  })
  await receiver.down()
  await webhooks.create({ id: 'w', url: receiver.url, secret, ...everything })
  const { uid } = webhooks.find('w')!
  // Half of the slow answers come too late: the receiver has the event, and gets it again.
  const delivery = deliver(log, webhooks, {}, 100)
  const events = eventsOf(240, 12)
  await append(log, events.slice(0, 120))
  await expect.poll(() => delivery.status(uid)?.waiting, patient).toBe(120)
  await expect
    .poll(() => log.stats().counters[counters.webhookDeliveries('failed')] ?? 0, patient)
    .toBeGreaterThan(30)
  expect(delivery.status(uid)!.failing!.detail).toContain('ECONNREFUSED')
  await receiver.up()
  await expect.poll(() => receiver.received.length, patient).toBeGreaterThan(30)
  phase = 'failing'
  await append(log, events.slice(120))
  await expect.poll(() => new Set(ids(receiver.taken())).size, patient).toBe(240)
  await expect
    .poll(() => delivery.status(uid), patient)
    .toEqual({ waiting: 0, deadDeliveries: 0, failing: null })
  expectAll(receiver.received, receiver.taken(), events)
  expect(receiver.received.length).toBeGreaterThan(240 + 60)
})

test('while one alarm’s event fails, those of other alarms go on', async () => {
  let isPoisonous = true
  const { log, receiver } = await site((_n, { event }) =>
    isPoisonous && event.data.alarm === 'alarm-1' ? 500 : 204,
  )
  const events = eventsOf(30, 3)
  await append(log, events)
  await expect.poll(() => receiver.taken().length, patient).toBe(20)
  expect(receiver.taken().some(({ event }) => event.data.alarm === 'alarm-1')).toBe(false)
  isPoisonous = false
  await expect.poll(() => receiver.taken().length, patient).toBe(30)
  expectAll(receiver.received, receiver.taken(), events)
})

test('stopped and started again in the middle, it goes on where it was', async () => {
  const { log, webhooks } = await openLog()
  let takenMax = 0
  let stop: (() => void) | undefined
  const receiver = await webhookReceiver((n, one, response) => {
    const taken = receiver.taken().length
    if (n % 3 === 0 || taken >= takenMax) return 503
    if (taken + 1 < takenMax || stop === undefined) return 204
    // While this very request is in flight, and for a while yet.
    stop()
    one.status = 204
    setTimeout(() => response.writeHead(204).end(), 100)
    return 'by hand'
  })
  await webhooks.create({ id: 'w', url: receiver.url, secret, ...everything })
  const events = eventsOf(150, 5)
  await append(log, events)
  for (takenMax of [20, 60, 110]) {
    await new Promise<void>((resolve) => {
      const delivery = deliver(log, webhooks)
      stop = () => void delivery.stop().then(resolve)
    })
  }
  stop = undefined
  takenMax = Number.POSITIVE_INFINITY
  deliver(log, webhooks)
  await expect.poll(() => new Set(ids(receiver.taken())).size, patient).toBe(150)
  // An orderly stop keeps what was delivered: nothing comes again that was taken.
  expect(receiver.taken()).toHaveLength(150)
  expectAll(receiver.received, receiver.taken(), events)
})

test('killed at the moment an event is taken, at most what was not kept comes again, with its id', async () => {
  const { log, webhooks } = await openLog()
  let kill: (() => void) | undefined
  let killAt = 0
  const receiver = await webhookReceiver((n) => {
    if (receiver.taken().length >= killAt) kill?.()
    return n % 3 === 0 ? 503 : 204
  })
  await webhooks.create({ id: 'w', url: receiver.url, secret, ...everything })
  const events = eventsOf(150, 5)
  await append(log, events)
  const kills = [20, 60, 110]
  for (killAt of kills) {
    const killed = mortal(log)
    const isKilled = new Promise<void>((resolve) => {
      kill = () => {
        killed.kill()
        resolve()
      }
    })
    deliver(killed.log, webhooks)
    await isKilled
  }
  kill = undefined
  deliver(log, webhooks)
  await expect.poll(() => new Set(ids(receiver.taken())).size, patient).toBe(150)
  expectAll(receiver.received, receiver.taken(), events)
  const repeats = receiver.taken().length - 150
  expect(repeats).toBeGreaterThan(0)
  // What was in flight, and what had ended while the last commit was on its way.
  expect(repeats).toBeLessThanOrEqual(kills.length * 3 * webhookLimits.inFlightMax)
})

/** A log that takes and tells nothing more from `kill` on: what a process keeps of what it does after `kill -9`. */
function mortal(log: Log) {
  let isDead = false
  const dead = async () => {
    throw new TidemarkError('TIDEMARK_LOG_WRITE', 'killed')
  }
  const proxy: Log = Object.create(log, {
    transaction: {
      value: (work: Parameters<Log['transaction']>[0]) => (isDead ? dead() : log.transaction(work)),
    },
  })
  for (const name of ['get', 'entries', 'offset', 'end', 'start', 'stats', 'waitFor'] as const) {
    Object.defineProperty(proxy, name, { value: (log[name] as (...args: unknown[]) => unknown).bind(log) })
  }
  const read: Log['read'] = (...args) => (isDead ? [] : log.read(...args))
  Object.defineProperty(proxy, 'read', { value: read })
  return {
    log: proxy,
    kill: () => {
      isDead = true
    },
  }
}

test('a log that refuses for a while loses nothing', async () => {
  const { log, webhooks } = await openLog()
  const receiver = await webhookReceiver()
  await webhooks.create({ id: 'w', url: receiver.url, secret, ...everything })
  let isFull = true
  let refusals = 0
  const proxy: Log = Object.create(mortal(log).log, {
    transaction: {
      value: async (work: Parameters<Log['transaction']>[0]) => {
        if (!isFull) return log.transaction(work)
        if (receiver.taken().length > 0) refusals++
        throw new TidemarkError('TIDEMARK_LOG_FULL', 'full')
      },
    },
  })
  const delivery = deliver(proxy, webhooks)
  const events = eventsOf(20, 4)
  await append(log, events)
  // Some were delivered, and that could not be kept.
  await expect.poll(() => refusals, patient).toBeGreaterThan(2)
  expect(receiver.taken().length).toBeLessThan(20)
  isFull = false
  await expect.poll(() => new Set(ids(receiver.taken())).size, patient).toBe(20)
  await expect.poll(() => delivery.status(webhooks.find('w')!.uid)?.waiting, patient).toBe(0)
  expectAll(receiver.received, receiver.taken(), events)
  await expect.poll(() => log.stats().counters[counters.webhookDeliveries('delivered')], patient).toBe(20)
})

test('a webhook gets the events of its classes, severities and rules, and an empty list is no filter', async () => {
  const filters = [
    [{}, [0, 1, 2, 3]],
    [{ classes: ['health' as const] }, [1, 2]],
    [{ severities: ['critical' as const, 'info' as const] }, [1, 2, 3]],
    [{ rules: ['r1', 'r3'] }, [0, 2, 3]],
    [{ classes: ['health' as const], severities: ['critical' as const], rules: ['r2'] }, [1]],
    [{ classes: ['health' as const], rules: ['r3'] }, []],
  ] as const
  const { log, webhooks } = await openLog()
  const receivers = await Promise.all(filters.map(() => webhookReceiver()))
  for (const [i, [filter]] of filters.entries()) {
    const { classes = [], severities = [], rules = [] }: Partial<Webhook> = filter
    const given = { classes: [...classes], severities: [...severities], rules: [...rules] }
    await webhooks.create({ id: `w-${i}`, url: receivers[i]!.url, secret, ...given })
  }
  deliver(log, webhooks)
  await append(log, [
    eventOf(0, { class: 'maintenance', severity: 'major', rule: 'r1' }),
    eventOf(1, { class: 'health', severity: 'critical', rule: 'r2' }),
    eventOf(2, { class: 'health', severity: 'info', rule: 'r1' }),
    eventOf(3, { class: 'maintenance', severity: 'critical', rule: 'r3' }),
  ])
  await expect.poll(() => log.offset(consumers.webhooks), patient).toBe(4)
  const expected = filters.map(([, events]) => events.map((n) => `event-${n}`))
  expect(receivers.map((receiver) => ids(receiver.taken()))).toEqual(expected)
})
