/**
 * What is asked of some readings together: their count, sum, least and greatest, mean and sum of squared distances from it:
 * Welford's for one more value, Chan, Golub and LeVeque's (1979) for two parts.
 */
export class WindowSummary {
  count = 1
  sum: number
  min: number
  max: number
  mean: number
  m2 = 0

  /** Of one value. */
  constructor(value: number) {
    this.sum = value
    this.min = value
    this.max = value
    this.mean = value
  }

  /** Of one value again. */
  reset(value: number): void {
    this.count = 1
    this.sum = value
    this.min = value
    this.max = value
    this.mean = value
    this.m2 = 0
  }

  /** One more value. */
  include(value: number): void {
    this.count += 1
    this.sum += value
    if (value < this.min) this.min = value
    if (value > this.max) this.max = value
    const distance = value - this.mean
    this.mean += distance / this.count
    this.m2 += distance * (value - this.mean)
  }

  copy(other: WindowSummary): void {
    this.count = other.count
    this.sum = other.sum
    this.min = other.min
    this.max = other.max
    this.mean = other.mean
    this.m2 = other.m2
  }

  /** Those of `other`, which are later. */
  merge(other: WindowSummary): void {
    const count = this.count + other.count
    const distance = other.mean - this.mean
    this.sum += other.sum
    if (other.min < this.min) this.min = other.min
    if (other.max > this.max) this.max = other.max
    this.mean += (distance * other.count) / count
    this.m2 += other.m2 + (distance * distance * this.count * other.count) / count
    this.count = count
  }
}
