import { expect, onTestFinished, test } from 'vitest'
import type { DeliveredEvent } from '../../domain/event.ts'
import { recordNumber } from '../../domain/record-number.ts'
import { eventsFrom, isWanted, offsetAfter } from '../../events/event-feed.ts'
import { openLmdbLog } from '../../log/lmdb-log.ts'
import { tempDir } from '../support/temp-dir.ts'

test('a read looks at so many events, tells how far it came, and stands still at the end', async () => {
  const log = await openLmdbLog({ path: tempDir() })
  onTestFinished(() => log.close())
  await log.transaction((tx) => {
    for (let n = 0; n < 5; n++) {
      const event = { id: `${n}`, data: { class: n % 2 === 0 ? 'health' : 'maintenance', device: `d${n}` } }
      tx.append('events', Buffer.from(JSON.stringify(event)), 1)
    }
  })
  const ids = ({ events, next }: ReturnType<typeof eventsFrom>) => [events.map(({ id }) => id), next]
  expect(ids(eventsFrom(log, 0, 2))).toEqual([['0', '1'], 2])
  expect(ids(eventsFrom(log, 2, 9))).toEqual([['2', '3', '4'], 5])
  expect(ids(eventsFrom(log, 5, 9))).toEqual([[], 5])
})

test('a read from a place that was trimmed begins with what is kept, and says where that is', async () => {
  const log = await openLmdbLog({ path: tempDir() })
  onTestFinished(() => log.close())
  await log.transaction((tx) => {
    for (let n = 0; n < 5; n++) tx.append('events', Buffer.from(JSON.stringify({ id: `${n}` })), 1)
  })
  await log.trim('events', 3)
  expect(eventsFrom(log, 1, 1)).toMatchObject({ events: [{ id: '3' }], from: 3, next: 4 })
})

test('an event is wanted by its class and its device', () => {
  const event = { data: { class: 'health', device: 'a' } } as DeliveredEvent
  expect(isWanted(event, {})).toBe(true)
  expect(isWanted(event, { class: 'health', device: 'a' })).toBe(true)
  expect(isWanted(event, { class: 'maintenance' })).toBe(false)
  expect(isWanted(event, { device: 'b' })).toBe(false)
})

test('the offset after an event is the one that follows it', () => {
  for (const offset of [0, 1, 99, 2 ** 40]) expect(offsetAfter(recordNumber(offset))).toBe(offset + 1)
  expect(offsetAfter('0')).toBe(0)
  for (const text of ['', 'x', '-1', '1.5', '1e3', '0x10', ' 1', '1'.repeat(21)])
    expect(offsetAfter(text)).toBeUndefined()
})

test('a read passes over events that were removed, also where they are the last', async () => {
  const log = await openLmdbLog({ path: tempDir() })
  onTestFinished(() => log.close())
  await log.transaction((tx) => {
    for (let n = 0; n < 5; n++) tx.append('events', Buffer.from(JSON.stringify({ id: `${n}` })), 1)
  })
  await log.transaction((tx) => {
    for (const offset of [1, 3, 4]) tx.removeRecord('events', offset)
  })
  expect(eventsFrom(log, 0, 9)).toMatchObject({ events: [{ id: '0' }, { id: '2' }], from: 0, next: 3 })
  expect(eventsFrom(log, 3, 9)).toEqual({ events: [], from: 5, next: 5 })
  expect(eventsFrom(log, 5, 9)).toEqual({ events: [], from: 5, next: 5 })
})
