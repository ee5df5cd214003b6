import { expect, onTestFinished } from 'vitest'
import { Analytics, type AnalyticsOptions } from '../../analytics/analytics.ts'
import type { ReadingBatch } from '../../domain/reading-batch.ts'
import { delay } from '../../lib/clock.ts'
import { TidemarkError } from '../../lib/errors.ts'
import { silentLogger } from '../../lib/logger.ts'
import { type LmdbLog, openLmdbLog } from '../../log/lmdb-log.ts'
import { consumers, type Log } from '../../log/log.ts'
import { encodeReadingBatch } from '../../log/reading-batch-codec.ts'
import type { WriteOutcome } from '../../storage/reading-store.ts'
import { batchOf, type TestReading } from '../support/reading-batches.ts'
import { tempDir } from '../support/temp-dir.ts'

export const minuteMs = 60_000
export const t0 = Date.UTC(2026, 10, 23, 12)

/** A reading of a meter at a site, `minutes` after `t0`. */
export function reading(
  device: string,
  minutes: number,
  value: number,
  given: Partial<TestReading> & { site?: string } = {},
): TestReading {
  const { site, ...rest } = given
  return {
    device,
    type: 'smart_meter',
    time: Math.round(t0 + minutes * minuteMs),
    values: { active_power_w: value },
    ...(site === undefined ? {} : { tags: [['site', site]] }),
    ...rest,
  }
}

/** Appends readings as ingest does, received at the time of the newest of them unless told. */
export async function append(log: Log, readings: readonly TestReading[], receivedAt?: number): Promise<void> {
  const batch = batchOf(readings, receivedAt ?? Math.max(...readings.map(({ time }) => time)))
  await log.transaction((tx) => tx.append('readings', encodeReadingBatch(batch), batch.messages))
}

/** A log, and analytics on it, which can be stopped or cut off and started again. */
export class Site {
  log!: LmdbLog
  /** What the database was asked to write. */
  readonly writes: ReadingBatch[] = []
  answer: () => Promise<WriteOutcome> = async () => ({ kind: 'done', rejected: [] })
  #part: Analytics | undefined
  #isClosed = false

  static async open(): Promise<Site> {
    const site = new Site()
    site.log = await openLmdbLog({ path: tempDir() })
    onTestFinished(() => site.close())
    return site
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.stop()
    await this.log.close()
  }

  start(options: Partial<AnalyticsOptions> = {}): void {
    const store: AnalyticsOptions['store'] = {
      write: (batches) => {
        this.writes.push(...batches)
        return this.answer()
      },
    }
    this.#part = new Analytics({ log: this.log, store, logger: silentLogger, gatherMs: 0, ...options })
    this.#part.start()
  }

  async stop(): Promise<void> {
    await this.#part?.stop()
    this.#part = undefined
  }

  get lag(): number {
    return this.log.end('readings') - this.log.offset(consumers.analytics)
  }

  /** Resolves when everything that is in the log is counted. */
  async caughtUp(): Promise<void> {
    await expect.poll(() => this.lag, { interval: 2, timeout: 20_000 }).toBe(0)
  }

  async give(readings: readonly TestReading[], receivedAt?: number): Promise<void> {
    await append(this.log, readings, receivedAt)
    await this.caughtUp()
  }

  /** One life that ends before the commit after `commits`, or with nothing left: what it has counted by then is gone with it. */
  async liveFor(commits: number, options: Partial<AnalyticsOptions> = {}): Promise<void> {
    let left = commits
    let isOver = false
    const log = this.refusing(() => {
      isOver = left-- <= 0
      return isOver
    })
    this.start({ ...options, log })
    while (!isOver && this.lag > 0) await delay(1)
    await this.stop()
  }

  /** The log, which refuses a commit where `isRefused` says so. */
  refusing(isRefused: () => boolean): Log {
    return new Proxy(this.log as Log, {
      get: (target, key) => {
        const member: unknown = Reflect.get(target, key)
        if (typeof member !== 'function') return member
        if (key !== 'transaction') return member.bind(target)
        return async (work: Parameters<Log['transaction']>[0]) => {
          if (isRefused()) throw new TidemarkError('TIDEMARK_LOG_WRITE', 'refused')
          return target.transaction(work)
        }
      },
    })
  }
}
