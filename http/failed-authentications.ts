import type { Clock } from '../lib/clock.ts'

/** Failures of one address in `windowMs`, after which it is not listened to until these are over. */
export const failuresMax = 20
export const windowMs = 60_000
const addressesMax = 10_000

interface Failures {
  count: number
  /** Unix ms at which they are forgotten. */
  readonly until: number
}

/**
 * Counts requests without a valid token by address. Not those of loopback: a proxy on this machine hands everybody's requests on
 * from there, and one of its clients would shut out the others.
 */
export class FailedAuthentications {
  readonly #clock: Clock
  readonly #failures = new Map<string, Failures>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Seconds for which `address` is not listened to, 0 where it is: then no token is looked at, so that guessing learns nothing. */
  waitSeconds(address: string): number {
    const failures = this.#find(address)
    if (failures === undefined || failures.count < failuresMax) return 0
    return Math.ceil((failures.until - this.#clock.now()) / 1_000)
  }

  count(address: string): void {
    if (isLoopback(address)) return
    const failures = this.#find(address)
    if (failures !== undefined) {
      failures.count++
      return
    }
    this.#failures.set(address, { count: 1, until: this.#clock.now() + windowMs })
    if (this.#failures.size > addressesMax)
      this.#failures.delete(this.#failures.keys().next().value as string)
  }

  #find(address: string): Failures | undefined {
    const failures = this.#failures.get(address)
    if (failures === undefined || this.#clock.now() < failures.until) return failures
    this.#failures.delete(address)
    return undefined
  }
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address)
}
