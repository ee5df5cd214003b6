import { expect, onTestFinished, test, vi } from 'vitest'
import type { DeadLetter } from '../../domain/dead-letter.ts'
import type { DeliveredEvent, EventRecord } from '../../domain/event.ts'
import type { ReadingBatch } from '../../domain/reading-batch.ts'
import { messageLedger } from '../../http/ledger.ts'
import { TidemarkError } from '../../lib/errors.ts'
import { silentLogger } from '../../lib/logger.ts'
import { type LmdbLog, openLmdbLog } from '../../log/lmdb-log.ts'
import { consumers, type Log } from '../../log/log.ts'
import { encodeReadingBatch } from '../../log/reading-batch-codec.ts'
import { encodeLines } from '../../storage/line-protocol.ts'
import type { EventWriteOutcome, ReadingStore, WriteOutcome } from '../../storage/reading-store.ts'
import { StorageWriter, type StoreStatus } from '../../storage/storage-writer.ts'
import { batchOf, type TestReading } from '../support/reading-batches.ts'
import { tempDir } from '../support/temp-dir.ts'

const t0 = Date.UTC(2026, 0, 1)
const done: WriteOutcome = { kind: 'done', rejected: [] }
const away = { kind: 'retry', afterMs: 1, code: 'TIDEMARK_STORE_DOWN', detail: 'nobody listens' } as const

/** A database that answers as told, one answer a write; after the last one it takes everything. */
class ScriptedStore implements ReadingStore {
  async hold(): Promise<void> {}
  release(): void {}
  readonly kind = 'duckdb'
  /** The lines of every write, taken or not. */
  readonly writes: string[][] = []
  readonly eventWrites: string[][] = []
  answer: (batches: readonly ReadingBatch[]) => WriteOutcome | Promise<WriteOutcome> = () => done
  answerEvents: () => EventWriteOutcome | Promise<EventWriteOutcome> = () => ({ kind: 'done' })

  async write(batches: readonly ReadingBatch[]): Promise<WriteOutcome> {
    this.writes.push(batches.flatMap(encodeLines))
    return this.answer(batches)
  }
  async writeEvents(events: readonly DeliveredEvent[]): Promise<EventWriteOutcome> {
    this.eventWrites.push(events.map(({ id }) => id))
    return this.answerEvents()
  }
  async open() {}
  async close() {}
  async purge() {}
  async readings() {
    return []
  }
  async timeline() {
    return { readings: [] }
  }
  async latest() {
    return {}
  }
}

async function setUp() {
  const log = await openLmdbLog({ path: tempDir() })
  onTestFinished(() => log.close())
  const store = new ScriptedStore()
  const statuses: StoreStatus[] = []
  const start = (on: Log = log) => {
    const writer = new StorageWriter({
      ...{ log: on, store, logger: silentLogger },
      onStatus: (status) => void statuses.push(status),
    })
    writer.start()
    onTestFinished(() => writer.stop())
    return writer
  }
  return { log, store, statuses, start }
}

/** Messages as ingest hands them on: acknowledged, decoded, its offset moved with its output. */
async function addMessages(log: LmdbLog, readings: readonly TestReading[]): Promise<void> {
  const batch = batchOf(readings, t0)
  await log.appendIngress(Buffer.from('raw'), batch.messages)
  await log.transaction((tx) => {
    tx.append('readings', encodeReadingBatch(batch), batch.messages)
    tx.commitOffset(consumers.ingest, log.end('ingress'))
  })
}

const reading = (i: number, message?: number): TestReading => ({
  ...{ device: `d${message ?? i}`, type: 'generic', time: t0 + i, values: { v: i } },
  ...(message === undefined ? {} : { message }),
})
const several = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => reading(from + i))

const addEvent = (log: LmdbLog, id: string) => {
  const event = { id, time: new Date(t0).toISOString(), data: { device: 'd' } } as unknown as EventRecord
  return log.transaction((tx) => tx.append('events', Buffer.from(JSON.stringify(event)), 1))
}

