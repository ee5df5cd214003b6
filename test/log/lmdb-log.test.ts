import { join } from 'node:path'
import { open } from 'lmdb'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type LmdbLog, type LmdbLogOptions, openLmdbLog } from '../../log/lmdb-log.ts'
import { tableNames } from '../../log/log.ts'
import { tempDir } from '../support/temp-dir.ts'

const all = { entriesMax: 1e9, bytesMax: 1e9 }
const bytes = (text: string) => Buffer.from(text)

async function openLog(options: Partial<LmdbLogOptions> = {}): Promise<LmdbLog> {
  const log = await openLmdbLog({ path: tempDir(), ...options })
  onTestFinished(() => log.close())
  return log
}

describe('streams', () => {
  test('a record stands at the offset of its first entry and the end counts entries', async () => {
    const log = await openLog()
    expect(await log.appendIngress(bytes('first'), 3)).toBe(0)
    expect(await log.appendIngress(bytes('second'), 2)).toBe(3)
    expect(log.end('ingress')).toBe(5)
    expect(log.read('ingress', 0, all).map((r) => [r.offset, r.count, r.value.toString()])).toEqual([
      [0, 3, 'first'],
      [3, 2, 'second'],
    ])
  })

  test('appends that overlap keep their order and their offsets', async () => {
    const log = await openLog()
    const offsets = await Promise.all(
      Array.from({ length: 50 }, (_, i) => log.appendIngress(bytes(`r${i}`), 2)),
    )
    expect(offsets).toEqual(Array.from({ length: 50 }, (_, i) => i * 2))
    expect(log.read('ingress', 40, all)[0]?.value.toString()).toBe('r20')
  })

  test('reading from inside a record gives that record', async () => {
    const log = await openLog()
    await log.appendIngress(bytes('a'), 10)
    await log.appendIngress(bytes('b'), 10)
    expect(log.read('ingress', 9, all).map((r) => r.offset)).toEqual([0, 10])
    expect(log.read('ingress', 10, all).map((r) => r.offset)).toEqual([10])
    expect(log.read('ingress', 20, all)).toEqual([])
  })

  test('values of one read do not share memory with the next', async () => {
    const log = await openLog()
    await log.appendIngress(bytes('aaaa'), 1)
    await log.appendIngress(bytes('bbbb'), 1)
    const [first, second] = log.read('ingress', 0, all)
    log.read('ingress', 1, all)
    await log.appendIngress(bytes('cccc'), 1)
    log.read('ingress', 2, all)
    expect([first?.value.toString(), second?.value.toString()]).toEqual(['aaaa', 'bbbb'])
  })

  test('limits bound a read, but one record always comes', async () => {
    const log = await openLog()
    for (let i = 0; i < 5; i++) await log.appendIngress(Buffer.alloc(100), 10)
    expect(log.read('ingress', 0, { entriesMax: 1, bytesMax: 1 })).toHaveLength(1)
    expect(log.read('ingress', 0, { entriesMax: 25, bytesMax: 1e9 })).toHaveLength(2)
    expect(log.read('ingress', 0, { entriesMax: 1e9, bytesMax: 300 })).toHaveLength(2)
  })

  test('backwards, records come newest first and end before the offset', async () => {
    const log = await openLog()
    await log.transaction((tx) => {
      for (let i = 0; i < 4; i++) tx.append('events', bytes(`e${i}`), 1)
    })
    expect(log.readBackward('events', 3, all).map((r) => r.offset)).toEqual([2, 1, 0])
    expect(log.readBackward('events', 4, { entriesMax: 1, bytesMax: 1e9 }).map((r) => r.offset)).toEqual([3])
  })

  test('trimming removes what lies wholly below and keeps the last record, so the end is never forgotten', async () => {
    const path = tempDir()
    const log = await openLmdbLog({ path })
    for (let i = 0; i < 3; i++) await log.appendIngress(bytes(`r${i}`), 10)
    await log.trim('ingress', 15)
    expect(log.start('ingress')).toBe(10)
    await log.trim('ingress', 30)
    expect(log.start('ingress')).toBe(20)
    await log.close()
    const again = await openLmdbLog({ path })
    onTestFinished(() => again.close())
    expect(again.end('ingress')).toBe(30)
    expect(await again.appendIngress(bytes('next'), 1)).toBe(30)
  })

  test('the size is that of the records kept, and what waits that of those from the slowest consumer on', async () => {
    const log = await openLog()
    for (let i = 0; i < 10; i++) await log.appendIngress(Buffer.alloc(84), 1)
    expect(log.stats().streams.ingress).toEqual({ start: 0, end: 10, bytes: 1000, waitingBytes: 1000 })
    await log.trim('ingress', 9)
    expect(log.stats().streams.ingress).toEqual({ start: 9, end: 10, bytes: 100, waitingBytes: 100 })
    await log.transaction((tx) => tx.commitOffset('ingest', 10))
    expect(log.stats().streams.ingress).toEqual({ start: 9, end: 10, bytes: 100, waitingBytes: 0 })
    await log.transaction((tx) => {
      for (const letter of ['a', 'b']) tx.append('dead-letters', bytes(letter), 1)
      for (const event of ['a', 'b', 'c']) tx.append('events', bytes(event), 1)
      tx.commitOffset('event-storage', 2)
      tx.commitOffset('event-delivery', 3)
      tx.commitOffset('webhooks', 1)
    })
    const { events, 'dead-letters': letters } = log.stats().streams
    expect(events).toMatchObject({ bytes: 51, waitingBytes: 34 })
    expect(letters).toMatchObject({ bytes: 34, waitingBytes: 0 })
  })

  test('at its size limit the log refuses, and takes again once what waits is read', async () => {
    const log = await openLog({ logBytesMax: 1000 })
    for (let i = 0; i < 9; i++) await log.appendIngress(Buffer.alloc(84), 1)
    await log.appendIngress(Buffer.alloc(84), 1)
    await expect(log.appendIngress(Buffer.alloc(84), 1)).rejects.toMatchObject({ code: 'TIDEMARK_LOG_FULL' })
    expect(log.end('ingress')).toBe(10)
    await log.transaction((tx) => tx.commitOffset('ingest', 9))
    await expect.poll(() => log.appendIngress(Buffer.alloc(84), 1).catch(() => -1)).toBe(10)
  })

  test('a group that is larger than the limit is taken while nothing waits, whatever is kept', async () => {
    const log = await openLog({ logBytesMax: 1000 })
    await log.transaction((tx) => void tx.append('audit', Buffer.alloc(2_000), 1))
    await log.appendIngress(Buffer.alloc(5_000), 50)
    await expect(log.appendIngress(Buffer.alloc(84), 1)).rejects.toMatchObject({ code: 'TIDEMARK_LOG_FULL' })
    await log.transaction((tx) => tx.commitOffset('ingest', 50))
    await expect.poll(() => log.appendIngress(Buffer.alloc(5_000), 1).catch(() => -1)).toBe(50)
  })
})

