import { ReadingRing, type RingRoom } from './reading-ring.ts'
import { SortedValues } from './sorted-values.ts'
import { WindowSummary } from './window-summary.ts'

/** Into how many buckets the length of a window is divided: a question costs one step for each, and half of one's readings. */
const bucketsPerWindow = 16
/** From how many readings on a bucket's results are kept: those of fewer are worked out anew each time. */
const keptFrom = 16

/** Results over a bucket, which grow with it, and where it begins. */
class KeptBucket extends WindowSummary {
  readonly first: number

  constructor(first: number, soFar: WindowSummary) {
    super(0)
    this.first = first
    this.copy(soFar)
  }

  get end(): number {
    return this.first + this.count
  }
}

const whole = new WindowSummary(0)
const part = new WindowSummary(0)

/** The values of the readings from index `from` to the newest. */
class SortedReadings extends SortedValues {
  from: number

  constructor(from: number, values: Float64Array) {
    super(values)
    this.from = from
  }
}

/** In how long buckets of time the readings of a window of that length are summed up. */
export function bucketMsOf(lengthMs: number): number {
  return Math.max(1, Math.ceil(lengthMs / bucketsPerWindow))
}

/**
 * The readings of a window, and results over those from one of them to the newest. They are put together from buckets of time, aligned
 * to the epoch: each is summed up by itself, then all from the oldest to the newest. So a result follows, to the bit, from the readings
 * that it is over: not from when the window began, what was dropped or whether it was saved and loaded.
 */
export class WindowReadings extends ReadingRing {
  readonly #bucketMs: number
  /** Index of the first reading of the newest bucket; it may have been dropped. */
  #newestFirst: number
  /** Of the buckets with many readings, none of which was dropped, the oldest first. */
  #kept: KeptBucket[] | undefined
  /** Once a quantile was asked. */
  #sorted: SortedReadings | undefined

  constructor(bucketMs: number, room: RingRoom, first = 0) {
    super(room, first)
    this.#bucketMs = bucketMs
    this.#newestFirst = first
  }

  override append(time: number, value: number): void {
    super.append(time, value)
    const index = this.end - 1
    if (this.#endMsOf(Math.max(index - 1, this.first)) <= time) this.#newestFirst = index
    const first = this.#newestFirst
    const newest = this.#kept?.at(-1)
    if (newest?.first === first) newest.include(value)
    else if (index - first + 1 === keptFrom && first >= this.first) this.#keep(first)
    this.#sorted?.add(value)
  }

  override dropOldest(): void {
    if (this.#sorted !== undefined && this.#sorted.from <= this.first) this.#removeSorted(this.first + 1)
    super.dropOldest()
    const kept = this.#kept
    if (kept !== undefined && kept.length > 0 && kept[0]!.first < this.first) kept.shift()
  }

  sumFrom(from: number): number {
    const { end } = this
    let keptAt = this.#keptFrom(from)
    whole.reset(0)
    for (let at = from; at < end; ) {
      const kept = this.#kept?.[keptAt]
      if (kept?.first === at) {
        whole.addSumOf(kept)
        keptAt += 1
        at = kept.end
      } else {
        at = this.#sumBucket(at, end)
        whole.addSumOf(part)
      }
    }
    return whole.sum
  }

  /** Good until the next question to any window. */
  summaryFrom(from: number): Readonly<WindowSummary> {
    const { end } = this
    let keptAt = this.#keptFrom(from)
    for (let at = from; at < end; ) {
      const kept = this.#kept?.[keptAt]
      const isKept = kept?.first === at
      if (isKept) keptAt += 1
      const next = isKept ? kept.end : this.#summariseBucket(at, end)
      const summary = isKept ? kept : part
      if (at === from) whole.copy(summary)
      else whole.merge(summary)
      at = next
    }
    return whole
  }

  /** Linear interpolation between the closest ranks, 0 ≤ q ≤ 1. There is one reading at least. */
  quantileFrom(from: number, q: number): number {
    if (this.#sorted !== undefined) this.#removeSorted(from)
    this.#sorted ??= new SortedReadings(from, this.#valuesFrom(from))
    return this.#sorted.quantile(q)
  }

  /** As `quantileFrom`, of readings that are asked for this once. */
  quantileOnceFrom(from: number, q: number): number {
    return new SortedValues(this.#valuesFrom(from)).quantile(q)
  }

  /** Removes those before `index`; where sorting anew is cheaper, or they are wanted back, all. */
  #removeSorted(index: number): void {
    const sorted = this.#sorted!
    const leaving = index - sorted.from
    if (leaving < 0 || leaving > 16 + sorted.count / 64) {
      this.#sorted = undefined
      return
    }
    for (; sorted.from < index; sorted.from++) sorted.remove(this.valueAt(sorted.from))
  }

  #valuesFrom(from: number): Float64Array {
    const values = new Float64Array(this.end - from)
    for (let i = 0; i < values.length; i++) values[i] = this.valueAt(from + i)
    return values
  }

  #keep(first: number): void {
    this.#summariseBucket(first, this.end)
    // Not pushed: an array that grows takes room for seventeen.
    this.#kept = [...(this.#kept ?? []), new KeptBucket(first, part)]
  }

  /** Position of the first kept bucket that begins at that index or later. */
  #keptFrom(index: number): number {
    const kept = this.#kept
    let at = 0
    while (kept !== undefined && at < kept.length && kept[at]!.first < index) at += 1
    return at
  }

  /** When the bucket ends in which the reading of that index lies. */
  #endMsOf(index: number): number {
    return (Math.floor(this.timeAt(index) / this.#bucketMs) + 1) * this.#bucketMs
  }

  /** Sums up in `part` those of one bucket from index `at` on; the answer is where they end. */
  #sumBucket(at: number, end: number): number {
    const endMs = this.#endMsOf(at)
    part.reset(0)
    let i = at
    for (; i < end && this.timeAt(i) < endMs; i++) part.addToSum(this.valueAt(i))
    return i
  }

  /** As `#sumBucket`, of everything. */
  #summariseBucket(at: number, end: number): number {
    const endMs = this.#endMsOf(at)
    part.reset(this.valueAt(at))
    let i = at + 1
    for (; i < end && this.timeAt(i) < endMs; i++) part.include(this.valueAt(i))
    return i
  }
}
