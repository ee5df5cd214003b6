import { expect, onTestFinished, test } from 'vitest'
import { scanStream, scanStreamBackward } from '../../http/stream-scan.ts'
import { openLmdbLog } from '../../log/lmdb-log.ts'
import type { LogRecord } from '../../log/log.ts'
import { tempDir } from '../support/temp-dir.ts'

async function logWith(count: number) {
  const log = await openLmdbLog({ path: tempDir() })
  onTestFinished(() => log.close())
  await log.transaction((tx) => {
    for (let i = 0; i < count; i++) tx.append('events', Buffer.from(String(i)), 1)
  })
  return log
}

const numberOf = ({ value }: LogRecord) => Number(value.toString())

test('finds up to the limit within the range and tells where to go on', async () => {
  const log = await logWith(2_000)
  const even = (record: LogRecord) => (numberOf(record) % 2 === 0 ? numberOf(record) : undefined)
  expect(await scanStream(log, 'events', { from: 3 }, 2, even)).toEqual({ found: [4, 6], next: 7 })
  expect(await scanStream(log, 'events', { from: 1_995 }, 2, even)).toEqual({
    found: [1_996, 1_998],
    next: 1_999,
  })
  expect(await scanStream(log, 'events', { from: 1_996 }, 9, even)).toEqual({
    found: [1_996, 1_998],
    next: undefined,
  })
  expect(await scanStream(log, 'events', { from: 0, end: 5 }, 9, even)).toEqual({
    found: [0, 2, 4],
    next: undefined,
  })
  expect(await scanStream(log, 'events', { from: 5_000 }, 9, even)).toEqual({ found: [], next: undefined })
})

test('stops after 50,000 entries without a match, and lets others have their turn before that', async () => {
  const log = await logWith(50_010)
  let turns = 0
  const counting = setInterval(() => turns++, 0)
  onTestFinished(() => clearInterval(counting))
  const last = (record: LogRecord) => (numberOf(record) === 50_009 ? 'last' : undefined)
  expect(await scanStream(log, 'events', { from: 0 }, 1, last)).toEqual({ found: [], next: 50_000 })
  expect(turns).toBeGreaterThan(0)
  expect(await scanStream(log, 'events', { from: 50_000 }, 1, last)).toEqual({
    found: ['last'],
    next: undefined,
  })
})

test('a record removed is passed over', async () => {
  const log = await logWith(4)
  await log.transaction((tx) => [1, 2].map((offset) => tx.removeRecord('events', offset)))
  expect(await scanStream(log, 'events', { from: 1 }, 9, numberOf)).toEqual({ found: [3], next: undefined })
})

test('backward finds the newest first, passes over removed ones, and tells where the older ones begin', async () => {
  const log = await logWith(60_000)
  await log.transaction((tx) => tx.removeRecord('events', 58_000))
  const even = (record: LogRecord) => (numberOf(record) % 2 === 0 ? numberOf(record) : undefined)
  expect(await scanStreamBackward(log, 'events', 58_003, 2, even)).toEqual({
    found: [58_002, 57_998],
    next: 57_998,
  })
  expect(await scanStreamBackward(log, 'events', 3, 9, even)).toEqual({ found: [2, 0], next: undefined })
  expect(await scanStreamBackward(log, 'events', 60_000, 1, () => undefined)).toEqual({
    found: [],
    // After 50,000 entries; the removed one is none.
    next: 9_999,
  })
})
