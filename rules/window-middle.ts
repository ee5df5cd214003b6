import type { WindowBucket } from './window-bucket.ts'
import { WindowSummary } from './window-summary.ts'

const numbersOfSummary = 7
const scratch = new WindowSummary(0)

/**
 * The buckets strictly between the one that the edge cuts and the newest, summed up. There are some 60, and in many a window the
 * edge comes to another one with each reading, so they are not gone through each time: those before a fixed time (the
 * pivot, a multiple of the window's length) are summed up from the pivot backwards, every partial result kept; those from it on are
 * summed up forwards as they come. As the pivot follows from the newest bucket's time, the result follows from the
 * buckets alone.
 */
export class WindowMiddle extends WindowSummary {
  readonly #spanMs: number
  #cut: WindowBucket | undefined
  #newest: WindowBucket | undefined
  /** The bucket right before the pivot; for each partial result of it and some before it, the nearest first, its numbers. */
  #frontNewest: WindowBucket | undefined
  readonly #fronts: number[] = []
  /** The first bucket from the pivot on, and how many from it on `#back` holds. */
  #backOldest: WindowBucket | undefined
  #backCount = 0
  readonly #back = new WindowSummary(0)
  readonly #front = new WindowSummary(0)

  /** `spanMs`: between pivots, a multiple of a bucket's length. */
  constructor(spanMs: number) {
    super(0)
    this.#spanMs = spanMs
  }

  /** Sums up those between `first` and the last; there is one at least. */
  update(buckets: readonly WindowBucket[], first: number): void {
    const last = buckets.length - 1
    const newest = buckets[last]!
    if (buckets[first] === this.#cut && newest === this.#newest) return
    this.#cut = buckets[first]
    this.#newest = newest
    const pivotMs = Math.floor(newest.start / this.#spanMs) * this.#spanMs
    const pivotAt = firstFrom(buckets, first + 1, last, pivotMs)
    if (pivotAt > first + 1) {
      this.#sumFront(buckets, first + 1, pivotAt - 1)
      this.copy(this.#front)
    }
    if (pivotAt === last) return
    this.#sumBack(buckets, pivotAt, last - 1)
    if (pivotAt > first + 1) this.merge(this.#back)
    else this.copy(this.#back)
  }

  #sumFront(buckets: readonly WindowBucket[], from: number, to: number): void {
    if (buckets[to] !== this.#frontNewest) {
      this.#frontNewest = buckets[to]
      this.#fronts.length = 0
    }
    const wanted = to - from
    let known = this.#fronts.length / numbersOfSummary
    this.#load(Math.min(wanted, known - 1))
    for (; known <= wanted; known++) this.#extendFront(buckets[to - known]!)
  }

  /** `oldest` before `#front`, noted. */
  #extendFront(oldest: WindowBucket): void {
    const fronts = this.#fronts
    const front = this.#front
    scratch.copy(oldest)
    if (fronts.length > 0) scratch.merge(front)
    front.copy(scratch)
    fronts.push(front.total, front.rest, front.min, front.max, front.mean, front.m2, front.count)
  }

  #load(known: number): void {
    if (known < 0) return
    const fronts = this.#fronts
    const at = known * numbersOfSummary
    const front = this.#front
    front.total = fronts[at]!
    front.rest = fronts[at + 1]!
    front.min = fronts[at + 2]!
    front.max = fronts[at + 3]!
    front.mean = fronts[at + 4]!
    front.m2 = fronts[at + 5]!
    front.count = fronts[at + 6]!
  }

  #sumBack(buckets: readonly WindowBucket[], from: number, to: number): void {
    if (buckets[from] !== this.#backOldest) {
      this.#backOldest = buckets[from]
      this.#backCount = 0
    }
    for (; this.#backCount <= to - from; this.#backCount++) {
      const bucket = buckets[from + this.#backCount]!
      if (this.#backCount === 0) this.#back.copy(bucket)
      else this.#back.merge(bucket)
    }
  }
}

/** Position in [low, high] of the first bucket that starts at `startMs` or later; that at `high` does. */
function firstFrom(buckets: readonly WindowBucket[], low: number, high: number, startMs: number): number {
  while (low < high) {
    const middle = (low + high) >>> 1
    if (buckets[middle]!.start < startMs) low = middle + 1
    else high = middle
  }
  return low
}
