import type { WindowView } from './conditions/condition.ts'
import type { ReadingRing } from './reading-ring.ts'
import { SortedValues } from './sorted-values.ts'
import type { WindowBuckets } from './window-buckets.ts'

/** What a question to a window reaches: the readings from index `#from` on. */
export class WindowReach implements WindowView {
  readonly #readings: ReadingRing
  readonly #buckets: WindowBuckets
  #from = 0
  #edge = 0
  #after = 0
  /** Least and greatest from the reading of that index to the newest: rules that share a window ask for them one after the other. */
  #extremesFrom = -1
  #min = Number.NaN
  #max = Number.NaN
  /** The readings from index `#sortedFrom` to the newest, once a quantile was asked. */
  #sorted: SortedValues | undefined
  #sortedFrom = 0

  constructor(readings: ReadingRing, buckets: WindowBuckets) {
    this.#readings = readings
    this.#buckets = buckets
  }

  get count(): number {
    return this.#readings.end - this.#from
  }

  /** To the readings later than both. */
  move(edge: number, after: number): void {
    this.#from = this.#readings.firstAfter(Math.max(edge, after))
    this.#edge = edge
    this.#after = after
  }

  mean(): number {
    return this.sum() / this.count
  }

  sum(): number {
    return this.count === 0 ? 0 : this.#buckets.sumFrom(this.#from)
  }

  min(): number {
    if (this.count === 0) return Number.NaN
    this.#findExtremes()
    return this.#min
  }

  max(): number {
    if (this.count === 0) return Number.NaN
    this.#findExtremes()
    return this.#max
  }

  stddev(): number {
    if (this.count === 0) return Number.NaN
    return Math.sqrt(this.#buckets.summaryFrom(this.#from).m2 / this.count)
  }

  quantile(q: number): number {
    if (this.count === 0) return Number.NaN
    // What a rule that began later sees is no window of its own: it is short until the window has passed that beginning.
    if (this.#cutsWithin()) return new SortedValues(this.#collect()).quantile(q)
    if (this.#sorted !== undefined) this.#removeSorted(this.#from)
    if (this.#sorted === undefined) {
      this.#sorted = new SortedValues(this.#collect())
      this.#sortedFrom = this.#from
    }
    return this.#sorted.quantile(q)
  }

  before(): { readonly time: number; readonly value: number } | undefined {
    const index = this.#from - 1
    if (index < this.#readings.first) return undefined
    const time = this.#readings.timeAt(index)
    return time > this.#after ? { time, value: this.#readings.valueAt(index) } : undefined
  }

  /** The newest reading has just been added, with that value. */
  added(value: number): void {
    this.#extremesFrom = -1
    this.#sorted?.add(value)
  }

  /** The oldest reading is about to be dropped. */
  dropping(): void {
    const { first } = this.#readings
    if (this.#sorted !== undefined && this.#sortedFrom <= first) this.#removeSorted(first + 1)
  }

  #findExtremes(): void {
    if (this.#extremesFrom === this.#from) return
    const { min, max } = this.#buckets.summaryFrom(this.#from)
    this.#extremesFrom = this.#from
    this.#min = min
    this.#max = max
  }

  /** Whether readings within the window's length are left out because the rule began after them. */
  #cutsWithin(): boolean {
    const leftOut = this.#from - 1
    if (this.#after <= this.#edge || leftOut < this.#readings.first) return false
    return this.#readings.timeAt(leftOut) > this.#edge
  }

  /** Removes those before `index`; where sorting anew is cheaper, or they are wanted back, all. */
  #removeSorted(index: number): void {
    const sorted = this.#sorted!
    const leaving = index - this.#sortedFrom
    if (leaving < 0 || leaving > 16 + sorted.count / 64) {
      this.#sorted = undefined
      return
    }
    for (; this.#sortedFrom < index; this.#sortedFrom++)
      sorted.remove(this.#readings.valueAt(this.#sortedFrom))
  }

  #collect(): Float64Array {
    const values = new Float64Array(this.count)
    for (let i = 0; i < values.length; i++) values[i] = this.#readings.valueAt(this.#from + i)
    return values
  }
}
