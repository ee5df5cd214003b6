import type { WindowView } from './conditions/condition.ts'
import { SortedValues } from './sorted-values.ts'

/** Into how many buckets the length of a window is divided. */
const bucketsPerWindow = 64
const defaultReadingsMax = 100_000
const bytesPerReading = 16

/** A bucket of a window as it is stored: its times, then its values, as Float64. Without bytes it is gone. */
export interface SavedBucket {
  /** Start of the bucket, Unix ms. */
  readonly start: number
  readonly bytes: Buffer | undefined
}

/**
 * Readings of one metric of one device, as far back as the rules that share it look; the newest at or before that too.
 *
 * They lie in buckets aligned to the epoch, each with its partial results. A result is put together from those, oldest to
 * newest, and so follows, to the bit, from the readings that it is over: not from when the window began, what was dropped or
 * whether it was saved and loaded.
 */
export class SlidingWindow {
  readonly #lengthMs: number
  readonly #bucketMs: number
  readonly #readingsMax: number
  readonly #buckets: Bucket[] = []
  readonly #view: View
  /** By start: the buckets that changed since they were taken; undefined, those stored that are gone. */
  readonly #dirty = new Map<number, Bucket | undefined>()
  /** How many readings were ever added: each has an index by which it is found. */
  #added = 0
  #newestTime = Number.NEGATIVE_INFINITY
  #overflowed = false

  constructor(lengthMs: number, readingsMax: number = defaultReadingsMax) {
    this.#lengthMs = lengthMs
    this.#bucketMs = Math.max(1, Math.ceil(lengthMs / bucketsPerWindow))
    this.#readingsMax = readingsMax
    this.#view = new View(this.#buckets)
  }

