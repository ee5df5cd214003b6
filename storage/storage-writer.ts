import type { DeadLetter } from '../domain/dead-letter.ts'
import { deliveredEvent, type EventRecord } from '../domain/event.ts'
import { telemetryTopic } from '../domain/names.ts'
import { type ReadingBatch, readingsOf } from '../domain/reading-batch.ts'
import { delay } from '../lib/clock.ts'
import { TidemarkError } from '../lib/errors.ts'
import type { Logger } from '../lib/logger.ts'
import { consumers, counters, type Log, type LogRecord } from '../log/log.ts'
import { decodeReadingBatch } from '../log/reading-batch-codec.ts'
import type { ReadingStore, RejectedRow } from './reading-store.ts'

export interface StoreStatus {
  readonly up: boolean
  readonly code?: string
  readonly detail?: string
  /** Seconds that the last write took, when it was one. */
  readonly writeSeconds?: number
}

export interface StorageWriterOptions {
  readonly log: Log
  readonly store: ReadingStore
  readonly logger: Logger
  readonly onStatus: (status: StoreStatus) => void
}

const readLimits = { entriesMax: 5_000, bytesMax: 4 * 1024 * 1024 }
const eventLimits = { entriesMax: 500, bytesMax: 2 * 1024 * 1024 }
const waitMs = 1_000
const logRetryMs = 500

/**
 * The consumer of `readings` and `events` that fills the database. The log is the only buffer: while the database is away
 * this waits with one group in hand, and nobody else notices. The offset and the counters move in one transaction, after
 * the database has the group, so a crash writes at most the same bytes again.
 */
export class StorageWriter {
  readonly #options: StorageWriterOptions
  readonly #stopping = new AbortController()
  #running: Promise<unknown> | undefined

  constructor(options: StorageWriterOptions) {
    this.#options = options
  }

  start(): void {
    this.#running = Promise.all([
      this.#consume('readings', consumers.storage, readLimits, (records) => this.#storeReadings(records)),
      this.#consume('events', consumers.eventStorage, eventLimits, (records) => this.#storeEvents(records)),
    ])
  }

  /** Finishes or gives up the write in hand. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #consume(
    stream: 'readings' | 'events',
    consumer: string,
    limits: { entriesMax: number; bytesMax: number },
    store: (records: readonly LogRecord[]) => Promise<boolean>,
  ): Promise<void> {
    const { log, logger } = this.#options
    const { signal } = this.#stopping
    let offset = log.offset(consumer)
    while (!signal.aborted) {
      const records = log.read(stream, offset, limits)
      const last = records.at(-1)
      if (last === undefined) {
        await log.waitFor(stream, offset, waitMs, signal)
        continue
      }
      try {
        if (await store(records)) offset = last.offset + last.count
      } catch (error) {
        if (!(error instanceof TidemarkError)) throw error
        logger.error({ code: error.code, detail: error.message }, 'the storage writer waits for the log')
        await delay(logRetryMs, signal)
      }
    }
  }

  async #storeReadings(records: readonly LogRecord[]): Promise<boolean> {
    const batches = records.map((record) => decodeReadingBatch(record.value))
    const rejected = await this.#untilTaken(async () => {
      const outcome = await this.#options.store.write(batches)
      return outcome.kind === 'retry' ? outcome : { taken: outcome.rejected }
    })
    if (rejected === undefined) return false
    const letters = deadLetters(batches, rejected)
    const messages = records.reduce((sum, record) => sum + record.count, 0)
    const rows = batches.reduce((sum, batch) => sum + batch.rows, 0)
    const last = records.at(-1)!
    await this.#options.log.transaction((tx) => {
      for (const letter of letters) tx.append('dead-letters', Buffer.from(JSON.stringify(letter)), 1)
      if (letters.length > 0) tx.count(counters.deadLettered('store.rejected'), letters.length)
      tx.count(counters.messagesStored, messages - letters.length)
      tx.count(counters.readingsStored, rows - rejected.length)
      tx.commitOffset(consumers.storage, last.offset + last.count)
    })
    return true
  }

  async #storeEvents(records: readonly LogRecord[]): Promise<boolean> {
    const events = records.map(({ offset, value }) =>
      deliveredEvent(JSON.parse(value.toString()) as EventRecord, offset),
    )
    const taken = await this.#untilTaken(async () => {
      const outcome = await this.#options.store.writeEvents(events)
      return outcome.kind === 'retry' ? outcome : { taken: true }
    })
    if (taken === undefined) return false
    const last = records.at(-1)!
    await this.#options.log.transaction((tx) =>
      tx.commitOffset(consumers.eventStorage, last.offset + last.count),
    )
    return true
  }

  /** Writes the same again until the database takes it; undefined when stopped before. */
  async #untilTaken<T>(
    write: () => Promise<{ kind: 'retry'; afterMs: number; code: string; detail: string } | { taken: T }>,
  ): Promise<T | undefined> {
    const { logger, onStatus } = this.#options
    let down = false
    while (!this.#stopping.signal.aborted) {
      const startedAt = performance.now()
      const outcome = await write()
      if ('taken' in outcome) {
        onStatus({ up: true, writeSeconds: (performance.now() - startedAt) / 1000 })
        if (down) logger.info('the database takes readings again')
        return outcome.taken
      }
      const { code, detail, afterMs } = outcome
      if (!down) logger.warn({ code, detail }, 'the database does not take readings; they wait in the log')
      down = true
      onStatus({ up: false, code, detail })
      await delay(afterMs, this.#stopping.signal)
    }
    return undefined
  }
}

/** One letter for each message that has a rejected row, with all readings of the message as a native payload. */
function deadLetters(batches: readonly ReadingBatch[], rejected: readonly RejectedRow[]): DeadLetter[] {
  const letters: DeadLetter[] = []
  batches.forEach((batch, index) => {
    const details = new Map<number, string>()
    for (const row of rejected) if (row.batch === index) details.set(batch.message[row.row]!, row.detail)
    if (details.size === 0) return
    const readings = [...readingsOf(batch)]
    for (const [message, detail] of details) {
      const own = readings.filter((reading) => reading.message === message)
      letters.push({
        receivedAt: new Date(batch.receivedAt).toISOString(),
        device: own[0]!.device,
        topic: telemetryTopic(own[0]!.device),
        stage: 'store',
        reason: 'store.rejected',
        detail,
        payload: JSON.stringify(own.map(({ time, values }) => ({ ts: time, values }))),
        encoding: 'utf8',
      })
    }
  })
  return letters
}