const letters = (log: LmdbLog) =>
  log
    .read('dead-letters', 0, { entriesMax: 1e6, bytesMax: 1e9 })
    .map(({ value }) => JSON.parse(value.toString()) as DeadLetter)

function isBalanced(log: LmdbLog): boolean {
  const { acknowledged, stored, deadLettered, pending } = messageLedger(log.stats())
  return stored + deadLettered + pending === acknowledged
}

const stored = (log: LmdbLog) =>
  expect.poll(() => messageLedger(log.stats()).pending, { timeout: 10_000 }).toBe(0)

test('the offset and the counters move once the database has the readings, not before', async () => {
  const { log, store, start } = await setUp()
  await addMessages(log, several(0, 3))
  let take: (outcome: WriteOutcome) => void = () => undefined
  store.answer = () => new Promise((resolve) => (take = resolve))
  start()
  await expect.poll(() => store.writes.length).toBe(1)
  expect(log.offset(consumers.storage)).toBe(0)
  expect(messageLedger(log.stats())).toMatchObject({ acknowledged: 3, stored: 0, pending: 3 })
  store.answer = () => done
  take(done)
  await stored(log)
  expect(log.offset(consumers.storage)).toBe(3)
  expect(messageLedger(log.stats())).toMatchObject({ acknowledged: 3, stored: 3, readingsStored: 3 })
})

test('a database that is away gets the same readings again, and no others before them', async () => {
  const { log, store, statuses, start } = await setUp()
  await addMessages(log, several(0, 4))
  let refusals = 5
  const offsets: number[] = []
  store.answer = async () => {
    // What arrives meanwhile waits in the log.
    if (refusals === 3) await addMessages(log, several(4, 6))
    offsets.push(log.offset(consumers.storage))
    return refusals-- > 0 ? away : done
  }
  start()
  await expect.poll(() => statuses.some(({ up }) => up)).toBe(true)
  await stored(log)
  expect(offsets).toEqual([0, 0, 0, 0, 0, 0, 4])
  const [first, ...again] = store.writes.slice(0, 6)
  expect(first).toHaveLength(4)
  for (const lines of again) expect(lines).toEqual(first)
  expect(store.writes.flat().filter((line) => line.startsWith('generic,device=d5 '))).toHaveLength(1)
  expect(statuses.slice(0, 6).map(({ up, code }) => [up, code])).toEqual([
    ...Array(5).fill([false, 'TIDEMARK_STORE_DOWN']),
    [true, undefined],
  ])
  expect(statuses[5]!.writeSeconds).toBeGreaterThanOrEqual(0)
})

test('rejected readings make one dead letter a message, whole, and everything stays accounted for', async () => {
  const { log, store, start } = await setUp()
  // Three messages; the second has three readings, of which two are refused.
  const messages = [reading(0, 0), reading(1, 1), reading(2, 1), reading(3, 1), reading(4, 2)]
  await addMessages(log, several(90, 92))
  await addMessages(log, messages)
  const balances: boolean[] = []
  store.answer = (batches) => {
    balances.push(isBalanced(log))
    const batch = batches.findIndex(({ rows }) => rows === 5)
    const rejected = [1, 3].map((row) => ({ batch, row, detail: 'field type conflict' }))
    return { kind: 'done', rejected: batch < 0 ? [] : rejected }
  }
  start()
  await stored(log)
  const [letter, ...others] = letters(log)
  expect(others).toEqual([])
  expect(letter).toEqual({
    ...{ receivedAt: new Date(t0).toISOString(), device: 'd1', topic: 'devices/d1/telemetry' },
    ...{ stage: 'store', reason: 'store.rejected', detail: 'field type conflict', encoding: 'utf8' },
    payload: JSON.stringify([1, 2, 3].map((i) => ({ ts: t0 + i, values: { v: i } }))),
  })
  expect([...balances, isBalanced(log)]).toEqual(Array(balances.length + 1).fill(true))
  expect(messageLedger(log.stats())).toMatchObject({
    ...{ acknowledged: 5, stored: 4, deadLettered: 1, pending: 0, readingsStored: 5 },
    deadLetteredByReason: { 'store.rejected': 1 },
  })
})

