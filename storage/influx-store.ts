import type { DeliveredEvent } from '../domain/event.ts'
import type { Value } from '../domain/profile.ts'
import type { ReadingBatch } from '../domain/reading-batch.ts'
import { backoff } from '../lib/backoff.ts'
import { TidemarkError } from '../lib/errors.ts'
import type { Logger } from '../lib/logger.ts'
import { hash32 } from '../lib/prng.ts'
import { judgeWrite, type WriteVerdict } from './influx-answers.ts'
import { type InfluxTarget, InfluxTransport } from './influx-transport.ts'
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

const linesPerRequestMax = 5_000
const lanesMax = 2

/** InfluxDB 1.x, 2.x and 3 Core: written by line protocol, read by InfluxQL, which all three speak. */
export class InfluxStore implements ReadingStore {
  readonly kind = 'influxdb'
  readonly #options: InfluxStoreOptions
  readonly #logger: Logger
  readonly #transport: InfluxTransport
  readonly #backoff = backoff({ firstMs: 200, maxMs: 5_000 })
  #version: '1' | '2' | '3' | undefined

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
    const rejected: RejectedRow[] = []
    const retries = await Promise.all(lanesOf(batches).map((lane) => this.#writeLane(lane, rejected)))
    const retry = retries.find((one) => one !== undefined)
    if (retry !== undefined) return retry
    this.#backoff.reset()
    return { kind: 'done', rejected }
  }

  async #writeLane({ lines, rows }: Lane, rejected: RejectedRow[]): Promise<Retry | undefined> {
    for (let from = 0; from < lines.length; from += linesPerRequestMax) {
      const to = Math.min(lines.length, from + linesPerRequestMax)
      const retry = await this.#writeRange(lines, from, to, (index, detail) =>
        rejected.push({ ...rows[index]!, detail }),
      )
      if (retry !== undefined) return retry
    }
    return undefined
  }

  async writeEvents(events: readonly DeliveredEvent[]): Promise<EventWriteOutcome> {
    const lines = events.map(encodeEventLine)
    const retry = await this.#writeRange(lines, 0, lines.length, (_index, detail) => {
      this.#logger.warn({ code: 'TIDEMARK_STORE_REJECTED', detail }, 'an event could not be stored')
    })
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
    await this.#query(`DROP SERIES WHERE "device"=${quoteText(device)}`)
  }

  async close(): Promise<void> {}

  /** A tag that a `SELECT *` returns beside the fields: text under a label's name that is no metric of the device. */
  #isTag(query: ReadingQuery, name: string): boolean {
    return query.metrics.length === 0 && (query.tags?.includes(name) ?? false)
  }

  async #writeRange(
    lines: readonly string[],
    from: number,
    to: number,
    reject: (index: number, detail: string) => void,
  ): Promise<Retry | undefined> {
    if (from >= to) return undefined
    const verdict = await this.#post(lines.slice(from, to).join('\n'))
    if (verdict.kind === 'accepted') return undefined
    if (verdict.kind === 'bisect') {
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
    if (verdict.kind === 'retry') return this.#retry(verdict)
    const problem = await this.#createDatabase()
    return this.#retry(
      problem ?? { code: 'TIDEMARK_STORE_CREATED', detail: 'the database was created', afterMs: 1 },
    )
  }

  async #post(body: string): Promise<WriteVerdict> {
    const unready = this.#version === undefined ? await this.#prepare() : undefined
    if (unready !== undefined) return { kind: 'retry', ...unready }
    const { bucket, org = '' } = this.#options
    const path =
      this.#version === '1'
        ? `/write?db=${encodeURIComponent(bucket)}&precision=ms`
        : `/api/v2/write?org=${encodeURIComponent(org)}&bucket=${encodeURIComponent(bucket)}&precision=ms`
    return judgeWrite(
      await this.#transport.request('POST', path, body, { 'content-type': 'text/plain; charset=utf-8' }),
    )
  }

  #retry({
    code,
    detail,
    afterMs,
  }: {
    code: `TIDEMARK_${string}`
    detail: string
    afterMs: number | undefined
  }): Retry {
    return { kind: 'retry', code, detail, afterMs: afterMs ?? this.#backoff.next() }
  }

  /** Finds the version and makes the database; returns what stands in the way. */
  async #prepare() {
    if (this.#version === undefined) {
      const answer = await this.#transport.request('GET', '/ping')
      if (answer.status === 0) {
        return { code: 'TIDEMARK_STORE_DOWN', detail: answer.body, afterMs: undefined } as const
      }
      this.#version = detectVersion(answer.version, answer.status)
      this.#logger.info({ version: this.#version, reported: answer.version }, 'InfluxDB found')
    }
    return this.#createDatabase()
  }

  async #createDatabase() {
    const { bucket, org } = this.#options
    const problem = (detail: string) =>
      ({ code: 'TIDEMARK_STORE_DATABASE', detail, afterMs: undefined }) as const
    if (this.#version === '1') {
      const answer = await this.#transport.request(
        'POST',
        `/query?q=${encodeURIComponent(`CREATE DATABASE ${quoteName(bucket)}`)}`,
      )
      return answer.status === 200 ? undefined : problem(answer.body)
    }
    if (this.#version === '3') return undefined
    const orgs = await this.#transport.request('GET', `/api/v2/orgs?org=${encodeURIComponent(org ?? '')}`)
    const orgId =
      orgs.status === 200 ? (JSON.parse(orgs.body) as { orgs?: { id: string }[] }).orgs?.[0]?.id : undefined
    if (orgId === undefined) return problem(`organisation ${org}: ${orgs.body.slice(0, 200)}`)
    const body = JSON.stringify({ orgID: orgId, name: bucket, retentionRules: [] })
    const made = await this.#transport.request('POST', '/api/v2/buckets', body, {
      'content-type': 'application/json',
    })
    return made.status === 201 || /already exists/i.test(made.body) ? undefined : problem(made.body)
  }

  async #query(statement: string): Promise<InfluxSeries[]> {
    return (await this.#queryAll(statement))[0] ?? []
  }

  async #queryAll(statements: string): Promise<InfluxSeries[][]> {
    const path = `/query?db=${encodeURIComponent(this.#options.bucket)}&epoch=ms&q=${encodeURIComponent(statements)}`
    const answer = await this.#transport.request('POST', path)
    if (answer.status !== 200) {
      throw new TidemarkError(
        'TIDEMARK_STORE_QUERY',
        `InfluxDB answered ${answer.status}: ${answer.body.slice(0, 300)}`,
      )
    }
    const { results } = JSON.parse(answer.body) as { results: { series?: InfluxSeries[]; error?: string }[] }
    return results.map(({ series, error }) => {
      if (error !== undefined) throw new TidemarkError('TIDEMARK_STORE_QUERY', `InfluxDB: ${error}`)
      return series ?? []
    })
  }
}

