import { expect, test } from 'vitest'
import { consumers } from '../../log/log.ts'
import { isSigned, webhookReceiver } from './webhook-receiver.ts'
import {
  append,
  deliver,
  eventOf,
  eventsOf,
  everything,
  ids,
  openLog,
  patient,
  secret,
  site,
} from './webhook-site.ts'

test('what waits goes to the new address, signed with the new secret', async () => {
  const { log, webhooks, receiver, delivery, uid } = await site(() => 500)
  await append(log, [eventOf(0)])
  await expect.poll(() => receiver.received.length, patient).toBeGreaterThan(0)
  const other = await webhookReceiver()
  await webhooks.change('w', { url: other.url, secret: 'another secret of theirs' })
  await expect.poll(() => ids(other.taken()), patient).toEqual(['event-0'])
  expect(isSigned(other.taken()[0]!, 'another secret of theirs')).toBe(true)
  await expect.poll(() => delivery.status(uid)?.waiting, patient).toBe(0)
})

test('a webhook that is removed gets nothing more, and one of its name begins anew', async () => {
  const { log, webhooks, receiver, delivery, uid } = await site((n) => (n === 1 ? 410 : 500))
  await append(log, eventsOf(6, 2))
  await expect.poll(() => receiver.received.length, patient).toBeGreaterThan(3)
  await webhooks.remove('w')
  await expect.poll(() => delivery.status(uid), patient).toBeUndefined()
  expect([log.entries('webhook-places'), log.entries('dead-deliveries')]).toEqual([[], []])
  await expect.poll(() => log.offset(consumers.webhooks), patient).toBe(6)
  const other = await webhookReceiver()
  await webhooks.create({ id: 'w', url: other.url, secret, ...everything })
  await append(log, [eventOf(6)])
  await expect.poll(() => ids(other.taken()), patient).toEqual(['event-6'])
})

test('what a crash left of a webhook that is gone is removed at the start', async () => {
  const { log, webhooks } = await openLog()
  await log.transaction((tx) => {
    tx.put('webhook-places', 'gone', { next: 3, open: [] })
    tx.put('dead-deliveries', 'gone/1', { id: '1' })
  })
  deliver(log, webhooks)
  await expect
    .poll(() => [...log.entries('webhook-places'), ...log.entries('dead-deliveries')], patient)
    .toEqual([])
})

test('without webhooks the consumer keeps up with the stream', async () => {
  const { log, webhooks } = await openLog()
  deliver(log, webhooks)
  await append(log, eventsOf(50, 5))
  await expect.poll(() => log.offset(consumers.webhooks), patient).toBe(50)
})

test('a receiver that hangs takes nothing from another webhook', async () => {
  const { log, webhooks, receiver } = await site(() => undefined)
  const other = await webhookReceiver()
  await webhooks.create({ id: 'x', url: other.url, secret, ...everything })
  await append(log, eventsOf(40, 8))
  await expect.poll(() => other.taken().length, patient).toBe(40)
  expect(receiver.received.length).toBe(4)
})

test('Retry-After holds the whole webhook back', async () => {
  const { log, receiver, delivery, uid } = await site(
    (_n, _one, response) => {
      response.writeHead(429, { 'retry-after': '3600' }).end()
      return 'by hand'
    },
    { inFlightMax: 1 },
  )
  await append(log, eventsOf(20, 20))
  await expect.poll(() => delivery.status(uid)?.failing, patient).not.toBeNull()
  await append(log, [eventOf(20)])
  await expect.poll(() => delivery.status(uid)?.waiting, patient).toBe(21)
  expect(receiver.received).toHaveLength(1)
})