test('many rejected readings in several batches are each told with their own message', async () => {
  const { log, store, start } = await setUp()
  for (let batch = 0; batch < 3; batch++) await addMessages(log, several(batch * 10, batch * 10 + 10))
  store.answer = (batches) => ({
    kind: 'done',
    rejected: batches.flatMap(({ rows }, batch) =>
      Array.from({ length: rows }, (_, row) => ({ batch, row, detail: 'no' })).filter(
        ({ row }) => row % 2 === 1,
      ),
    ),
  })
  start()
  await stored(log)
  expect(letters(log).map(({ device }) => device)).toEqual(
    Array.from({ length: 15 }, (_, i) => `d${i * 2 + 1}`),
  )
  expect(isBalanced(log)).toBe(true)
})

test('an offset that the log cannot write is written again, and nothing is counted twice', async () => {
  const { log, store, start } = await setUp()
  await addMessages(log, several(0, 3))
  let failures = 2
  const failing: Log = Object.create(log, {
    transaction: {
      value: (work: Parameters<Log['transaction']>[0]) =>
        failures-- > 0
          ? Promise.reject(new TidemarkError('TIDEMARK_LOG_WRITE', 'no space'))
          : log.transaction(work),
    },
    ...Object.fromEntries(
      (['read', 'offset', 'waitFor'] as const).map((name) => [name, { value: log[name].bind(log) }]),
    ),
  })
  start(failing)
  await stored(log)
  expect(store.writes).toHaveLength(3)
  expect(store.writes[2]).toEqual(store.writes[0])
  expect(messageLedger(log.stats())).toMatchObject({ acknowledged: 3, stored: 3, readingsStored: 3 })
})

test('a writer that is stopped in an outage stops at once, and the next one goes on from the same reading', async () => {
  const { log, store, start } = await setUp()
  await addMessages(log, several(0, 3))
  store.answer = () => ({ ...away, afterMs: 3_600_000 })
  const writer = start()
  await expect.poll(() => store.writes.length).toBe(1)
  await writer.stop()
  expect(log.offset(consumers.storage)).toBe(0)
  store.answer = () => done
  start()
  await stored(log)
  expect(store.writes[1]).toEqual(store.writes[0])
})

test('events that cannot be stored do not stop readings, and readings do not stop events', async () => {
  const { log, store, start } = await setUp()
  store.answerEvents = () => away
  await addEvent(log, 'e1')
  await addMessages(log, several(0, 3))
  start()
  await stored(log)
  expect(log.offset(consumers.eventStorage)).toBe(0)
  store.answer = () => away
  store.answerEvents = () => ({ kind: 'done' })
  await addMessages(log, several(3, 6))
  await addEvent(log, 'e2')
  await expect.poll(() => log.offset(consumers.eventStorage)).toBe(2)
  expect(log.offset(consumers.storage)).toBe(3)
  expect(store.eventWrites.at(-1)).toContain('e2')
  expect(store.eventWrites[0]).toEqual(['e1'])
})

test('a writer has not stopped while a write is on its way to the database', async () => {
  const { log, store, start } = await setUp()
  await addEvent(log, 'e1')
  await addMessages(log, several(0, 3))
  let answer: (outcome: WriteOutcome) => void = () => undefined
  store.answer = () =>
    new Promise((resolve) => {
      answer = resolve
    })
  const writer = start()
  await vi.waitFor(() => expect(store.writes).toHaveLength(1))
  await vi.waitFor(() => expect(log.offset(consumers.eventStorage)).toBe(1))
  let hasStopped = false
  const stopped = writer.stop().then(() => {
    hasStopped = true
  })
  // More than the other loop, which has nothing in hand, takes to end.
  await addMessages(log, several(3, 6))
  expect(hasStopped).toBe(false)
  answer(done)
  await stopped
  expect(log.offset(consumers.storage)).toBe(3)
})