/** Lines that are written one request after the other. */
interface Lane {
  readonly lines: string[]
  /** Of each line. */
  readonly rows: { readonly batch: number; readonly row: number }[]
}

/**
 * What is more than one request is written over two connections at once, since the database works on a request with one
 * core. All lines of a device are in one lane, so that of two values for one point the later one still wins.
 */
function lanesOf(batches: readonly ReadingBatch[]): Lane[] {
  const rowCount = batches.reduce((sum, batch) => sum + batch.rows, 0)
  const laneCount = rowCount > linesPerRequestMax ? lanesMax : 1
  const lanes: Lane[] = Array.from({ length: laneCount }, () => ({ lines: [], rows: [] }))
  batches.forEach((batch, index) => {
    const laneOf = batch.devices.map(({ id }) => lanes[hash32(id) % laneCount]!)
    encodeLines(batch).forEach((line, row) => {
      const lane = laneOf[batch.device[row]!]!
      lane.lines.push(line)
      lane.rows.push({ batch: index, row })
    })
  })
  return lanes
}

interface InfluxSeries {
  readonly name: string
  readonly columns: readonly string[]
  readonly values: readonly (readonly unknown[])[]
}

/** 1.x and 2.x say their version in a header of /ping; 3 Core answers 200 with JSON, or 401. */
function detectVersion(header: string | undefined, status: number): '1' | '2' | '3' {
  const major = /^v?(\d)/.exec(header ?? '')?.[1]
  if (major === '1' || major === '2' || major === '3') return major
  return status === 204 ? '2' : '3'
}

function quoteName(name: string): string {
  return `"${name.replace(/[\\"]/g, '\\$&')}"`
}

function quoteText(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`
}
