export interface Backoff {
  /** Milliseconds to wait before the next attempt: exponential with full jitter. */
  next(): number
  reset(): void
}

/** Exponential backoff with full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015). */
export function backoff(
  limits: { firstMs: number; maxMs: number },
  random: () => number = Math.random,
): Backoff {
  let attempt = 0
  return {
    next: () => Math.ceil(random() * Math.min(limits.maxMs, limits.firstMs * 2 ** attempt++)),
    reset: () => {
      attempt = 0
    },
  }
}
