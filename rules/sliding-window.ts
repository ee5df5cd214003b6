import type { Stillness, WindowView } from './conditions/condition.ts'
import { RingRoom } from './reading-ring.ts'
import { StillRun } from './still-run.ts'
import { WindowReach } from './window-reach.ts'
import { bucketMsOf, WindowReadings } from './window-readings.ts'

/** What one more reading has to write again at most. */
const readingsPerRow = 32
const bytesPerReading = 16
const nothing: readonly SavedRow[] = []

/**
 * 32 readings of a window as they are stored: their times, then their values, as Float64; where the oldest are left out, for they
 * are no longer needed, one byte more says how many. Without bytes the row is gone.
 */
export interface SavedRow {
  /** By which the row is known: the index of its first reading, a multiple of 32. */
  readonly start: number
  readonly bytes: Buffer | undefined
}

type StoredRow = SavedRow & { readonly bytes: Buffer }

/** What windows of one length have in common. */
export class WindowKind {
  readonly lengthMs: number
  /** The oldest beyond as many are given up. */
  readonly readingsMax: number
  readonly bucketMs: number
  /** Of all rules that ask; undefined where one asks for more. */
  readonly stillness: Stillness | undefined
  /** One for all of them: devices are shown a reading one after the other. */
  readonly reach: WindowReach

  constructor(lengthMs: number, readingsMax = 100_000, stillness?: Stillness) {
    this.lengthMs = lengthMs
    this.readingsMax = readingsMax
    this.bucketMs = bucketMsOf(lengthMs)
    this.stillness = stillness
    this.reach = new WindowReach(readingsMax)
  }
}

/**
 * Readings of one metric of one device, as far back as the rules that share it look; the newest at or before that too.
 * docs/decisions/0025 says how they lie in memory and in the store.
 */
export class SlidingWindow {
  #kind: WindowKind
  /** The newest readings that stand still; undefined until it is asked for. */
  #run: StillRun | undefined
  readonly #readings: WindowReadings
  /** Stored rows that are no longer needed. */
  #goneRows: number[] | undefined
  /** Index of the first reading that is not stored. */
  #storedEnd: number
  #overflowed = false

  constructor(kind: WindowKind, room = new RingRoom(), firstIndex = 0) {
    this.#kind = kind
    this.#readings = new WindowReadings(kind.bucketMs, room, firstIndex)
    this.#storedEnd = firstIndex
  }

