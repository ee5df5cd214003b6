import type { WindowView } from './conditions/condition.ts'
import { SortedValues } from './sorted-values.ts'
import type { WindowBucket } from './window-bucket.ts'
import { WindowMiddle } from './window-middle.ts'
import { WindowSummary } from './window-summary.ts'

const scratch = new WindowSummary(0)

/**
 * The readings from `#offset` of bucket `#first` on. The bucket that the edge cuts is scanned as it would have been
 * summed up as a whole one: so it makes no difference whether the edge happens to cut it.
 */
export class BucketView implements WindowView {
  count = 0
  readonly #buckets: readonly WindowBucket[]
  #first = 0
  #offset = 0
  #edge = 0
  #after = 0
  #cutIndex = 0
  readonly #spanMs: number
  /** Made once it is asked for. */
  #middle: WindowMiddle | undefined
  /** The readings from index `#sortedFrom` to the newest, once a quantile was asked. */
  #sorted: SortedValues | undefined
  #sortedFrom = 0

  /** `spanMs`: of time, a multiple of a bucket's length; about as long as the window. */
  constructor(buckets: readonly WindowBucket[], spanMs: number) {
    this.#buckets = buckets
    this.#spanMs = spanMs
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
    scratch.reset(0)
    if (this.#offset === 0) scratch.addSumOf(cut)
    else for (let i = this.#offset; i < cut.count; i++) scratch.addToSum(cut.valueAt(i))
    const middle = this.#middleOf()
    if (middle !== undefined) scratch.addSumOf(middle)
    if (!this.#isOneBucket()) scratch.addSumOf(this.#newest())
    return scratch.sum
  }

  min(): number {
    if (this.count === 0) return Number.NaN
    const cut = this.#buckets[this.#first]!
    let min = this.#isOneBucket() ? Number.POSITIVE_INFINITY : this.#newest().min
    const middle = this.#middleOf()
    if (middle !== undefined && middle.min < min) min = middle.min
    if (cut.min >= min) return min
    if (this.#offset === 0) return cut.min
    for (let i = this.#offset; i < cut.count; i++) min = Math.min(min, cut.valueAt(i))
    return min
  }

  max(): number {
    if (this.count === 0) return Number.NaN
    const cut = this.#buckets[this.#first]!
    let max = this.#isOneBucket() ? Number.NEGATIVE_INFINITY : this.#newest().max
    const middle = this.#middleOf()
    if (middle !== undefined && middle.max > max) max = middle.max
    if (cut.max <= max) return max
    if (this.#offset === 0) return cut.max
    for (let i = this.#offset; i < cut.count; i++) max = Math.max(max, cut.valueAt(i))
    return max
  }

  stddev(): number {
    if (this.count === 0) return Number.NaN
    const cut = this.#buckets[this.#first]!
    const all = scratch
    if (this.#offset === 0) all.copy(cut)
    else {
      all.reset(cut.valueAt(this.#offset))
      for (let i = this.#offset + 1; i < cut.count; i++) all.include(cut.valueAt(i))
    }
    const middle = this.#middleOf()
    if (middle !== undefined) all.merge(middle)
    if (!this.#isOneBucket()) all.merge(this.#newest())
    return Math.sqrt(all.m2 / this.count)
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
  dropping(oldest: WindowBucket): void {
    if (this.#sorted !== undefined && this.#sortedFrom < oldest.endIndex) this.#removeSorted(oldest.endIndex)
  }

  #isOneBucket(): boolean {
    return this.#first === this.#buckets.length - 1
  }

  #newest(): WindowBucket {
    return this.#buckets[this.#buckets.length - 1]!
  }

  /** The whole buckets before the newest; undefined when there are none. */
  #middleOf(): WindowMiddle | undefined {
    if (this.#first >= this.#buckets.length - 2) return undefined
    this.#middle ??= new WindowMiddle(this.#spanMs)
    this.#middle.update(this.#buckets, this.#first)
    return this.#middle
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
