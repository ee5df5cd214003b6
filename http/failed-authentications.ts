import type { Clock } from '../lib/clock.ts'
import { WindowCounts } from './window-counts.ts'

/** Failures of one address in `windowMs`, after which it is not listened to until these are over. */
export const failuresMax = 20
export const windowMs = 60_000

/**
 * Counts requests without a valid token by address. Not those of loopback: a proxy on this machine hands everybody's requests on
 * from there, and one of its clients would shut out the others.
 */
export class FailedAuthentications {
  readonly #clock: Clock
  readonly #failures: WindowCounts

  constructor(clock: Clock) {
    this.#clock = clock
    this.#failures = new WindowCounts(clock, windowMs)
  }

  /** Seconds for which `address` is not listened to, 0 where it is: then no token is looked at, so that guessing learns nothing. */
  waitSeconds(address: string): number {
    const failures = this.#failures.find(address)
    if (failures === undefined || failures.count < failuresMax) return 0
    return Math.ceil((failures.until - this.#clock.now()) / 1_000)
  }

  count(address: string): void {
    if (!isLoopback(address)) this.#failures.add(address)
  }
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address)
}
