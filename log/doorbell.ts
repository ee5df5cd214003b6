import { type StreamName, streamNames } from './log.ts'

/**
 * Wakes the consumers of a stream, across threads, without a message for each commit: a counter for each stream in
 * shared memory and `Atomics.waitAsync` on it (docs/decisions/0006). A bell that was missed costs a poll, not data.
 */
export class Doorbell {
  readonly memory: SharedArrayBuffer
  readonly #counters: Int32Array<SharedArrayBuffer>

  constructor(
    memory: SharedArrayBuffer = new SharedArrayBuffer(streamNames.length * Int32Array.BYTES_PER_ELEMENT),
  ) {
    this.memory = memory
    this.#counters = new Int32Array(memory)
  }

  ring(stream: StreamName): void {
    const index = streamNames.indexOf(stream)
    Atomics.add(this.#counters, index, 1)
    Atomics.notify(this.#counters, index)
  }

  ringAll(): void {
    for (const stream of streamNames) this.ring(stream)
  }

  /** How often the bell rang so far: pass it to `wait` to hear of everything after. */
  count(stream: StreamName): number {
    return Atomics.load(this.#counters, streamNames.indexOf(stream))
  }

  /** Resolves when the bell rang after `seen` was read, `timeoutMs` passed, or `signal` aborted. */
  async wait(stream: StreamName, seen: number, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return
    const waiting = Atomics.waitAsync(this.#counters, streamNames.indexOf(stream), seen, timeoutMs)
    if (!waiting.async) return
    if (signal === undefined) {
      await waiting.value
      return
    }
    await new Promise<void>((resolve) => {
      const done = () => {
        signal.removeEventListener('abort', done)
        resolve()
      }
      signal.addEventListener('abort', done, { once: true })
      void waiting.value.then(done)
    })
  }
}
