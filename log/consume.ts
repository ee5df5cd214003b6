import { delay } from '../lib/clock.ts'
import { TidemarkError } from '../lib/errors.ts'
import type { Logger } from '../lib/logger.ts'
import type { Log, LogRecord, ReadLimits, StreamName } from './log.ts'

export interface ConsumeOptions {
  readonly log: Log
  readonly logger: Logger
  readonly stream: StreamName
  /** Name of the durable offset. */
  readonly consumer: string
  /** The most that `process` is given at once. */
  readonly limits: ReadLimits
  /**
   * How long to let entries gather after a small group, so that a commit (and a request, of the storage writer) serves many
   * of them. The first entry after a silence never waits.
   */
  readonly gatherMs: number
  readonly signal: AbortSignal
  /** Where to read on, of a consumer that commits several groups at once; else where the group before ended. */
  readonly reached?: () => number
  /**
   * Deals with a group that was read at `from`, and commits `next` as the durable offset, at once or with the groups that follow;
   * false when it was stopped before it could, or `from` is no longer what it has reached.
   */
  readonly process: (records: readonly LogRecord[], next: number, from: number) => Promise<boolean>
  /** Nothing to read: called after each wait, which a change of the tables ends too. */
  readonly idle?: () => Promise<void>
  /** The log refused a write: what memory holds may be ahead of what is kept. */
  readonly onRefused?: () => void
}

const waitMs = 1_000
const retryMs = 500

/**
 * The loop of every consumer: groups of records from its durable offset on, in order, until `signal`. A group that the log
 * refuses to commit is tried again, until `signal`; any other error is a bug and ends the loop.
 */
export async function consume(options: ConsumeOptions): Promise<void> {
  const { log, logger, stream, consumer, limits, gatherMs, signal } = options
  let offset = log.offset(consumer)
  while (!signal.aborted) {
    try {
      offset = options.reached?.() ?? offset
      const records = log.read(stream, offset, limits)
      const last = records.at(-1)
      if (last === undefined) {
        await options.idle?.()
        await log.waitFor(stream, offset, waitMs, signal)
        continue
      }
      const next = last.offset + last.count
      if (!(await options.process(records, next, offset))) continue
      const entries = next - offset
      offset = next
      if (entries < limits.entriesMax / 2) await delay(gatherMs, signal)
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error
      // Stopped, or cut off: what follows reads from the durable offset.
      if (signal.aborted) return
      logger.error({ code: error.code, detail: error.message, consumer }, 'a consumer waits for the log')
      options.onRefused?.()
      await delay(retryMs, signal)
    }
  }
}
