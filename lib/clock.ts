/** Time as a parameter: the platform passes the wall clock, a test passes one that it moves. */
export interface Clock {
  /** Unix ms. */
  now(): number
}

export const wallClock: Clock = { now: () => Date.now() }

/** Resolves after `ms`, or at once when `signal` is or becomes aborted. Never rejects. */
export function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done, { once: true })
  })
}
