import type { Clock } from '../lib/clock.ts'
import { consumedStream, consumers, type Log } from '../log/log.ts'
import { type PartName, partNames } from './messages.ts'
import type { Thread } from './thread.ts'

export interface PartsOptions {
  readonly log: Pick<Log, 'end' | 'offset'>
  readonly clock: Clock
  readonly threads: Readonly<Record<keyof typeof partNames, Pick<Thread, 'restart'>>>
}

/** What a part is at one moment. */
export interface PartState {
  readonly name: PartName
  /** Since the platform started. */
  readonly restarts: number
  /** Epoch ms. */
  readonly startedAt: number
  /** Entries of the log that it has yet to read, of all its streams together. */
  readonly lag: number
}

const consumersOf: Readonly<Record<PartName, readonly string[]>> = {
  ingest: [consumers.ingest],
  storage: [consumers.storage, consumers.eventStorage],
  analytics: [consumers.analytics],
  rules: [consumers.rules, consumers.rulesConnections],
}

/** The parts that can be restarted alone, from the outside: which thread has which, and what became of each. */
export class Parts {
  readonly #log: PartsOptions['log']
  readonly #clock: Clock
  readonly #parts: ReadonlyMap<string, { name: PartName; thread: Pick<Thread, 'restart'> }>
  readonly #starts = new Map<PartName, { restarts: number; startedAt: number }>()

  /** Its parts have just started. */
  constructor({ log, clock, threads }: PartsOptions) {
    this.#log = log
    this.#clock = clock
    const parts = [
      ...partNames.data.map((name) => ({ name, thread: threads.data })),
      ...partNames.rules.map((name) => ({ name, thread: threads.rules })),
    ]
    this.#parts = new Map(parts.map((part) => [part.name, part]))
    for (const { name } of parts) this.#starts.set(name, { restarts: 0, startedAt: clock.now() })
  }

  list(): PartState[] {
    return [...this.#parts.values()].map(({ name }) => this.#state(name))
  }

  /** Resolves when the part runs again, with what it is then; undefined when there is none of that name. */
  async restart(given: string): Promise<PartState | undefined> {
    const part = this.#parts.get(given)
    if (part === undefined) return undefined
    const restarts = await part.thread.restart(part.name)
    this.#starts.set(part.name, { restarts, startedAt: this.#clock.now() })
    return { ...this.#state(part.name), restarts }
  }

  #state(name: PartName): PartState {
    const lags = consumersOf[name].map((one) => this.#log.end(consumedStream[one]!) - this.#log.offset(one))
    return { name, ...this.#starts.get(name)!, lag: lags.reduce((sum, lag) => sum + lag, 0) }
  }
}
