import { BucketView } from './bucket-view.ts'
import type { WindowView } from './conditions/condition.ts'
import { WindowBucket } from './window-bucket.ts'

/** Into how many buckets the length of a window is divided. */
const bucketsPerWindow = 64
const defaultReadingsMax = 100_000
const nothing: readonly SavedBucket[] = []

/** A bucket of a window as it is stored: its times, then its values, as Float64. Without bytes it is gone. */
export interface SavedBucket {
  /** Start of the bucket, Unix ms. */
  readonly start: number
  readonly bytes: Buffer | undefined
}

/**
 * Readings of one metric of one device, as far back as the rules that share it look; the newest at or before that too.
 *
 * They lie in buckets aligned to the epoch, each with its partial results. A result is put together from those, in an order
 * that their times give, and so follows, to the bit, from the readings that it is over: not from when the window began, what was dropped or
 * whether it was saved and loaded.
 */
export class SlidingWindow {
  readonly #lengthMs: number
  readonly #bucketMs: number
  readonly #readingsMax: number
  readonly #buckets: WindowBucket[] = []
  readonly #view: BucketView
  /** By start: the buckets that changed since they were taken; undefined, those stored that are gone. */
  readonly #dirty = new Map<number, WindowBucket | undefined>()
  /** How many readings were ever added: each has an index by which it is found. */
  #added = 0
  #newestTime = Number.NEGATIVE_INFINITY
  #overflowed = false

  constructor(lengthMs: number, readingsMax: number = defaultReadingsMax) {
    this.#lengthMs = lengthMs
    this.#bucketMs = Math.max(1, Math.ceil(lengthMs / bucketsPerWindow))
    this.#readingsMax = readingsMax
    this.#view = new BucketView(this.#buckets, bucketsPerWindow * this.#bucketMs)
  }

  /** The window of which `buckets` are stored, those that are gone left out; in any order. */
  static load(
    lengthMs: number,
    buckets: Iterable<{ readonly start: number; readonly bytes: Buffer }>,
    readingsMax: number = defaultReadingsMax,
  ): SlidingWindow {
    const window = new SlidingWindow(lengthMs, readingsMax)
    for (const { start, bytes } of [...buckets].sort((a, b) => a.start - b.start)) {
      const bucket = WindowBucket.load(start, window.#added, bytes)
      if (bucket === undefined) continue
      window.#buckets.push(bucket)
      window.#added += bucket.count
      window.#newestTime = bucket.newestTime
    }
    return window
  }

  /** Whether readings had to be given up although the window still reaches back to them. */
  get overflowed(): boolean {
    return this.#overflowed
  }

  /** -Infinity while it is empty. */
  get newestTime(): number {
    return this.#newestTime
  }

  /** Adds a reading, not older than the newest. */
  add(time: number, value: number): void {
    if (time < this.#newestTime) throw new Error(`reading of ${time} added after ${this.#newestTime}`)
    this.#newestTime = time
    while (this.#buckets.length > 1 && this.#buckets[1]!.timeAt(0) <= time - this.#lengthMs)
      this.#dropOldest()
    if (this.#buckets.length > 0 && this.#added - this.#buckets[0]!.firstIndex >= this.#readingsMax) {
      this.#overflowed = true
      this.#dropOldest()
    }
    // −0 would be equal to 0 and yet another number in order.
    const bucket = this.#append(time, value + 0)
    this.#view.added(value + 0)
    if (bucket.isDirty) return
    bucket.isDirty = true
    this.#dirty.set(bucket.start, bucket)
  }

  /**
   * The readings with time in (max(`time` − length, `after`), `time`]; `time` is not before the newest. What `before` answers is
   * later than `after` too. The view is one and the same object every time, good until the next `add` or `at`.
   */
  at(time: number, after = Number.NEGATIVE_INFINITY): WindowView {
    if (time < this.#newestTime)
      throw new Error(`window asked at ${time}, has readings of ${this.#newestTime}`)
    this.#view.move(time - this.#lengthMs, after, this.#added)
    return this.#view
  }

  /** What has to be written for `load` to give this window, since the last call. */
  takeDirty(): readonly SavedBucket[] {
    if (this.#dirty.size === 0) return nothing
    const taken: SavedBucket[] = []
    for (const [start, bucket] of this.#dirty) {
      taken.push({ start, bytes: bucket?.save() })
      if (bucket === undefined) continue
      bucket.isDirty = false
      bucket.isStored = true
    }
    this.#dirty.clear()
    return taken
  }

  /** The bucket in which the reading is now. */
  #append(time: number, value: number): WindowBucket {
    const start = Math.floor(time / this.#bucketMs) * this.#bucketMs
    const newest = this.#buckets.at(-1)
    const index = this.#added++
    if (newest?.start === start) {
      newest.append(time, value)
      return newest
    }
    newest?.seal()
    const bucket = new WindowBucket(start, index, time, value)
    // One of the same start was given up, and is to be removed from the store unless this one replaces it.
    bucket.isStored = this.#dirty.has(start)
    this.#buckets.push(bucket)
    return bucket
  }

  #dropOldest(): void {
    this.#view.dropping(this.#buckets[0]!)
    const { start, isStored } = this.#buckets.shift()!
    if (isStored) this.#dirty.set(start, undefined)
    else this.#dirty.delete(start)
  }
}
