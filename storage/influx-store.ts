import type { DeliveredEvent } from '../domain/event.ts'
import type { Value } from '../domain/profile.ts'
import type { ReadingBatch } from '../domain/reading-batch.ts'
import { type Backoff, backoff } from '../lib/backoff.ts'
import { delay } from '../lib/clock.ts'
import { TidemarkError } from '../lib/errors.ts'
import type { Logger } from '../lib/logger.ts'
import { judgeWrite, type WriteVerdict } from './influx-answers.ts'
import { lanesOf } from './influx-lanes.ts'
import {
  InfluxReader,
  type InfluxVersion,
  jsonOf,
  queryError,
  quoteName,
  quoteText,
} from './influx-reader.ts'
import { timelineOf } from './influx-timeline.ts'
import { type InfluxAnswer, type InfluxTarget, InfluxTransport } from './influx-transport.ts'
import { encodeEventLine } from './line-protocol.ts'
import type {
  EventWriteOutcome,
  LatestQuery,
  ReadingQuery,
  ReadingStore,
  RejectedRow,
  StoredReading,
  TimelinePage,
  TimelineQuery,
  WriteOutcome,
} from './reading-store.ts'

export interface InfluxStoreOptions extends InfluxTarget {
  readonly version: '1' | '2' | '3' | 'auto'
  readonly org?: string | undefined
  /** Database or bucket. */
  readonly bucket: string
}

type Retry = Extract<WriteOutcome, { kind: 'retry' }>
/** Why nothing can be written now. */
type Obstacle = Omit<Extract<WriteVerdict, { kind: 'retry' }>, 'kind'>

const linesPerRequestMax = 5_000
const openMsMax = 2_000
const notYet: Obstacle = { code: 'TIDEMARK_STORE_DOWN', detail: 'no answer yet', afterMs: undefined }
const jsonType = { 'content-type': 'application/json' }
/** More than the times that the contract allows. */
const allTime = { start: '1970-01-01T00:00:00Z', stop: '2200-01-01T00:00:00Z' }
const backoffLimits = { firstMs: 200, maxMs: 5_000 }

/** InfluxDB 1.x, 2.x and 3 Core: written by line protocol, read by InfluxQL, which all three speak. */
export class InfluxStore implements ReadingStore {
  readonly kind = 'influxdb'
  readonly #options: InfluxStoreOptions
  readonly #logger: Logger
  readonly #transport: InfluxTransport
  readonly #reader: InfluxReader
  /** Of each kind of write its own, because each is a consumer of its own; reset by a write that was taken, by nothing else. */
  readonly #readingBackoff = backoff(backoffLimits)
  readonly #eventBackoff = backoff(backoffLimits)
  #version: InfluxVersion | undefined
  /** The database was made and has taken nothing since. */
  #isNewlyMade = false

  constructor(options: InfluxStoreOptions, logger: Logger) {
    this.#options = options
    this.#logger = logger
    this.#transport = new InfluxTransport(options)
    this.#reader = new InfluxReader(this.#transport, options.bucket)
    if (options.version !== 'auto') this.#version = options.version
  }

  /** Tries once, and not for long: a database that is away or hangs is found by the first write. */
  async open(): Promise<void> {
    const given = new AbortController()
    const slow = delay(openMsMax, given.signal).then(() => notYet)
    const problem = await Promise.race([this.#prepare(), slow])
    given.abort()
    if (problem !== undefined)
      this.#logger.warn({ code: problem.code, detail: problem.detail }, 'the database is not ready')
  }

  async write(batches: readonly ReadingBatch[]): Promise<WriteOutcome> {
    const rejected: RejectedRow[] = []
    const writing = lanesOf(batches, linesPerRequestMax).map(({ lines, rows }) =>
      this.#writeLines(lines, this.#readingBackoff, (index, detail) =>
        rejected.push({ ...rows[index]!, detail }),
      ),
    )
    const retry = (await Promise.all(writing)).find((one) => one !== undefined)
    return retry ?? { kind: 'done', rejected }
  }

  async writeEvents(events: readonly DeliveredEvent[]): Promise<EventWriteOutcome> {
    const retry = await this.#writeLines(
      events.map(encodeEventLine),
      this.#eventBackoff,
      (_index, detail) => {
        this.#logger.warn({ code: 'TIDEMARK_STORE_REJECTED', detail }, 'an event could not be stored')
      },
    )
    return retry ?? { kind: 'done' }
  }

  async readings(query: ReadingQuery): Promise<StoredReading[]> {
    return this.#reader.readings(query, await this.#knownVersion())
  }

  async timeline(query: TimelineQuery): Promise<TimelinePage> {
    const version = await this.#knownVersion()
    return timelineOf((statement) => this.#reader.ask([statement]), query, version)
  }

  async latest(query: LatestQuery): Promise<Record<string, { value: Value; time: number }>> {
    return this.#reader.latest(query, await this.#knownVersion())
  }

  async purge({ device }: LatestQuery): Promise<void> {
    const version = await this.#knownVersion()
    if (version === '1') {
      await this.#reader.query(`DROP SERIES WHERE "device"=${quoteText(device)}`)
      return
    }
    if (version === '3')
      throw new TidemarkError('TIDEMARK_STORE_PURGE', 'InfluxDB 3 Core cannot delete the data of one device')
    // 2.x knows no DROP SERIES (InfluxDB 2.7 documentation, "InfluxQL support").
    const { bucket, org = '' } = this.#options
    const path = `/api/v2/delete?org=${encodeURIComponent(org)}&bucket=${encodeURIComponent(bucket)}`
    const body = JSON.stringify({ ...allTime, predicate: `device=${quoteName(device)}` })
    const answer = await this.#transport.request('POST', path, body, jsonType)
    if (answer.status !== 204) throw queryError(answer)
  }

  /** InfluxDB has its own backup. */
  async hold(): Promise<void> {}

  release(): void {}

  async close(): Promise<void> {}

  /** Writes all lines, some 5,000 a request; `reject` is told of those that the database will never take. */
  async #writeLines(
    lines: readonly string[],
    pause: Backoff,
    reject: (index: number, detail: string) => void,
  ): Promise<Retry | undefined> {
    for (let from = 0; from < lines.length; from += linesPerRequestMax) {
      const to = Math.min(lines.length, from + linesPerRequestMax)
      const obstacle = await this.#writeRange(lines, from, to, reject)
      if (obstacle !== undefined)
        return { kind: 'retry', ...obstacle, afterMs: obstacle.afterMs ?? pause.next() }
    }
    if (lines.length > 0) {
      pause.reset()
      this.#isNewlyMade = false
    }
    return undefined
  }