  /** The window of which `buckets` are stored, those that are gone left out; in any order. */
  static load(
    lengthMs: number,
    buckets: Iterable<{ readonly start: number; readonly bytes: Buffer }>,
    readingsMax: number = defaultReadingsMax,
  ): SlidingWindow {
    const window = new SlidingWindow(lengthMs, readingsMax)
    for (const { start, bytes } of [...buckets].sort((a, b) => a.start - b.start)) {
      const bucket = Bucket.load(start, window.#added, bytes)
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
  takeDirty(): SavedBucket[] {
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
  #append(time: number, value: number): Bucket {
    const start = Math.floor(time / this.#bucketMs) * this.#bucketMs
    const newest = this.#buckets.at(-1)
    const index = this.#added++
    if (newest?.start === start) {
      newest.append(time, value)
      return newest
    }
    newest?.seal()
    const bucket = new Bucket(start, index, time, value)
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

/** Count, mean and sum of squared distances from it: Welford's for one more value, Chan, Golub and LeVeque's (1979) for two parts. */
class Spread {
  count = 1
  mean: number
  m2 = 0

  /** Of one value. */
  constructor(value: number) {
    this.mean = value
  }

  reset(value: number): void {
    this.count = 1
    this.mean = value
    this.m2 = 0
  }

  include(value: number): void {
    this.count += 1
    const distance = value - this.mean
    this.mean += distance / this.count
    this.m2 += distance * (value - this.mean)
  }

  merge(other: Spread): void {
    const count = this.count + other.count
    const distance = other.mean - this.mean
    this.mean += (distance * other.count) / count
    this.m2 += other.m2 + (distance * distance * this.count * other.count) / count
    this.count = count
  }
}

/** Readings of one span of time, in order, and what is asked of them all. Of few readings most buckets hold one: it is kept small. */
class Bucket extends Spread {
  readonly start: number
  /** Index of its first reading among all that were ever added. */
  readonly firstIndex: number
  /** Time and value of each reading in turn. */
  points: number[]
  sum: number
  min: number
  max: number
  isDirty = false
  /** Whether the store has one of this start. */
  isStored = false

  /** Holds one reading. */
  constructor(start: number, firstIndex: number, time: number, value: number) {
    super(value)
    this.start = start
    this.firstIndex = firstIndex
    this.points = [time, value]
    this.sum = value
    this.min = value
    this.max = value
  }

  /** undefined when `bytes` holds no reading. */
  static load(start: number, firstIndex: number, bytes: Buffer): Bucket | undefined {
    const count = bytes.length / bytesPerReading
    if (!Number.isInteger(count)) throw new Error(`bucket ${start} of a window has ${bytes.length} bytes`)
    if (count === 0) return undefined
    const bucket = new Bucket(start, firstIndex, bytes.readDoubleLE(0), bytes.readDoubleLE(8 * count))
    for (let i = 1; i < count; i++)
      bucket.append(bytes.readDoubleLE(8 * i), bytes.readDoubleLE(8 * (count + i)))
    bucket.isStored = true
    return bucket
  }

  get newestTime(): number {
    return this.points[this.points.length - 2]!
  }

  get endIndex(): number {
    return this.firstIndex + this.count
  }

  timeAt(position: number): number {
    return this.points[2 * position]!
  }

  valueAt(position: number): number {
    return this.points[2 * position + 1]!
  }

  append(time: number, value: number): void {
    this.points.push(time, value)
    this.sum += value
    if (value < this.min) this.min = value
    if (value > this.max) this.max = value
    this.include(value)
  }

  /** No reading will follow: gives back what the array has grown ahead. */
  seal(): void {
    if (this.count > 1) this.points = this.points.slice()
  }

  save(): Buffer {
    const bytes = Buffer.allocUnsafe(this.count * bytesPerReading)
    for (let i = 0; i < this.count; i++) {
      bytes.writeDoubleLE(this.timeAt(i), 8 * i)
      bytes.writeDoubleLE(this.valueAt(i), 8 * (this.count + i))
    }
    return bytes
  }

  /** Position of the first reading later than `time`. */
  firstAfter(time: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.timeAt(middle) <= time) low = middle + 1
      else high = middle
    }
    return low
  }
}

/**
 * The readings from `#offset` of bucket `#first` on. The bucket that the edge cuts is scanned as it would have been
 * summed up as a whole one: so it makes no difference whether the edge happens to cut it.
 */
class View implements WindowView {
  count = 0
  readonly #buckets: readonly Bucket[]
  #first = 0
  #offset = 0
  #edge = 0
  #after = 0
  #cutIndex = 0
  readonly #spread = new Spread(0)
  /** The readings from index `#sortedFrom` to the newest, once a quantile was asked. */
  #sorted: SortedValues | undefined
  #sortedFrom = 0

  constructor(buckets: readonly Bucket[]) {
    this.#buckets = buckets
  }

  move(edge: number, after: number, added: number): void {
    const from = Math.max(edge, after)
    const buckets = this.#buckets
    let first = 0
    while (first < buckets.length && buckets[first]!.newestTime <= from) first += 1
    const bucket = buckets[first]
    this.#first = first
    this.#offset = bucket === undefined ? 0 : bucket.firstAfter(from)
    this.#cutIndex = bucket === undefined ? added : bucket.firstIndex + this.#offset
    this.#edge = edge
    this.#after = after
    this.count = added - this.#cutIndex
  }

  mean(): number {
    return this.sum() / this.count
  }

  sum(): number {
    if (this.count === 0) return 0
    const cut = this.#buckets[this.#first]!
    let sum = 0
    if (this.#offset === 0) sum = cut.sum
    else for (let i = this.#offset; i < cut.count; i++) sum += cut.valueAt(i)
    for (let i = this.#first + 1; i < this.#buckets.length; i++) sum += this.#buckets[i]!.sum
    return sum
  }

  min(): number {
    if (this.count === 0) return Number.NaN
    const cut = this.#buckets[this.#first]!
    let min = cut.valueAt(this.#offset)
    for (let i = this.#offset + 1; i < cut.count; i++) min = Math.min(min, cut.valueAt(i))
    for (let i = this.#first + 1; i < this.#buckets.length; i++) min = Math.min(min, this.#buckets[i]!.min)
    return min
  }

  max(): number {
    if (this.count === 0) return Number.NaN
    const cut = this.#buckets[this.#first]!
    let max = cut.valueAt(this.#offset)
    for (let i = this.#offset + 1; i < cut.count; i++) max = Math.max(max, cut.valueAt(i))
    for (let i = this.#first + 1; i < this.#buckets.length; i++) max = Math.max(max, this.#buckets[i]!.max)
    return max
  }

  stddev(): number {
    if (this.count === 0) return Number.NaN
    const cut = this.#buckets[this.#first]!
    const spread = this.#spread
    spread.reset(cut.valueAt(this.#offset))
    for (let i = this.#offset + 1; i < cut.count; i++) spread.include(cut.valueAt(i))
    for (let i = this.#first + 1; i < this.#buckets.length; i++) spread.merge(this.#buckets[i]!)
    return Math.sqrt(spread.m2 / this.count)
  }

  quantile(q: number): number {
    if (this.count === 0) return Number.NaN
    // What a rule that began later sees is no window of its own: it is short until the window has passed that beginning.
    if (this.#cutsWithin()) return new SortedValues(this.#collect()).quantile(q)
    if (this.#sorted !== undefined) this.#removeSorted(this.#cutIndex)
    if (this.#sorted === undefined) {
      this.#sorted = new SortedValues(this.#collect())
      this.#sortedFrom = this.#cutIndex
    }
    return this.#sorted.quantile(q)
  }

  before(): { readonly time: number; readonly value: number } | undefined {
    const reading = this.#newestLeftOut()
    return reading !== undefined && reading.time > this.#after ? reading : undefined
  }

  /** A value was added to the newest bucket. */
  added(value: number): void {
    this.#sorted?.add(value)
  }

  /** The oldest bucket is about to be dropped. */
  dropping(oldest: Bucket): void {
    if (this.#sorted !== undefined && this.#sortedFrom < oldest.endIndex) this.#removeSorted(oldest.endIndex)
  }

  /** Whether readings within the window's length are left out because the rule began after them. */
  #cutsWithin(): boolean {
    return this.#after > this.#edge && (this.#newestLeftOut()?.time ?? this.#edge) > this.#edge
  }

  #newestLeftOut(): { readonly time: number; readonly value: number } | undefined {
    const isInCut = this.#offset > 0
    const bucket = this.#buckets[isInCut ? this.#first : this.#first - 1]
    if (bucket === undefined) return undefined
    const position = (isInCut ? this.#offset : bucket.count) - 1
    return { time: bucket.timeAt(position), value: bucket.valueAt(position) }
  }

  /** Removes those before `index`; where sorting anew is cheaper, or they are wanted back, all. */
  #removeSorted(index: number): void {
    const sorted = this.#sorted!
    const leaving = index - this.#sortedFrom
    if (leaving < 0 || leaving > 16 + sorted.count / 64) {
      this.#sorted = undefined
      return
    }
    for (const bucket of this.#buckets) {
      const end = Math.min(index, bucket.endIndex)
      for (; this.#sortedFrom < end; this.#sortedFrom++) {
        sorted.remove(bucket.valueAt(this.#sortedFrom - bucket.firstIndex))
      }
    }
  }

  #collect(): Float64Array {
    const values = new Float64Array(this.count)
    let count = 0
    for (let b = this.#first; b < this.#buckets.length; b++) {
      const bucket = this.#buckets[b]!
      for (let i = b === this.#first ? this.#offset : 0; i < bucket.count; i++)
        values[count++] = bucket.valueAt(i)
    }
    return values
  }
}
