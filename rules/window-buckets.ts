import type { ReadingRing } from './reading-ring.ts'
import { WindowSummary } from './window-summary.ts'

/** Into how many buckets the length of a window is divided: a question costs one step for each, and half of one's readings. */
const bucketsPerWindow = 16
/** From how many readings on the results of a bucket are kept: those of fewer are worked out anew each time. */
const keptFrom = 16

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
  /** Index of the first reading of each bucket, of which the oldest may have been dropped. */
  readonly #firsts: number[] = []
  /** By position in `#firsts`. */
  #kept: (WindowSummary | undefined)[] | undefined

  constructor(readings: ReadingRing, lengthMs: number) {
    this.#readings = readings
    this.#bucketMs = Math.max(1, Math.ceil(lengthMs / bucketsPerWindow))
  }

  /** The newest reading has just been added. */
  added(): void {
    const readings = this.#readings
    const index = readings.end - 1
    if (this.#beginsBucket(index)) this.#firsts.push(index)
    const newest = this.#firsts.length - 1
    const first = this.#firsts[newest]!
    const kept = this.#kept?.[newest]
    if (kept !== undefined) kept.include(readings.valueAt(index))
    else if (index - first + 1 === keptFrom && first >= readings.first) this.#keep(newest)
  }

  /** The oldest reading has just been dropped; there is a newer one. */
  dropped(): void {
    const firsts = this.#firsts
    if (firsts.length === 1 || firsts[1]! > this.#readings.first) return
    firsts.shift()
    this.#kept?.shift()
  }

  sumFrom(from: number): number {
    whole.reset(0)
    for (let at = this.#bucketOf(from); at < this.#firsts.length; at++) {
      const kept = this.#keptWhole(at, from)
      if (kept === undefined) this.#sumPart(at, from)
      whole.addSumOf(kept ?? part)
    }
    return whole.sum
  }

  minFrom(from: number): number {
    const readings = this.#readings
    let min = Number.POSITIVE_INFINITY
    for (let at = this.#bucketOf(from); at < this.#firsts.length; at++) {
      const kept = this.#keptWhole(at, from)
      if (kept !== undefined) min = Math.min(min, kept.min)
      else
        for (let i = this.#startOf(at, from); i < this.#endOf(at); i++)
          min = Math.min(min, readings.valueAt(i))
    }
    return min
  }

  maxFrom(from: number): number {
    const readings = this.#readings
    let max = Number.NEGATIVE_INFINITY
    for (let at = this.#bucketOf(from); at < this.#firsts.length; at++) {
      const kept = this.#keptWhole(at, from)
      if (kept !== undefined) max = Math.max(max, kept.max)
      else
        for (let i = this.#startOf(at, from); i < this.#endOf(at); i++)
          max = Math.max(max, readings.valueAt(i))
    }
    return max
  }

  /** Sum of squared distances from the mean. */
  squaresFrom(from: number): number {
    const oldest = this.#bucketOf(from)
    for (let at = oldest; at < this.#firsts.length; at++) {
      const kept = this.#keptWhole(at, from)
      if (kept === undefined) this.#summarise(part, at, from)
      if (at === oldest) whole.copy(kept ?? part)
      else whole.merge(kept ?? part)
    }
    return whole.m2
  }

  #beginsBucket(index: number): boolean {
    if (this.#firsts.length === 0) return true
    return this.#numberOf(index) !== this.#numberOf(index - 1)
  }

  /** Of the bucket, counted from the epoch, in which that reading lies. */
  #numberOf(index: number): number {
    return Math.floor(this.#readings.timeAt(index) / this.#bucketMs)
  }

  #keep(at: number): void {
    const summary = new WindowSummary(0)
    this.#summarise(summary, at, 0)
    this.#kept ??= []
    while (this.#kept.length < at) this.#kept.push(undefined)
    this.#kept[at] = summary
  }

  /** Of a whole bucket, where it is kept and begins at `from` or later. */
  #keptWhole(at: number, from: number): WindowSummary | undefined {
    return this.#firsts[at]! >= from ? this.#kept?.[at] : undefined
  }

  /** Position of the bucket that holds the reading of that index. */
  #bucketOf(index: number): number {
    let at = 0
    while (at + 1 < this.#firsts.length && this.#firsts[at + 1]! <= index) at += 1
    return at
  }

  #startOf(at: number, from: number): number {
    return Math.max(this.#firsts[at]!, from)
  }

  #endOf(at: number): number {
    return this.#firsts[at + 1] ?? this.#readings.end
  }

  #sumPart(at: number, from: number): void {
    part.reset(0)
    const end = this.#endOf(at)
    for (let i = this.#startOf(at, from); i < end; i++) part.addToSum(this.#readings.valueAt(i))
  }

  #summarise(summary: WindowSummary, at: number, from: number): void {
    const start = this.#startOf(at, from)
    const end = this.#endOf(at)
    summary.reset(this.#readings.valueAt(start))
    for (let i = start + 1; i < end; i++) summary.include(this.#readings.valueAt(i))
  }
}
