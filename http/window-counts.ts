import type { Clock } from '../lib/clock.ts'

const keysMax = 10_000

interface Count {
  count: number
  /** Unix ms at which it is forgotten. */
  readonly until: number
}

/** Counts by key, each for `windowMs` from its first on; of `keysMax` keys, beyond which the oldest go. */
export class WindowCounts {
  readonly #clock: Clock
  readonly #windowMs: number
  readonly #counts = new Map<string, Count>()

  constructor(clock: Clock, windowMs: number) {
    this.#clock = clock
    this.#windowMs = windowMs
  }

  find(key: string): Readonly<Count> | undefined {
    const found = this.#counts.get(key)
    if (found === undefined || this.#clock.now() < found.until) return found
    this.#counts.delete(key)
    return undefined
  }

  /** Adds one, and gives the number that there are with it. */
  add(key: string): number {
    if (this.find(key) === undefined) {
      this.#counts.set(key, { count: 0, until: this.#clock.now() + this.#windowMs })
      if (this.#counts.size > keysMax) this.#counts.delete(this.#counts.keys().next().value as string)
    }
    return ++this.#counts.get(key)!.count
  }
}