  async #writeRange(
    lines: readonly string[],
    from: number,
    to: number,
    reject: (index: number, detail: string) => void,
  ): Promise<Obstacle | undefined> {
    const verdict = await this.#post(lines.slice(from, to).join('\n'))
    if (verdict.kind === 'accepted') return undefined
    if (verdict.kind === 'retry') return verdict
    if (verdict.kind === 'missing_database') return this.#makeAgain()
    if (to - from === 1) {
      reject(from, verdict.detail)
      return undefined
    }
    const middle = (from + to) >> 1
    return (
      (await this.#writeRange(lines, from, middle, reject)) ??
      (await this.#writeRange(lines, middle, to, reject))
    )
  }

  async #makeAgain(): Promise<Obstacle> {
    const problem = await this.#createDatabase()
    if (problem !== undefined) return problem
    // At once the first time; one that vanishes again before a write was taken has something wrong with it.
    const afterMs = this.#isNewlyMade ? undefined : 1
    this.#isNewlyMade = true
    return { code: 'TIDEMARK_STORE_CREATED', detail: 'the database was created', afterMs }
  }

  async #post(body: string): Promise<WriteVerdict> {
    const obstacle = this.#version === undefined ? await this.#prepare() : undefined
    if (obstacle !== undefined) return { kind: 'retry', ...obstacle }
    const { bucket, org = '' } = this.#options
    const path =
      this.#version === '1'
        ? `/write?db=${encodeURIComponent(bucket)}&precision=ms`
        : `/api/v2/write?org=${encodeURIComponent(org)}&bucket=${encodeURIComponent(bucket)}&precision=ms`
    return judgeWrite(
      await this.#transport.request('POST', path, body, { 'content-type': 'text/plain; charset=utf-8' }),
    )
  }

  /** Throws TIDEMARK_STORE_QUERY while the database does not say its version. */
  async #knownVersion(): Promise<InfluxVersion> {
    const obstacle = this.#version === undefined ? await this.#prepare() : undefined
    if (this.#version === undefined) throw new TidemarkError('TIDEMARK_STORE_QUERY', obstacle?.detail ?? '')
    return this.#version
  }

  /** Finds the version and makes the database; returns what stands in the way. */
  async #prepare(): Promise<Obstacle | undefined> {
    if (this.#version === undefined) {
      const answer = await this.#transport.request('GET', '/ping')
      const version = detectVersion(answer)
      if (version === undefined) {
        const detail = `status ${answer.status}: ${answer.body.slice(0, 200)}`
        return { code: 'TIDEMARK_STORE_DOWN', detail, afterMs: undefined }
      }
      this.#version = version
      this.#logger.info({ version, reported: answer.version }, 'InfluxDB found')
    }
    return this.#createDatabase()
  }

  async #createDatabase(): Promise<Obstacle | undefined> {
    // 3 Core makes a database with the first write to it.
    if (this.#version === '3') return undefined
    const { bucket, org = '' } = this.#options
    const problem = (detail: string): Obstacle => ({
      code: 'TIDEMARK_STORE_DATABASE',
      detail: detail.slice(0, 300),
      afterMs: undefined,
    })
    if (this.#version === '1') {
      const statement = `CREATE DATABASE ${quoteName(bucket)}`
      const answer = await this.#transport.request('POST', `/query?q=${encodeURIComponent(statement)}`)
      return answer.status === 200 ? undefined : problem(answer.body)
    }
    const orgs = await this.#transport.request('GET', `/api/v2/orgs?org=${encodeURIComponent(org)}`)
    const found =
      orgs.status === 200 ? (jsonOf(orgs.body) as { orgs?: { id: string }[] } | undefined) : undefined
    const orgID = found?.orgs?.[0]?.id
    if (orgID === undefined) return problem(`organisation ${org}: status ${orgs.status}: ${orgs.body}`)
    const body = JSON.stringify({ orgID, name: bucket, retentionRules: [] })
    const made = await this.#transport.request('POST', '/api/v2/buckets', body, jsonType)
    return made.status === 201 || /already exists/i.test(made.body) ? undefined : problem(made.body)
  }
}

/**
 * 1.x and 2.x say their version in a header of /ping, whatever its status; 3 Core answers 200 with JSON, or 401. Anything
 * else (a proxy whose database is away, a server that is starting) tells no version.
 */
function detectVersion({ version, status, body }: InfluxAnswer): InfluxVersion | undefined {
  const major = /^v?(\d)/.exec(version ?? '')?.[1]
  if (major === '1' || major === '2' || major === '3') return major
  if (status === 204) return '2'
  return status === 401 || (status === 200 && jsonOf(body) !== undefined) ? '3' : undefined
}