describe('transactions', () => {
  test('records, offset, state and counters commit together', async () => {
    const log = await openLog()
    await log.transaction((tx) => {
      expect(tx.append('readings', bytes('a'), 2)).toBe(0)
      expect(tx.append('readings', bytes('b'), 3)).toBe(2)
      tx.commitOffset('ingest', 7)
      tx.put('rule-state', 'k', { since: 1 })
      tx.count('messages.stored', 2)
    })
    await log.transaction((tx) => tx.count('messages.stored', 3))
    const stats = log.stats()
    expect(stats.streams.readings.end).toBe(5)
    expect(stats.offsets).toEqual({ ingest: 7 })
    expect(stats.counters).toEqual({ 'messages.stored': 5 })
    expect(log.get('rule-state', 'k')).toEqual({ since: 1 })
  })

  test('when the work throws nothing is written, also when other transactions join the same commit', async () => {
    const log = await openLog()
    const failing = log.transaction((tx) => {
      tx.append('events', bytes('x'), 1)
      tx.commitOffset('rules', 9)
      throw new Error('no')
    })
    const other = log.transaction((tx) => tx.append('events', bytes('y'), 1))
    await expect(failing).rejects.toThrow('no')
    expect(await other).toBe(0)
    expect(log.offset('rules')).toBe(0)
    expect(log.read('events', 0, all).map((r) => r.value.toString())).toEqual(['y'])
  })

  test('a record removed stays away and the rest keep their offsets', async () => {
    const log = await openLog()
    await log.transaction((tx) => {
      for (const text of ['a', 'b', 'c']) tx.append('dead-letters', bytes(text), 1)
    })
    expect(
      await log.transaction((tx) => [tx.removeRecord('dead-letters', 1), tx.removeRecord('dead-letters', 7)]),
    ).toEqual([true, false])
    expect(log.read('dead-letters', 1, all).map((r) => r.value.toString())).toEqual(['c'])
  })
})

