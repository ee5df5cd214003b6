import type { WindowView } from './conditions/condition.ts'
import { RingRoom } from './reading-ring.ts'
import { WindowReadings } from './window-readings.ts'

/**
 * What a question to a window reaches: its readings from index `#from` on. Rules that share the window ask for the same one after
 * the other, so answers are kept until another question or another reading.
 */
export class WindowReach implements WindowView {
  #readings = new WindowReadings(1, new RingRoom())
  #from = 0
  #end = 0
  #edge = 0
  #after = 0
  #hasSum = false
  #sum = 0
  #hasExtremes = false
  #min = Number.NaN
  #max = Number.NaN
  readonly #readingsMax: number

  constructor(readingsMax: number) {
    this.#readingsMax = readingsMax
  }

  get count(): number {
    return this.#end - this.#from
  }

  /** To the readings later than both. */
  move(readings: WindowReadings, edge: number, after: number): void {
    const isSame = readings === this.#readings && readings.end === this.#end
    if (isSame && edge === this.#edge && after === this.#after) return
    this.#readings = readings
    this.#from = readings.firstAfter(Math.max(edge, after))
    this.#end = readings.end
    this.#edge = edge
    this.#after = after
    this.#hasSum = false
    this.#hasExtremes = false
  }

  mean(): number {
    return this.sum() / this.count
  }

  sum(): number {
    if (this.count === 0) return 0
    if (!this.#hasSum) {
      this.#sum = this.#readings.sumFrom(this.#from)
      this.#hasSum = true
    }
    return this.#sum
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
    return Math.sqrt(this.#readings.summaryFrom(this.#from).m2 / this.count)
  }

  quantile(q: number): number {
    if (this.count === 0) return Number.NaN
    // What a rule that began later sees is no window of its own: it is short until the window has passed that beginning.
    return this.#cutsWithin()
      ? this.#readings.quantileOnceFrom(this.#from, q)
      : this.#readings.quantileFrom(this.#from, q)
  }

  before(): { readonly time: number; readonly value: number } | undefined {
    const index = this.#from - 1
    if (index < this.#readings.first) return undefined
    const time = this.#readings.timeAt(index)
    return time > this.#after ? { time, value: this.#readings.valueAt(index) } : undefined
  }

  get oldestTime(): number | undefined {
    const readings = this.#readings
    const oldest = Math.max(readings.first, readings.firstAfter(this.#after))
    return oldest < this.#end ? readings.timeAt(oldest) : undefined
  }

  get isFull(): boolean {
    return this.#readings.count >= this.#readingsMax
  }

  #findExtremes(): void {
    if (this.#hasExtremes) return
    const { min, max } = this.#readings.summaryFrom(this.#from)
    this.#min = min
    this.#max = max
    this.#hasExtremes = true
  }

  /** Whether readings within the window's length are left out because the rule began after them. */
  #cutsWithin(): boolean {
    const leftOut = this.#from - 1
    if (this.#after <= this.#edge || leftOut < this.#readings.first) return false
    return this.#readings.timeAt(leftOut) > this.#edge
  }
}
