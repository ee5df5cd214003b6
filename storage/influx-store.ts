import type { DeliveredEvent } from '../domain/event.ts'
import type { Value } from '../domain/profile.ts'
import type { ReadingBatch } from '../domain/reading-batch.ts'
import { type Backoff, backoff } from '../lib/backoff.ts'
import { TidemarkError } from '../lib/errors.ts'
import type { Logger } from '../lib/logger.ts'
import { judgeWrite, type WriteVerdict } from './influx-answers.ts'
import { type InfluxAnswer, type InfluxTarget, InfluxTransport } from './influx-transport.ts'
import { encodeEventLine, encodeLines } from './line-protocol.ts'
import type {
  EventWriteOutcome,
  LatestQuery,
  ReadingQuery,
  ReadingStore,
  RejectedRow,
  StoredReading,
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
  /** Of each kind of write its own, because each is a consumer of its own; reset by a write that was taken, by nothing else. */
  readonly #readingBackoff = backoff(backoffLimits)
  readonly #eventBackoff = backoff(backoffLimits)
  #version: '1' | '2' | '3' | undefined
  /** The database was made and has taken nothing since. */
  #isNewlyMade = false

  constructor(options: InfluxStoreOptions, logger: Logger) {
    this.#options = options
    this.#logger = logger
    this.#transport = new InfluxTransport(options)
    if (options.version !== 'auto') this.#version = options.version
  }

  /** Tries once; a database that is away is found by the first write. */
  async open(): Promise<void> {
    const problem = await this.#prepare()
    if (problem !== undefined)
      this.#logger.warn({ code: problem.code, detail: problem.detail }, 'the database is not ready')
  }

  async write(batches: readonly ReadingBatch[]): Promise<WriteOutcome> {
    const lines: string[] = []
    const rows: { batch: number; row: number }[] = []
    batches.forEach((batch, index) => {
      for (const line of encodeLines(batch)) lines.push(line)
      for (let row = 0; row < batch.rows; row++) rows.push({ batch: index, row })
    })
    const rejected: RejectedRow[] = []
    const retry = await this.#writeLines(lines, this.#readingBackoff, (index, detail) =>
      rejected.push({ ...rows[index]!, detail }),
    )
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
    const fn = query.everyMs === undefined ? '' : (query.fn ?? 'mean')
    const fields = query.metrics.length === 0 ? ['*'] : query.metrics.map(quoteName)
    const columns = fields.map((field) =>
      fn === '' ? field : `${fn}(${field})${field === '*' ? '' : ` AS ${field}`}`,
    )
    const every = query.everyMs === undefined ? '' : ` GROUP BY time(${query.everyMs}ms) fill(none)`
    const statement =
      `SELECT ${columns.join(',')} FROM ${quoteName(query.type)} WHERE "device"=${quoteText(query.device)}` +
      ` AND time>=${query.from}ms AND time<${query.to}ms${every} ORDER BY time ASC LIMIT ${query.limit}`
    const series = await this.#query(statement)
    const rows: StoredReading[] = []
    for (const { columns: names, values } of series) {
      for (const row of values) {
        const found: Record<string, Value> = {}
        names.forEach((name, i) => {
          const metric = fn !== '' && query.metrics.length === 0 ? name.replace(`${fn}_`, '') : name
          const value = row[i]
          if (i > 0 && metric !== 'device' && value !== null && !this.#isTag(query, metric))
            found[metric] = value as Value
        })
        if (Object.keys(found).length > 0) rows.push({ time: row[0] as number, values: found })
      }
    }
    return rows
  }

  async latest({ device, type }: LatestQuery): Promise<Record<string, { value: Value; time: number }>> {
    const keys = await this.#query(`SHOW FIELD KEYS FROM ${quoteName(type)}`)
    const metrics = keys.flatMap(({ values }) => values.map(([name]) => name as string))
    const found: Record<string, { value: Value; time: number }> = {}
    if (metrics.length === 0) return found
    // One statement for each field: only then does last() tell the time of the value itself.
    const where = `FROM ${quoteName(type)} WHERE "device"=${quoteText(device)}`
    const statements = metrics.map((metric) => `SELECT last(${quoteName(metric)}) AS v ${where}`)
    const results = await this.#queryAll(statements.join(';'))
    results.forEach((series, i) => {
      const row = series[0]?.values[0]
      if (row !== undefined) found[metrics[i]!] = { time: row[0] as number, value: row[1] as Value }
    })
    return found
  }

  async purge({ device }: LatestQuery): Promise<void> {
    if (this.#version !== '2') {
      await this.#query(`DROP SERIES WHERE "device"=${quoteText(device)}`)
      return
    }
    // 2.x knows no DROP SERIES (InfluxDB 2.7 documentation, "InfluxQL support").
    const { bucket, org = '' } = this.#options
    const path = `/api/v2/delete?org=${encodeURIComponent(org)}&bucket=${encodeURIComponent(bucket)}`
    const body = JSON.stringify({ ...allTime, predicate: `device=${quoteName(device)}` })
    const answer = await this.#transport.request('POST', path, body, jsonType)
    if (answer.status !== 204) throw queryError(answer)
  }

  async close(): Promise<void> {}

  /** A tag that a `SELECT *` returns beside the fields: text under a label's name that is no metric of the device. */
  #isTag(query: ReadingQuery, name: string): boolean {
    return query.metrics.length === 0 && (query.tags?.includes(name) ?? false)
  }

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

  async #query(statement: string): Promise<InfluxSeries[]> {
    return (await this.#queryAll(statement))[0] ?? []
  }

  async #queryAll(statements: string): Promise<InfluxSeries[][]> {
    const path = `/query?db=${encodeURIComponent(this.#options.bucket)}&epoch=ms&q=${encodeURIComponent(statements)}`
    const answer = await this.#transport.request('POST', path)
    const results =
      answer.status === 200 ? (jsonOf(answer.body) as InfluxResults | undefined)?.results : undefined
    if (!Array.isArray(results)) throw queryError(answer)
    return results.map(({ series, error }) => {
      if (error !== undefined) throw new TidemarkError('TIDEMARK_STORE_QUERY', `InfluxDB: ${error}`)
      return series ?? []
    })
  }
}

interface InfluxResults {
  readonly results?: { readonly series?: InfluxSeries[]; readonly error?: string }[]
}

interface InfluxSeries {
  readonly name: string
  readonly columns: readonly string[]
  readonly values: readonly (readonly unknown[])[]
}

function queryError({ status, body }: InfluxAnswer): TidemarkError {
  return new TidemarkError('TIDEMARK_STORE_QUERY', `InfluxDB answered ${status}: ${body.slice(0, 300)}`)
}

/**
 * 1.x and 2.x say their version in a header of /ping, whatever its status; 3 Core answers 200 with JSON, or 401. Anything
 * else (a proxy whose database is away, a server that is starting) tells no version.
 */
function detectVersion({ version, status, body }: InfluxAnswer): '1' | '2' | '3' | undefined {
  const major = /^v?(\d)/.exec(version ?? '')?.[1]
  if (major === '1' || major === '2' || major === '3') return major
  if (status === 204) return '2'
  return status === 401 || (status === 200 && jsonOf(body) !== undefined) ? '3' : undefined
}

/** undefined for what is no JSON, such as the page of a proxy. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function quoteName(name: string): string {
  return `"${name.replace(/[\\"]/g, '\\$&')}"`
}

function quoteText(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`
}