test('the offset of a removed last record is not given to another', async () => {
  const log = await openLog()
  await log.transaction((tx) => tx.append('dead-letters', bytes('a'), 1))
  await log.transaction((tx) => tx.removeRecord('dead-letters', 0))
  expect(log.read('dead-letters', 0, all)).toEqual([])
  expect(log.readBackward('dead-letters', 1, all)).toEqual([])
  expect(await log.transaction((tx) => tx.removeRecord('dead-letters', 0))).toBe(false)
  expect(await log.transaction((tx) => tx.append('dead-letters', bytes('b'), 1))).toBe(1)
  expect(log.read('dead-letters', 0, all).map((r) => r.value.toString())).toEqual(['b'])
})

test('a folder of a version that did not know a stream opens, with that stream empty', async () => {
  const path = tempDir()
  const before = await openLmdbLog({ path })
  await before.transaction((tx) => tx.append('readings', bytes('r'), 3))
  await before.close()
  const main = open({ path: join(path, 'main'), maxDbs: 64 })
  await main.openDB({ name: 'connections' }).drop()
  expect([...main.getKeys()]).not.toContain('connections')
  await main.close()

  const log = await openLog({ path })
  expect(log.stats().streams.connections).toEqual({ start: 0, end: 0, bytes: 0, waitingBytes: 0 })
  expect(log.end('readings')).toBe(3)
  await log.transaction((tx) => tx.append('connections', bytes('c'), 2))
  expect(log.end('connections')).toBe(2)
})
const feedTables = 'devices profiles rules shelvings maintenance-windows alarm-requests'.split(' ')

describe('the feed of changes', () => {
  test('lists each row once, under its newest revision, deletions included', async () => {
    const log = await openLog()
    await log.transaction((tx) => {
      tx.put('devices', 'a', { type: 'x' })
      tx.put('devices', 'b', { type: 'x' })
    })
    const seen = log.changesSince(0)
    expect(seen.map((c) => [c.key, c.value])).toEqual([
      ['a', { type: 'x' }],
      ['b', { type: 'x' }],
    ])
    const revision = seen[1]!.revision
    await log.transaction((tx) => tx.put('devices', 'b', { type: 'y' }))
    expect(log.changesSince(revision).map((c) => [c.key, c.value])).toEqual([['b', { type: 'y' }]])
    await log.transaction((tx) => tx.remove('devices', 'a'))
    expect(log.changesSince(0).map((c) => [c.key, c.value])).toEqual([
      ['b', { type: 'y' }],
      ['a', undefined],
    ])
    expect(log.entries('devices')).toEqual([['b', { type: 'y' }]])
    expect(log.get('devices', 'a')).toBeUndefined()
  })

  test('tells of what people do with alarms as of rules and devices, and of no other table', async () => {
    const log = await openLog()
    await log.transaction((tx) => {
      for (const table of tableNames) tx.put(table, 'a', table)
    })
    expect(log.changesSince(0).map(({ table, value }) => [table, value])).toEqual(
      tableNames.filter((table) => feedTables.includes(table)).map((table) => [table, table]),
    )
    expect(tableNames.map((table) => String(log.get(table, 'a')))).toEqual(tableNames)
  })

  test('entries page by key and by prefix', async () => {
    const log = await openLog()
    await log.transaction((tx) => {
      for (const key of ['a/1', 'a/2', 'b/1', 'c/1']) tx.put('rule-versions', key, key)
    })
    expect(log.entries('rule-versions', { after: 'a/1', limit: 2 }).map(([k]) => k)).toEqual(['a/2', 'b/1'])
    expect(log.entries('rule-versions', { prefix: 'a/' }).map(([k]) => k)).toEqual(['a/1', 'a/2'])
  })
})

describe('waiting', () => {
  test('resolves when an append makes the offset readable', async () => {
    const log = await openLog()
    const waited = log.waitFor('ingress', 0, 10_000)
    await log.appendIngress(bytes('x'), 1)
    await waited
    expect(log.end('ingress')).toBe(1)
  })

  test('a second log on the same folder, sharing the doorbell, is woken and sees the record', async () => {
    const path = tempDir()
    const writer = await openLmdbLog({ path })
    const reader = await openLmdbLog({ path, doorbell: writer.doorbell.memory })
    onTestFinished(async () => {
      await reader.close()
      await writer.close()
    })
    const waited = reader.waitFor('events', 0, 10_000)
    await writer.transaction((tx) => tx.append('events', bytes('x'), 1))
    await waited
    expect(reader.read('events', 0, all)).toHaveLength(1)
  })

  test('an abort ends it', async () => {
    const log = await openLog()
    const stopping = new AbortController()
    const waited = log.waitFor('ingress', 0, 10_000, stopping.signal)
    stopping.abort()
    await waited
  })
})
