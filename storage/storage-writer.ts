import type { DeadLetter } from '../domain/dead-letter.ts'
import { deliveredEvent, type EventRecord } from '../domain/event.ts'
import { telemetryTopic } from '../domain/names.ts'
import { type Reading, type ReadingBatch, readingsOf } from '../domain/reading-batch.ts'
import { delay } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { consume } from '../log/consume.ts'
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

const readLimits = { entriesMax: 10_000, bytesMax: 8 * 1024 * 1024 }
const eventLimits = { entriesMax: 500, bytesMax: 2 * 1024 * 1024 }
/** A database wants few large writes: Telegraf's default is one in ten seconds. */
const gatherMs = 50

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
    const { log, logger } = this.#options
    const common = { log, logger, gatherMs, signal: this.#stopping.signal }
    this.#running = Promise.all([
      consume({
        ...common,
        stream: 'readings',
        consumer: consumers.storage,
        limits: readLimits,
        process: (records, next) => this.#storeReadings(records, next),
      }),
      consume({
        ...common,
        stream: 'events',
        consumer: consumers.eventStorage,
        limits: eventLimits,
        process: (records, next) => this.#storeEvents(records, next),
      }),
    ])
  }

  /**
   * Finishes the writes in hand: once it resolves, no loop runs and nothing is on its way to the database, so that another writer
   * may start. A database that hangs keeps it waiting.
   */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #storeReadings(records: readonly LogRecord[], next: number): Promise<boolean> {
    const batches = records.map((record) => decodeReadingBatch(record.value))
    const rejected = await this.#untilTaken(async () => {
      const outcome = await this.#options.store.write(batches)
      return outcome.kind === 'retry' ? outcome : { taken: outcome.rejected }
    })
    if (rejected === undefined) return false
    const letters = deadLetters(batches, rejected)
    const messages = records.reduce((sum, record) => sum + record.count, 0)
    const rows = batches.reduce((sum, batch) => sum + batch.rows, 0)
    await this.#options.log.transaction((tx) => {
      for (const letter of letters) tx.append('dead-letters', Buffer.from(JSON.stringify(letter)), 1)
      if (letters.length > 0) tx.count(counters.deadLettered('store.rejected'), letters.length)
      tx.count(counters.messagesStored, messages - letters.length)
      tx.count(counters.readingsStored, rows - rejected.length)
      tx.commitOffset(consumers.storage, next)
    })
    return true
  }

  async #storeEvents(records: readonly LogRecord[], next: number): Promise<boolean> {
    const events = records.map(({ offset, value }) =>
      deliveredEvent(JSON.parse(value.toString()) as EventRecord, offset),
    )
    const taken = await this.#untilTaken(async () => {
      const outcome = await this.#options.store.writeEvents(events)
      return outcome.kind === 'retry' ? outcome : { taken: true }
    })
    if (taken === undefined) return false
    await this.#options.log.transaction((tx) => tx.commitOffset(consumers.eventStorage, next))
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
    const readings = new Map<number, Reading[]>([...details.keys()].map((message) => [message, []]))
    for (const reading of readingsOf(batch)) readings.get(reading.message)?.push(reading)
    for (const [message, own] of readings) {
      letters.push({
        receivedAt: new Date(batch.receivedAt).toISOString(),
        device: own[0]!.device,
        topic: telemetryTopic(own[0]!.device),
        stage: 'store',
        reason: 'store.rejected',
        detail: details.get(message)!,
        payload: JSON.stringify(own.map(({ time, values }) => ({ ts: time, values }))),
        encoding: 'utf8',
      })
    }
  })
  return letters
}
