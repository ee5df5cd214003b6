import type { ReadingRing } from './reading-ring.ts'
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

/**
 * Results over the readings of a window from one of them to the newest. They are put together from buckets of time, aligned to the
 * epoch: each is summed up by itself, then all from the oldest to the newest. So a result follows, to the bit, from the readings that
 * it is over: not from when the window began, what was dropped or whether it was saved and loaded.
 */
export class WindowBuckets {
  readonly #readings: ReadingRing
  readonly #bucketMs: number
  /** Index of the first reading of the newest bucket; it may have been dropped. */
  #newestFirst: number
  /** Of the buckets with many readings, none of which was dropped, the oldest first. */
  #kept: KeptBucket[] | undefined

  constructor(readings: ReadingRing, lengthMs: number) {
    this.#readings = readings
    this.#newestFirst = readings.first
    this.#bucketMs = Math.max(1, Math.ceil(lengthMs / bucketsPerWindow))
  }

  /** The newest reading has just been added. */
  added(): void {
    const readings = this.#readings
    const index = readings.end - 1
    if (this.#endMsOf(Math.max(index - 1, readings.first)) <= readings.timeAt(index))
      this.#newestFirst = index
    const first = this.#newestFirst
    const newest = this.#kept?.at(-1)
    if (newest?.first === first) newest.include(readings.valueAt(index))
    else if (index - first + 1 === keptFrom && first >= readings.first) this.#keep(first)
  }

  /** The oldest reading has just been dropped. */
  dropped(): void {
    const kept = this.#kept
    if (kept !== undefined && kept.length > 0 && kept[0]!.first < this.#readings.first) kept.shift()
  }

  sumFrom(from: number): number {
    const { end } = this.#readings
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
    const { end } = this.#readings
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

  #keep(first: number): void {
    this.#summariseBucket(first, this.#readings.end)
    this.#kept ??= []
    this.#kept.push(new KeptBucket(first, part))
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
    return (Math.floor(this.#readings.timeAt(index) / this.#bucketMs) + 1) * this.#bucketMs
  }

  /** Sums up in `part` those of one bucket from index `at` on; the answer is where they end. */
  #sumBucket(at: number, end: number): number {
    const readings = this.#readings
    const endMs = this.#endMsOf(at)
    part.reset(0)
    let i = at
    for (; i < end && readings.timeAt(i) < endMs; i++) part.addToSum(readings.valueAt(i))
    return i
  }

  /** As `#sumBucket`, of everything. */
  #summariseBucket(at: number, end: number): number {
    const readings = this.#readings
    const endMs = this.#endMsOf(at)
    part.reset(readings.valueAt(at))
    let i = at + 1
    for (; i < end && readings.timeAt(i) < endMs; i++) part.include(readings.valueAt(i))
    return i
  }
}
