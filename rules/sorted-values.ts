import { grownArray } from '../lib/grown-array.ts'

/** Numbers kept in rising order, for quantiles of a window that slides. None of them is NaN or −0. */
export class SortedValues {
  #values: Float64Array
  #count: number

  /** Takes `values` over and sorts them. */
  constructor(values: Float64Array) {
    this.#values = values.sort()
    this.#count = values.length
  }

  get count(): number {
    return this.#count
  }

  add(value: number): void {
    if (this.#count === this.#values.length) {
      this.#values = grownArray(this.#values, Math.max(16, Math.ceil(this.#count * 1.5)))
    }
    const at = this.#rankOf(value)
    this.#values.copyWithin(at + 1, at, this.#count)
    this.#values[at] = value
    this.#count += 1
  }

  /** Removes one that is equal; there must be one. */
  remove(value: number): void {
    const at = this.#rankOf(value)
    this.#values.copyWithin(at, at + 1, this.#count)
    this.#count -= 1
  }

  /** Linear interpolation between the closest ranks, 0 ≤ q ≤ 1; of none, NaN. */
  quantile(q: number): number {
    const rank = (this.#count - 1) * q
    const low = Math.floor(rank)
    const lower = this.#values[low] ?? Number.NaN
    if (rank === low) return lower
    return lower + (this.#values[low + 1]! - lower) * (rank - low)
  }

  /** How many are less than `value`. */
  #rankOf(value: number): number {
    let low = 0
    let high = this.#count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#values[middle]! < value) low = middle + 1
      else high = middle
    }
    return low
  }
}
