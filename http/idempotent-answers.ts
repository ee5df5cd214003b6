import type { Clock } from '../lib/clock.ts'
import type { Log } from '../log/log.ts'

/** A row of `idempotent-answers`. */
interface KeptAnswer {
  /** Of the request that was answered. */
  readonly fingerprint: string
  readonly sealed: string
}

/** What there is to do with a request: `begin` it, or not. */
export type Begun =
  | { readonly outcome: 'begun' }
  /** One with the same key is not answered yet. */
  | { readonly outcome: 'running' }
  /** The key came with another request. */
  | { readonly outcome: 'reused' }
  | { readonly outcome: 'answered'; readonly sealed: string }

export const keptMs = 24 * 3_600_000
/** Answers kept, of up to `answerBytesMax` each; beyond, the oldest go. */
export const answersMax = 2_000
export const answerBytesMax = 64 * 1024

const timeDigits = 15

/** Answers to requests with an Idempotency-Key, kept for 24 hours in the log's table, and which of them are being worked on. */
export class IdempotentAnswers {
  readonly #log: Log
  readonly #clock: Clock
  /** Keys of rows by id, the oldest first; a row's key begins with its time, so that the table has this order too. */
  readonly #rows = new Map<string, string>()
  readonly #running = new Set<string>()

  constructor(log: Log, clock: Clock) {
    this.#log = log
    this.#clock = clock
    for (const [row] of log.entries('idempotent-answers')) this.#rows.set(row.slice(timeDigits + 1), row)
  }

  /** `id` is the caller's and the key's. Where it is `begun`, `end` follows. */
  begin(id: string, fingerprint: string): Begun {
    if (this.#running.has(id)) return { outcome: 'running' }
    const kept = this.#find(id)
    if (kept === undefined) {
      this.#running.add(id)
      return { outcome: 'begun' }
    }
    return kept.fingerprint === fingerprint
      ? { outcome: 'answered', sealed: kept.sealed }
      : { outcome: 'reused' }
  }

  /** Resolves when the answer is on disk. */
  async keep(id: string, answer: KeptAnswer): Promise<void> {
    const now = this.#clock.now()
    const row = `${String(now).padStart(timeDigits, '0')}:${id}`
    const leaving = this.#leaving(now)
    await this.#log.transaction((tx) => {
      for (const [, old] of leaving) tx.remove('idempotent-answers', old)
      tx.put('idempotent-answers', row, answer)
    })
    for (const [old] of leaving) this.#rows.delete(old)
    this.#rows.set(id, row)
  }

  end(id: string): void {
    this.#running.delete(id)
  }

  #find(id: string): KeptAnswer | undefined {
    const row = this.#rows.get(id)
    if (row === undefined || isOver(row, this.#clock.now())) return undefined
    return this.#log.get<KeptAnswer>('idempotent-answers', row)
  }

  /** Rows that go with the next one: those whose time is over, and the oldest beyond the bound. */
  #leaving(now: number): [id: string, row: string][] {
    const tooMany = this.#rows.size + 1 - answersMax
    return [...this.#rows].filter(([, row], at) => at < tooMany || isOver(row, now))
  }
}

function isOver(row: string, now: number): boolean {
  return Number(row.slice(0, timeDigits)) + keptMs <= now
}
