import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Logger } from '../lib/logger.ts'
import { consume } from '../log/consume.ts'
import { consumers, type Log, type LogRecord } from '../log/log.ts'
import { decodeReadingBatch } from '../log/reading-batch-codec.ts'
import type { ReadingStore } from '../storage/reading-store.ts'
import { LiveState } from './live-state.ts'
import { MinuteWriter } from './minute-writer.ts'

export interface AnalyticsOptions {
  readonly log: Log
  readonly store: Pick<ReadingStore, 'write'>
  readonly logger: Logger
  /** Entries read at once: `readLimits` unless told. */
  readonly entriesMax?: number
  /** How long readings may wait to be counted and committed together: `gatherMs` unless told. */
  readonly gatherMs?: number
  /** Devices that are told apart: `devicesMax` of limits.ts unless told. */
  readonly devicesMax?: number
}

/** A few milliseconds of work: ingest and the storage writer run in the same thread. */
const readLimits = { entriesMax: 2_500, bytesMax: 1024 * 1024 }
/** A live view, not a guarantee: one commit a second, whatever the load. */
const gatherMs = 1_000

/**
 * The consumer of `readings` that keeps the aggregates of each minute. They commit with the offset in one transaction, at the end
 * of the stream and, while it is behind, once a second: a crash repeats nothing and loses nothing.
 */
export class Analytics {
  readonly #options: AnalyticsOptions
  readonly #writer: MinuteWriter
  readonly #stopping = new AbortController()
  #state: LiveState | undefined
  /** Where what was counted and is not committed ends. */
  #reached: number | undefined
  #committedAt = Number.NEGATIVE_INFINITY
  #running: Promise<unknown> | undefined

  constructor(options: AnalyticsOptions) {
    this.#options = options
    this.#writer = new MinuteWriter(options)
  }

  start(): void {
    const { log, logger, entriesMax = readLimits.entriesMax } = this.#options
    const counting = consume({
      log,
      logger,
      stream: 'readings',
      consumer: consumers.analytics,
      limits: { ...readLimits, entriesMax },
      gatherMs: this.#gatherMs,
      signal: this.#stopping.signal,
      reached: () => this.#reached ?? log.offset(consumers.analytics),
      process: (records, next) => this.#count(records, next),
      onRefused: () => this.#forget(),
    })
    this.#writer.start()
    this.#running = Promise.all([counting, this.#writer.running])
  }

  /** Finishes the group and the write in hand; a database that hangs keeps it waiting. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#writer.stop()
    await this.#running
  }

  get #gatherMs(): number {
    return this.#options.gatherMs ?? gatherMs
  }

  async #count(records: readonly LogRecord[], next: number): Promise<boolean> {
    const { log } = this.#options
    this.#state ??= this.#read()
    for (const { value } of records) this.#state.apply(decodeReadingBatch(value))
    this.#reached = next
    const isBehind = next < log.end('readings')
    if (isBehind && performance.now() - this.#committedAt < this.#gatherMs) {
      await nextTurn()
      return true
    }
    const state = this.#state
    await log.transaction((tx) => {
      state.put(log, tx)
      tx.commitOffset(consumers.analytics, next)
    })
    state.forgetChanges()
    this.#reached = undefined
    this.#committedAt = performance.now()
    this.#writer.wake()
    return true
  }

  #read(): LiveState {
    const { log, logger, devicesMax } = this.#options
    const onBound = (bound: string, type: string) =>
      logger.warn({ code: 'TIDEMARK_LIVE_LIMIT', bound, type }, 'a bound of the live aggregates was met')
    return LiveState.read(log, { onBound, ...(devicesMax === undefined ? {} : { devicesMax }) })
  }

  /** What memory holds may be ahead of what is kept. */
  #forget(): void {
    this.#state = undefined
    this.#reached = undefined
  }
}
