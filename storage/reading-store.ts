import type { DeliveredEvent } from '../domain/event.ts'
import type { Value } from '../domain/profile.ts'
import type { ReadingBatch } from '../domain/reading-batch.ts'

/**
 * The port of the time-series database. Writing the same batch again changes nothing: a point is (device, metric, time),
 * and its latest value wins. A database that is down is an answer (`retry`), not an exception; the log is the only buffer.
 */
export interface ReadingStore {
  readonly kind: 'duckdb' | 'influxdb'
  /** Makes the database ready (creates what is missing). Rejects only for what waiting cannot mend; see `write` for the rest. */
  open(): Promise<void>
  /** Writes all rows of the batches, in order. */
  write(batches: readonly ReadingBatch[]): Promise<WriteOutcome>
  /** Writes events (measurement `event`; tags device, class, rule, severity, state). */
  writeEvents(events: readonly DeliveredEvent[]): Promise<EventWriteOutcome>
  /** Readings of a device, oldest first. */
  readings(query: ReadingQuery): Promise<StoredReading[]>
  /** Readings of several devices, or of all, in order of time and then of device: a page, and where the next begins. */
  timeline(query: TimelineQuery): Promise<TimelinePage>
  /** Newest value of each metric of a device, by event time. */
  latest(device: LatestQuery): Promise<Record<string, { value: Value; time: number }>>
  /** Removes everything of a device (`DELETE /devices/{id}?purge=data`). */
  purge(device: LatestQuery): Promise<void>
  /**
   * For a backup, where the database is files of the data directory: resolves when nothing is being written to them. What is written
   * next waits until `release` or `close`; queries go on.
   */
  hold(): Promise<void>
  release(): void
  close(): Promise<void>
}

export type WriteOutcome =
  /** Everything was taken but the rejected rows, which the database will never take. */
  | { readonly kind: 'done'; readonly rejected: readonly RejectedRow[] }
  /** Nothing may be assumed written; write the same bytes again after `afterMs`. */
  | {
      readonly kind: 'retry'
      readonly afterMs: number
      readonly code: `TIDEMARK_${string}`
      readonly detail: string
    }

export type EventWriteOutcome = { readonly kind: 'done' } | Extract<WriteOutcome, { kind: 'retry' }>

export interface RejectedRow {
  /** Index into the batches given to `write`, and row in that batch. */
  readonly batch: number
  readonly row: number
  readonly detail: string
}

export interface LatestQuery {
  readonly device: string
  /** The device's type: names the measurement. */
  readonly type: string
}

export type AggregateFunction = 'mean' | 'min' | 'max' | 'sum' | 'count' | 'last'

export interface ReadingQuery extends LatestQuery {
  /** All metrics when empty. */
  readonly metrics: readonly string[]
  /** Unix ms, inclusive. */
  readonly from: number
  /** Unix ms, exclusive. */
  readonly to: number
  /** Length of a window in ms, aligned to the epoch; without it raw readings. */
  readonly everyMs?: number
  /** `mean` unless told; only with `everyMs`. Of a boolean or string only `count` and `last` are answered. */
  readonly fn?: AggregateFunction
  readonly limit: number
}

export interface StoredReading {
  /** Unix ms; with `everyMs` the start of the window. Windows without readings are left out. */
  readonly time: number
  readonly values: Readonly<Record<string, Value>>
}

export interface TimelineQuery {
  /** What the devices are, or were: each names a measurement. */
  readonly types: readonly string[]
  /** All when undefined. */
  readonly devices?: readonly string[] | undefined
  /** Unix ms, inclusive. */
  readonly from: number
  /** Unix ms, exclusive. */
  readonly to: number
  /** `next` of the page before; takes the place of `from`. */
  readonly at?: TimelinePlace | undefined
  readonly limit: number
}

export interface TimelinePlace {
  /** Unix ms: what is before it was told. */
  readonly time: number
  /** The last device of `time` that was told. */
  readonly device?: string | undefined
  /** How much time the store will look at at once: it is found out along the way, and changes no answer. */
  readonly stretchMs: number
}

export interface DeviceReading extends StoredReading {
  readonly device: string
}

export interface TimelinePage {
  /** Whole readings, `limit` at most; fewer, or none, where looking on would take long. */
  readonly readings: DeviceReading[]
  /** undefined at the end. */
  readonly next?: TimelinePlace | undefined
}
