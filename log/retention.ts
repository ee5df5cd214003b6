import { delay } from '../lib/clock.ts'
import { messageOf } from '../lib/errors.ts'
import type { Logger } from '../lib/logger.ts'
import { type Log, type StreamName, slowestOffset } from './log.ts'

export interface RetentionOptions {
  readonly log: Log
  readonly logger: Logger
  /** Events kept for `GET /events` after everybody has had them. */
  readonly eventsKept?: number
  /** Dead letters kept; beyond, the oldest go. They are counted for ever. */
  readonly deadLettersKept?: number
  /** And bytes of them: each is as large as its message, and whoever sends what is not valid chooses how large. */
  readonly deadLetterBytesKept?: number
  /** Changes of connections that may wait for a consumer that stands; beyond, the oldest go. */
  readonly connectionsKept?: number
  /** The same of what is said of commands: their table has those that are open. */
  readonly commandEntriesKept?: number
  /** Entries of the audit log kept; beyond, the oldest go. */
  readonly auditEntriesKept?: number
}

const sweepMs = 1_000

/** Trims each stream behind its slowest consumer, so that the log is as large as what is still needed. */
export class Retention {
  readonly #options: RetentionOptions
  readonly #stopping = new AbortController()
  /** While a backup is made: its copy of `main` may be older than that of `ingress`, and needs what it has yet to read there. */
  keepsIngress = false
  #running: Promise<void> | undefined

  constructor(options: RetentionOptions) {
    this.#options = options
  }

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  /** Trims once. */
  async sweep(): Promise<void> {
    const {
      log,
      eventsKept = 100_000,
      deadLettersKept = 100_000,
      connectionsKept = 1_000_000,
      commandEntriesKept = 100_000,
      auditEntriesKept = 100_000,
    } = this.#options
    if (!this.keepsIngress) await log.trim('ingress', this.#slowest('ingress'))
    await log.trim('readings', this.#slowest('readings'))
    await log.trim('events', Math.min(this.#slowest('events'), log.end('events') - eventsKept))
    await log.trim(
      'dead-letters',
      Math.max(log.end('dead-letters') - deadLettersKept, this.#deadLettersWithinBytes()),
    )
    // Nothing else bounds this stream: `ingress` at its limit turns devices away, and each that comes back makes two changes.
    await log.trim(
      'connections',
      Math.max(this.#slowest('connections'), log.end('connections') - connectionsKept),
    )
    await log.trim('commands', Math.max(this.#slowest('commands'), log.end('commands') - commandEntriesKept))
    await log.trim('audit', log.end('audit') - auditEntriesKept)
  }

  /** Where to begin so that about as many bytes are left as may be: by their mean, which the next sweep makes good. */
  #deadLettersWithinBytes(): number {
    const { log, deadLetterBytesKept = 1024 ** 3 } = this.#options
    const { start, end, bytes } = log.stats().streams['dead-letters']
    return bytes <= deadLetterBytesKept
      ? start
      : end - Math.floor((end - start) * (deadLetterBytesKept / bytes))
  }

  #slowest(stream: StreamName): number {
    return slowestOffset(stream, (name) => this.#options.log.offset(name)) ?? 0
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        await this.sweep()
      } catch (error) {
        this.#options.logger.warn(
          { code: 'TIDEMARK_LOG_WRITE', detail: messageOf(error) },
          'the log could not be trimmed',
        )
      }
      await delay(sweepMs, this.#stopping.signal)
    }
  }
}
