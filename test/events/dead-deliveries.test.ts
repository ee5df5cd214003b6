import { describe, expect, test } from 'vitest'
import { recordNumber } from '../../domain/record-number.ts'
import { consumers, counters } from '../../log/log.ts'
import { append, eventOf, eventsOf, expectAll, ids, patient, site, upTo } from './webhook-site.ts'

describe('giving up', () => {
  test('an event that fails for too long is kept as a dead delivery, and the next of its alarm has its turn', async () => {
    let isDown = true
    const { log, receiver, delivery, uid } = await site(() => (isDown ? 500 : 204), { giveUpMs: 1 })
    await append(log, eventsOf(3, 1))
    await expect.poll(() => delivery.status(uid)?.deadDeliveries, patient).toBe(3)
    expect(delivery.deadDeliveries(uid, { limit: 10 })).toEqual(
      upTo(3).map((n) => ({
        ...{ id: recordNumber(n), event: { ...eventsOf(3, 1)[n], sequence: recordNumber(n) } },
        ...{
          attempts: expect.any(Number),
          reason: 'age',
          detail: 'the answer was 500',
          deadAt: expect.any(String),
        },
      })),
    )
    expect(log.stats().counters).toMatchObject({ [counters.webhookDeliveries('dead')]: 3 })
    isDown = false
    await append(log, [eventOf(3)])
    await expect.poll(() => ids(receiver.taken()), patient).toEqual(['event-3'])
    await expect.poll(() => log.offset(consumers.webhooks), patient).toBe(4)
  })

  test('an answer of 410 is final for the event, not for the webhook', async () => {
    const { log, receiver, delivery, uid } = await site((n) => (n === 1 ? 410 : 204))
    await append(log, [eventOf(0), eventOf(1)])
    await expect.poll(() => ids(receiver.taken()), patient).toEqual(['event-1'])
    await expect
      .poll(() => delivery.deadDeliveries(uid, { limit: 10 }), patient)
      .toMatchObject([{ id: recordNumber(0), attempts: 1, reason: 'gone', detail: 'the answer was 410' }])
  })

  test('too far behind the end of the stream, the oldest are given up', async () => {
    const { log, delivery, uid } = await site(() => 500, { backlogMax: 10, openMax: 5 })
    await append(log, eventsOf(30, 30))
    await expect.poll(() => delivery.status(uid), patient).toMatchObject({ waiting: 5, deadDeliveries: 20 })
    expect(delivery.deadDeliveries(uid, { limit: 1 })).toMatchObject([
      { id: recordNumber(0), reason: 'backlog' },
    ])
    await expect.poll(() => log.offset(consumers.webhooks), patient).toBe(20)
  })

  test('of dead deliveries so many are kept, the newest, and the others counted', async () => {
    const { log, delivery, uid } = await site(() => 410, { deadMax: 4 })
    await append(log, eventsOf(10, 1))
    await expect.poll(() => log.offset(consumers.webhooks), patient).toBe(10)
    const kept = delivery.deadDeliveries(uid, { limit: 10 }).map(({ id }) => id)
    expect(kept).toEqual([6, 7, 8, 9].map(recordNumber))
    expect(log.stats().counters).toMatchObject({
      [counters.webhookDeliveries('dead')]: 10,
      [counters.webhookDeliveries('dropped')]: 6,
    })
  })

  test('only so many events are open; the log keeps the rest', async () => {
    let isDown = true
    const { log, receiver, delivery, uid } = await site(() => (isDown ? 500 : 204), { openMax: 5 })
    const events = eventsOf(40, 8)
    await append(log, events)
    await expect.poll(() => receiver.received.length, patient).toBeGreaterThan(20)
    expect(delivery.status(uid)!.waiting).toBe(5)
    expect(log.offset(consumers.webhooks)).toBe(0)
    isDown = false
    await expect.poll(() => receiver.taken().length, patient).toBe(40)
    expectAll(receiver.received, receiver.taken(), events)
  })
})

describe('replay', () => {
  test('sends dead deliveries again, oldest first, with their ids, and removes those that were taken', async () => {
    let isDown = true
    const { log, receiver, delivery, uid } = await site(() => (isDown ? 410 : 204))
    await append(log, eventsOf(5, 2))
    await expect.poll(() => delivery.status(uid)?.deadDeliveries, patient).toBe(5)
    isDown = false
    const [second, third, unknown] = [recordNumber(1), recordNumber(2), recordNumber(99)]
    expect(await delivery.replay(uid, [third, second, third, unknown])).toEqual({
      ...{ replayed: 2, failed: [{ id: unknown, reason: 'not found' }], more: false },
    })
    expect(ids(receiver.taken())).toEqual(['event-1', 'event-2'])
    expect(await delivery.replay(uid, undefined)).toEqual({ replayed: 3, failed: [], more: false })
    expect(ids(receiver.taken())).toEqual(['event-1', 'event-2', 'event-0', 'event-3', 'event-4'])
    expect(delivery.status(uid)?.deadDeliveries).toBe(0)
  })

  test('stops at the first that fails: it stays, with all behind it', async () => {
    let answer: (n: number) => number = () => 410
    const { log, delivery, uid } = await site((n) => answer(n))
    await append(log, eventsOf(4, 1))
    await expect.poll(() => delivery.status(uid)?.deadDeliveries, patient).toBe(4)
    answer = (n) => (n === 6 ? 500 : 204)
    expect(await delivery.replay(uid, undefined)).toEqual({
      ...{ replayed: 1, failed: [{ id: recordNumber(1), reason: 'the answer was 500' }], more: true },
    })
    expect(delivery.deadDeliveries(uid, { limit: 9 }).map(({ id }) => id)).toEqual(
      [1, 2, 3].map(recordNumber),
    )
  })

  test('two at once send each event once', async () => {
    let isDown = true
    const { log, receiver, delivery, uid } = await site(() => (isDown ? 410 : 204))
    await append(log, eventsOf(6, 1))
    await expect.poll(() => delivery.status(uid)?.deadDeliveries, patient).toBe(6)
    isDown = false
    const both = await Promise.all([delivery.replay(uid, undefined), delivery.replay(uid, undefined)])
    expect(both.map(({ replayed }) => replayed)).toEqual([6, 0])
    expect(receiver.taken()).toHaveLength(6)
  })
})
