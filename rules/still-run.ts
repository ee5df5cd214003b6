import type { ReadingRing } from './reading-ring.ts'

/** The longest run of the newest readings of a ring whose largest and smallest differ by no more than a tolerance. */
export class StillRun {
  readonly #readings: ReadingRing
  readonly #tolerance: number
  #first = 0
  /** Of the readings up to here the run is known. */
  #end = 0
  #min = 0
  #max = 0

  constructor(readings: ReadingRing, tolerance: number) {
    this.#readings = readings
    this.#tolerance = tolerance
    this.#findAnew()
  }

  /** Index of its first reading. The ring holds one at least. */
  first(): number {
    const { end } = this.#readings
    for (let at = this.#end; at < end; at++) {
      const value = this.#readings.valueAt(at)
      this.#min = Math.min(this.#min, value)
      this.#max = Math.max(this.#max, value)
    }
    this.#end = end
    // The extremes may be those of readings that are gone: then it is found to be as long as before.
    if (this.#max - this.#min > this.#tolerance) this.#findAnew()
    return this.#first
  }

  #findAnew(): void {
    const { first, end } = this.#readings
    let at = end - 1
    let min = this.#readings.valueAt(at)
    let max = min
    for (; at > first; at--) {
      const value = this.#readings.valueAt(at - 1)
      const [lower, higher] = [Math.min(min, value), Math.max(max, value)]
      if (higher - lower > this.#tolerance) break
      min = lower
      max = higher
    }
    this.#first = at
    this.#end = end
    this.#min = min
    this.#max = max
  }
}