  /** The window of which `rows` are stored, those that are gone left out; in any order. */
  static load(kind: WindowKind, rows: Iterable<StoredRow>, room?: RingRoom): SlidingWindow {
    const sorted = [...rows].sort((a, b) => a.start - b.start)
    const isOurs = areRows(sorted)
    const first = isOurs && sorted.length > 0 ? firstIndexOf(sorted[0]!) : 0
    const window = new SlidingWindow(kind, room, first)
    for (const row of sorted) window.#loadRow(row)
    window.#storedEnd = window.#readings.end
    if (!isOurs) window.#writeAnew(sorted)
    window.#dropOld()
    while (window.#readings.count > kind.readingsMax) window.#dropOldest()
    return window
  }

  /** From here on the window is one of `kind`, of the same length: other rules ask it. */
  become(kind: WindowKind): this {
    this.#kind = kind
    this.#run = undefined
    return this
  }

  /** It is no longer asked anything: others have its room. */
  leave(): void {
    this.#readings.leave()
  }

  /** Whether readings had to be given up although the window still reaches back to them. */
  get overflowed(): boolean {
    return this.#overflowed
  }

  /** -Infinity while it is empty. */
  get newestTime(): number {
    const { count, end } = this.#readings
    return count === 0 ? Number.NEGATIVE_INFINITY : this.#readings.timeAt(end - 1)
  }

  /** Adds a reading, not older than the newest. */
  add(time: number, value: number): void {
    const { newestTime } = this
    if (time < newestTime) throw new Error(`reading of ${time} added after ${newestTime}`)
    this.#append(time, value)
    this.#dropOld()
    if (this.#readings.count <= this.#kind.readingsMax) return
    this.#overflowed = true
    this.#dropOldest()
  }

  /**
   * The readings with time in (max(`time` − length, `after`), `time`]; `time` is not before the newest. What `before` answers is
   * later than `after` too. The view is one and the same object every time, good until the next `add`, or `at` of any window of the kind.
   */
  at(time: number, after = Number.NEGATIVE_INFINITY): WindowView {
    if (time < this.newestTime) throw new Error(`window asked at ${time}, has readings of ${this.newestTime}`)
    const { lengthMs, reach } = this.#kind
    reach.move(this.#readings, time - lengthMs, after)
    return reach
  }

  /** What has to be written for `load` to give this window, since the last call. */
  takeDirty(): readonly SavedRow[] {
    const { end } = this.#readings
    if (this.#goneRows === undefined && this.#storedEnd === end) return nothing
    const taken: SavedRow[] = (this.#goneRows ?? []).map((start) => ({ start, bytes: undefined }))
    this.#goneRows = undefined
    if (this.#storedEnd < end) {
      const newest = Math.max(this.#storedEnd, this.#readings.first)
      for (let start = rowOf(newest); start < end; start += readingsPerRow)
        taken.push({ start, bytes: this.#saveRow(start) })
    }
    this.#storedEnd = end
    return taken
  }

  #append(time: number, value: number): void {
    // −0 would be equal to 0 and yet another number in order.
    this.#readings.append(time, value + 0)
  }

  #dropOld(): void {
    const edge = this.newestTime - this.#kind.lengthMs
    while (this.#readings.count > 1 && this.#readings.timeAt(this.#readings.first + 1) <= edge)
      this.#dropOldest()
    if (this.#kind.stillness !== undefined) this.#dropMoved(this.#kind.stillness)
  }

  #dropMoved({ tolerance, minCount }: Stillness): void {
    const readings = this.#readings
    if (readings.count === 0) return
    this.#run ??= new StillRun(readings, tolerance)
    const needed = Math.min(this.#run.first(), readings.end - minCount)
    while (readings.first < needed) this.#dropOldest()
  }

  #dropOldest(): void {
    this.#readings.dropOldest()
    const { first } = this.#readings
    if (first !== rowOf(first)) return
    const start = first - readingsPerRow
    if (start >= this.#storedEnd) return
    this.#goneRows ??= []
    this.#goneRows.push(start)
  }

  #saveRow(start: number): Buffer {
    const readings = this.#readings
    const first = Math.max(start, readings.first)
    const count = Math.min(start + readingsPerRow, readings.end) - first
    const leftOut = first - start
    const bytes = Buffer.allocUnsafe(count * bytesPerReading + (leftOut > 0 ? 1 : 0))
    if (leftOut > 0) bytes[bytes.length - 1] = leftOut
    const numbers = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    for (let i = 0; i < count; i++) {
      numbers.setFloat64(8 * i, readings.timeAt(first + i), true)
      numbers.setFloat64(8 * (count + i), readings.valueAt(first + i), true)
    }
    return bytes
  }

  #loadRow({ start, bytes }: StoredRow): void {
    if (bytes.length % bytesPerReading > 1)
      throw new Error(`row ${start} of a window has ${bytes.length} bytes`)
    const count = countOf(bytes)
    for (let i = 0; i < count; i++)
      this.#append(bytes.readDoubleLE(8 * i), bytes.readDoubleLE(8 * (count + i)))
  }

  /** Of rows that version 0.1 wrote: each was a 64th of the window’s length, known by when that began. */
  #writeAnew(rows: readonly StoredRow[]): void {
    this.#storedEnd = 0
    this.#goneRows = rows.map(({ start }) => start)
  }
}

/** Index of the first reading of the row in which that one is. */
function rowOf(index: number): number {
  return index - (index % readingsPerRow)
}

function countOf(bytes: Buffer): number {
  return Math.floor(bytes.length / bytesPerReading)
}

function firstIndexOf({ start, bytes }: StoredRow): number {
  return bytes.length % bytesPerReading === 0 ? start : start + bytes[bytes.length - 1]!
}

/** Whether each begins where the one before it ends. */
function areRows(rows: readonly StoredRow[]): boolean {
  return rows.every((row, at) => {
    const previous = rows[at - 1]
    const follows = previous === undefined || firstIndexOf(previous) + countOf(previous.bytes) === row.start
    return row.start === rowOf(row.start) && follows
  })
}
