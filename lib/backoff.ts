export interface Backoff {
  /** Milliseconds to wait before the next attempt: exponential with full jitter. */
  next(): number
  reset(): void
}

export interface BackoffLimits {
  /** The longest wait after the first failure; it doubles with each further one. */
  readonly firstMs: number
  readonly maxMs: number
}

/** Exponential backoff with full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015). */
export function backoff(limits: BackoffLimits, random: () => number = Math.random): Backoff {
  let attempt = 0
  return {
    next: () => backoffMs(limits, ++attempt, random),
    reset: () => {
      attempt = 0
    },
  }
}

/** The wait after so many failures, from 1 on. */
export function backoffMs({ firstMs, maxMs }: BackoffLimits, failures: number, random: () => number): number {
  return Math.ceil(random() * Math.min(maxMs, firstMs * 2 ** (failures - 1)))
}
