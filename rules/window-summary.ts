/**
 * What is asked of some readings together: their count, sum, least and greatest, mean and sum of squared distances from it:
 * Welford's for one more value, Chan, Golub and LeVeque's (1979) for two parts. The sum is Neumaier's (1974), with what rounding
 * lost kept beside it: readings of two decimals whose mean is the limit are at the limit, not a last bit over it.
 */
export class WindowSummary {
  count = 1
  /** Without `rest`. */
  total: number
  /** What rounding lost of the sum. */
  rest = 0
  min: number
  max: number
  mean: number
  m2 = 0

  /** Of one value. */
  constructor(value: number) {
    this.total = value
    this.min = value
    this.max = value
    this.mean = value
  }

  get sum(): number {
    return this.total + this.rest
  }

  /** Of one value again. */
  reset(value: number): void {
    this.count = 1
    this.total = value
    this.rest = 0
    this.min = value
    this.max = value
    this.mean = value
    this.m2 = 0
  }

  /** One more value. */
  include(value: number): void {
    this.count += 1
    this.addToSum(value)
    if (value < this.min) this.min = value
    if (value > this.max) this.max = value
    const distance = value - this.mean
    this.mean += distance / this.count
    this.m2 += distance * (value - this.mean)
  }

  copy(other: WindowSummary): void {
    this.count = other.count
    this.total = other.total
    this.rest = other.rest
    this.min = other.min
    this.max = other.max
    this.mean = other.mean
    this.m2 = other.m2
  }

  /** Those of `other`, which are later. */
  merge(other: WindowSummary): void {
    const count = this.count + other.count
    const distance = other.mean - this.mean
    this.addSumOf(other)
    if (other.min < this.min) this.min = other.min
    if (other.max > this.max) this.max = other.max
    this.mean += (distance * other.count) / count
    this.m2 += other.m2 + (distance * distance * this.count * other.count) / count
    this.count = count
  }

  /** Adds to the sum alone: another's. */
  addSumOf(other: WindowSummary): void {
    this.addToSum(other.total)
    this.rest += other.rest
  }

  /** Adds to the sum alone: one value. */
  addToSum(value: number): void {
    const total = this.total + value
    const isLess = Math.abs(this.total) < Math.abs(value)
    this.rest += isLess ? value - total + this.total : this.total - total + value
    this.total = total
  }
}
