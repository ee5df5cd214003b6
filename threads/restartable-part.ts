import { TidemarkError } from '../lib/errors.ts'
import type { Log, LogTransaction } from '../log/log.ts'

/** A consumer of the log. */
export interface Part {
  start(): void
  /** Resolves when none of its loops runs any more and nothing that it began is under way. */
  stop(): Promise<void>
}

/**
 * A part that can be cut off in mid-stream and started anew from its durable offset: what it has evaluated and not committed is
 * thrown away, and the part that follows remembers nothing of it. It is the end that a crash would make, at the next moment without
 * an open transaction: ending a worker thread at any moment can abort the whole process (seen with lmdb-js 3.5.6).
 */
export class RestartablePart {
  readonly #log: Log
  readonly #build: (log: Log) => Part
  #cutOff = new AbortController()
  #part: Part
  #turn: Promise<unknown> = Promise.resolve()
  #restarts = 0

  /** `build` makes the part, each time a new one, over the log that it is given. */
  constructor(log: Log, build: (log: Log) => Part) {
    this.#log = log
    this.#build = build
    this.#part = build(logUntil(log, this.#cutOff.signal))
  }

  start(): void {
    this.#part.start()
  }

  /**
   * Resolves, when the part that follows has started, with the number of restarts. Restarts asked for at once come one after
   * another. Rejects when the part dies of something else.
   */
  restart(): Promise<number> {
    const restarted = this.#turn.then(async () => {
      this.#cutOff.abort()
      await this.#part.stop()
      this.#cutOff = new AbortController()
      this.#part = this.#build(logUntil(this.#log, this.#cutOff.signal))
      this.#part.start()
      return ++this.#restarts
    })
    this.#turn = restarted
    return restarted
  }

  /** Lets the part finish what it has in hand. */
  async stop(): Promise<void> {
    await this.#turn
    await this.#part.stop()
  }
}

/** `log`, which refuses every commit once `ended`: also one that waits for the write lock. */
function logUntil(log: Log, ended: AbortSignal): Log {
  const check = () => {
    if (!ended.aborted) return
    // As when the disk refuses, so that a consumer's loop ends by its signal and does not fail.
    throw new TidemarkError('TIDEMARK_LOG_WRITE', 'the part was cut off before this commit')
  }
  const transaction = async <T>(work: (tx: LogTransaction) => T): Promise<T> => {
    check()
    return log.transaction((tx) => {
      check()
      return work(tx)
    })
  }
  return new Proxy(log, {
    get: (target, key) => {
      if (key === 'transaction') return transaction
      const member: unknown = Reflect.get(target, key)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}
