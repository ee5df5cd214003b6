import type { WindowView } from './conditions/condition.ts'
import { ReadingRing } from './reading-ring.ts'
import { WindowBuckets } from './window-buckets.ts'
import { WindowReach } from './window-reach.ts'

const defaultReadingsMax = 100_000
/** What one more reading has to write again at most, but for readings of one time: those stay together. */
const readingsPerRow = 32
const bytesPerReading = 16
const nothing: readonly SavedRow[] = []

/** Successive readings of a window as they are stored: their times, then their values, as Float64. Without bytes the row is gone. */
export interface SavedRow {
  /** By which the row is known: the time of its first reading when it was begun, Unix ms. */
  readonly start: number
  readonly bytes: Buffer | undefined
}

/**
 * Readings of one metric of one device, as far back as the rules that share it look; the newest at or before that too.
 * docs/decisions/0025 says how they lie in memory and in the store.
 */
export class SlidingWindow {
  readonly #lengthMs: number
  readonly #readingsMax: number
  readonly #readings = new ReadingRing()
  readonly #buckets: WindowBuckets
  readonly #reach: WindowReach
  /** Of each row, the oldest first: by which it is known, and the index of its first reading, which may have been dropped. */
  readonly #rowStarts: number[] = []
  readonly #rowFirsts: number[] = []
  /** Stored rows that are no longer needed. */
  #goneRows: number[] | undefined
  /** Index of the first reading that is not stored. */
  #storedEnd = 0
  #overflowed = false

  constructor(lengthMs: number, readingsMax: number = defaultReadingsMax) {
    this.#lengthMs = lengthMs
    this.#readingsMax = readingsMax
    this.#buckets = new WindowBuckets(this.#readings, lengthMs)
    this.#reach = new WindowReach(this.#readings, this.#buckets)
  }

  /** The window of which `rows` are stored, those that are gone left out; in any order. */
  static load(
    lengthMs: number,
    rows: Iterable<{ readonly start: number; readonly bytes: Buffer }>,
    readingsMax: number = defaultReadingsMax,
  ): SlidingWindow {
    const window = new SlidingWindow(lengthMs, readingsMax)
    for (const row of [...rows].sort((a, b) => a.start - b.start)) window.#loadRow(row)
    window.#storedEnd = window.#readings.end
    window.#dropOld()
    while (window.#readings.count > readingsMax) window.#dropOldest()
    return window
  }

  /** Whether readings had to be given up although the window still reaches back to them. */
  get overflowed(): boolean {
    return this.#overflowed
  }

  /** -Infinity while it is empty. */
  get newestTime(): number {
    const { end } = this.#readings
    return end === 0 ? Number.NEGATIVE_INFINITY : this.#readings.timeAt(end - 1)
  }

  /** Adds a reading, not older than the newest. */
  add(time: number, value: number): void {
    const { newestTime } = this
    if (time < newestTime) throw new Error(`reading of ${time} added after ${newestTime}`)
    const { end } = this.#readings
    const isRowFull = end - (this.#rowFirsts.at(-1) ?? Number.NEGATIVE_INFINITY) >= readingsPerRow
    if (isRowFull && time > newestTime) this.#beginRow(time)
    this.#append(time, value)
    this.#dropOld()
    if (this.#readings.count <= this.#readingsMax) return
    this.#overflowed = true
    this.#dropOldest()
  }

  /**
   * The readings with time in (max(`time` − length, `after`), `time`]; `time` is not before the newest. What `before` answers is
   * later than `after` too. The view is one and the same object every time, good until the next `add` or `at`.
   */
  at(time: number, after = Number.NEGATIVE_INFINITY): WindowView {
    if (time < this.newestTime) throw new Error(`window asked at ${time}, has readings of ${this.newestTime}`)
    this.#reach.move(time - this.#lengthMs, after)
    return this.#reach
  }

  /** What has to be written for `load` to give this window, since the last call. */
  takeDirty(): readonly SavedRow[] {
    const { end } = this.#readings
    if (this.#goneRows === undefined && this.#storedEnd === end) return nothing
    const taken: SavedRow[] = (this.#goneRows ?? []).map((start) => ({ start, bytes: undefined }))
    this.#goneRows = undefined
    for (let at = this.#rowStarts.length - 1; at >= 0 && this.#endOfRow(at) > this.#storedEnd; at--)
      taken.push({ start: this.#rowStarts[at]!, bytes: this.#saveRow(at) })
    this.#storedEnd = end
    return taken
  }

  #append(time: number, value: number): void {
    // −0 would be equal to 0 and yet another number in order.
    this.#readings.append(time, value + 0)
    this.#buckets.added()
    this.#reach.added(value + 0)
  }

  #dropOld(): void {
    const { end } = this.#readings
    if (end === 0) return
    const edge = this.newestTime - this.#lengthMs
    while (this.#readings.count > 1 && this.#readings.timeAt(this.#readings.first + 1) <= edge)
      this.#dropOldest()
  }

  #dropOldest(): void {
    this.#reach.dropping()
    this.#readings.dropOldest()
    this.#buckets.dropped()
    if (this.#endOfRow(0) > this.#readings.first) return
    const start = this.#rowStarts.shift()!
    if (this.#rowFirsts.shift()! >= this.#storedEnd) return
    this.#goneRows ??= []
    this.#goneRows.push(start)
  }

  #beginRow(start: number): void {
    this.#rowStarts.push(start)
    this.#rowFirsts.push(this.#readings.end)
  }

  #endOfRow(at: number): number {
    return this.#rowFirsts[at + 1] ?? this.#readings.end
  }

  #saveRow(at: number): Buffer {
    const readings = this.#readings
    const first = Math.max(this.#rowFirsts[at]!, readings.first)
    const count = this.#endOfRow(at) - first
    const bytes = Buffer.allocUnsafe(count * bytesPerReading)
    const numbers = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    for (let i = 0; i < count; i++) {
      numbers.setFloat64(8 * i, readings.timeAt(first + i), true)
      numbers.setFloat64(8 * (count + i), readings.valueAt(first + i), true)
    }
    return bytes
  }

  #loadRow({ start, bytes }: { readonly start: number; readonly bytes: Buffer }): void {
    const count = bytes.length / bytesPerReading
    if (!Number.isInteger(count)) throw new Error(`row ${start} of a window has ${bytes.length} bytes`)
    if (count === 0) return
    this.#beginRow(start)
    for (let i = 0; i < count; i++)
      this.#append(bytes.readDoubleLE(8 * i), bytes.readDoubleLE(8 * (count + i)))
  }
}
