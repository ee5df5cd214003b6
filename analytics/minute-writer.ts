import type { ReadingBatch, SeriesOwner, Shape } from '../domain/reading-batch.ts'
import { delay } from '../lib/clock.ts'
import { TidemarkError } from '../lib/errors.ts'
import type { Logger } from '../lib/logger.ts'
import type { Log } from '../log/log.ts'
import type { ReadingStore } from '../storage/reading-store.ts'
import { latenessMinutes, minuteMs } from './limits.ts'
import { keptMinutes, keptTypes, putStoredMinute, storedMinute } from './live-table.ts'
import { figuresAt, type Group, type MinuteRecord } from './minute-record.ts'

export interface MinuteWriterOptions {
  readonly log: Log
  readonly store: Pick<ReadingStore, 'write'>
  readonly logger: Logger
}

/** Of a write: of so many minutes, and of no more than some bytes of them. */
const minutesPerWriteMax = 60
const bytesPerWriteMax = 1024 * 1024
const refusedMs = 500
/** A commit wakes it; without one it looks by itself, for what the one before it left. */
const lookMs = 60_000

const functions = ['sum', 'mean', 'min', 'max', 'count'] as const

/**
 * Brings closed minutes to the database, by the same port as the storage writer: measurement `live_<type>`, fields
 * `<metric>_<function>`. The database has a minute before the log says so; what a crash repeats is the same points.
 */
export class MinuteWriter {
  readonly #options: MinuteWriterOptions
  readonly #stopping = new AbortController()
  #waking = new AbortController()
  running: Promise<void> = Promise.resolve()

  constructor(options: MinuteWriterOptions) {
    this.#options = options
  }

  start(): void {
    this.running = this.#run()
  }

  /** There may be minutes that have closed. */
  wake(): void {
    this.#waking.abort()
  }

  stop(): void {
    this.#stopping.abort()
    this.wake()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    const { logger } = this.#options
    while (!signal.aborted) {
      this.#waking = new AbortController()
      try {
        await this.#writeAll()
        await delay(lookMs, this.#waking.signal)
      } catch (error) {
        if (!(error instanceof TidemarkError)) throw error
        // Cut off: whoever follows writes it.
        if (signal.aborted) return
        logger.error({ code: error.code, detail: error.message }, 'aggregates wait to be stored')
        await delay(refusedMs, signal)
      }
    }
  }

  async #writeAll(): Promise<void> {
    for (const [type, { newestMinute }] of keptTypes(this.#options.log)) {
      let hasMore = true
      while (hasMore && !this.#stopping.signal.aborted)
        hasMore = await this.#writeSome(type, newestMinute - latenessMinutes)
    }
  }

  /** Writes minutes of a type that are older than `openFrom`; false when there are none left. */
  async #writeSome(type: string, openFrom: number): Promise<boolean> {
    const { log, store, logger } = this.#options
    const from = storedMinute(log, type) + 1
    const minutes: { minute: number; record: MinuteRecord }[] = []
    let bytes = 0
    for (const one of keptMinutes(log, type, { from, to: openFrom })) {
      minutes.push(one)
      bytes += one.bytes
      if (minutes.length >= minutesPerWriteMax || bytes >= bytesPerWriteMax) break
    }
    const last = minutes.at(-1)
    if (last === undefined) return false
    const outcome = await store.write([batchOf(type, minutes)])
    if (outcome.kind === 'retry') {
      // That it is away the storage writer has said.
      await delay(outcome.afterMs, this.#stopping.signal)
      return true
    }
    for (const { detail } of outcome.rejected.slice(0, 1))
      logger.warn({ code: 'TIDEMARK_LIVE_REJECTED', detail, type }, 'aggregates could not be stored')
    await log.transaction((tx) => putStoredMinute(tx, type, last.minute))
    return true
  }
}

/**
 * Minutes as readings of devices that are none: the slash in their ids, which no device has in its own, keeps the two apart also
 * where the database knows no measurements.
 */
export function batchOf(
  type: string,
  minutes: readonly { readonly minute: number; readonly record: MinuteRecord }[],
): ReadingBatch {
  const devices: SeriesOwner[] = []
  const shapes: Shape[] = []
  const time: number[] = []
  const values: number[] = []
  for (const { minute, record } of minutes) {
    record.groups.forEach((group, g) => {
      const names: string[] = []
      record.metrics.forEach((metric, m) => {
        const figures = figuresAt(record, g, m)
        if (figures === undefined) return
        for (const fn of functions) {
          names.push(`${metric}_${fn}`)
          values.push(figures[fn])
        }
      })
      devices.push(ownerOf(type, group))
      shapes.push({ metrics: names, types: 'n'.repeat(names.length) })
      time.push(minute * minuteMs)
    })
  }
  const rows = time.length
  const each = Uint32Array.from({ length: rows }, (_, i) => i)
  return {
    receivedAt: 0,
    messages: 1,
    devices,
    shapes,
    rows,
    device: each,
    shape: each,
    message: new Uint32Array(rows),
    time: Float64Array.from(time),
    future: new Uint8Array(rows),
    values: Float64Array.from(values),
    strings: [],
  }
}

function ownerOf(type: string, { label, value }: Group): SeriesOwner {
  const live = `live_${type}`
  if (label === '') return { id: `${live}/all`, type: live, tags: [] }
  return { id: `${live}/${label}=${value}`, type: live, tags: [[label, value]] }
}
