import type { Value } from '../domain/profile.ts'
import { TidemarkError } from '../lib/errors.ts'
import type { InfluxAnswer, InfluxTransport } from './influx-transport.ts'
import type { LatestQuery, ReadingQuery, StoredReading } from './reading-store.ts'

export type InfluxVersion = '1' | '2' | '3'

interface InfluxSeries {
  readonly columns: readonly string[]
  readonly values: readonly (readonly unknown[])[]
}

interface InfluxResults {
  readonly results?: { readonly series?: InfluxSeries[]; readonly error?: string }[]
}

/** A selection of rows, span of time by span of time. */
interface Selection {
  readonly device: LatestQuery
  readonly columns: string
  readonly from: number
  readonly to: number
  readonly order: 'ASC' | 'DESC'
  readonly limit: number
  /** A span is split at multiples of it only. */
  readonly stepMs: number
  readonly grouping?: string
}

/** Of one question: 3 Core refuses a span that touches more than 432 files, and each refusal is a request. */
const requestsMax = 100
/** 3 Core's files hold ten minutes: what is refused at that length is refused for another reason. */
export const spanMsMin = 600_000
const newestRows = 1_000
const statementsMax = 50
/** More than the times that the contract allows. */
const allTime = { from: Date.UTC(2000, 0, 1), to: Date.UTC(2100, 0, 1) }
/** What these functions make of a boolean or a string differs among databases: it is left out (see `ReadingQuery.fn`). */
const numericFunctions: ReadonlySet<string> = new Set(['mean', 'min', 'max', 'sum'])

/** The read side of InfluxDB, by InfluxQL, which 1.x, 2.x and 3 Core all speak. */
export class InfluxReader {
  readonly #transport: InfluxTransport
  readonly #database: string

  constructor(transport: InfluxTransport, database: string) {
    this.#transport = transport
    this.#database = database
  }

  async readings(query: ReadingQuery, version: InfluxVersion): Promise<StoredReading[]> {
    const { everyMs, limit, from, to } = query
    const fn = everyMs === undefined ? '' : (query.fn ?? 'mean')
    const columns = await this.#columns(query, fn)
    if (columns === undefined) return []
    const grouping = everyMs === undefined ? '' : ` GROUP BY time(${everyMs}ms) fill(none)`
    const selection: Selection = {
      ...{ device: query, columns, from, to, grouping },
      order: 'ASC',
      // Only a time after it shows that the last one is whole: a device whose labels changed has two series, and InfluxDB
      // a row of each for one time.
      limit: limit + 1,
      stepMs: everyMs ?? 1,
    }
    const found: { time: number; values: Record<string, Value> }[] = []
    for await (const { columns: names, values: rows } of this.#spans(selection, version)) {
      const metrics =
        query.metrics.length === 0 && fn !== '' ? names.map((n) => n.slice(fn.length + 1)) : names
      for (const row of rows) {
        const values = valuesOf(metrics, row, fn)
        if (Object.keys(values).length === 0) continue
        const time = row[0] as number
        if (found.at(-1)?.time === time) Object.assign(found.at(-1)!.values, values)
        else found.push({ time, values })
      }
      if (found.length > limit) break
    }
    return found.slice(0, limit)
  }

  async latest(query: LatestQuery, version: InfluxVersion): Promise<Awaited<Latest>> {
    const fields = await this.#fields(query.type)
    return version === '3'
      ? this.#latestByRows(query, fields)
      : this.#latestByFields(query, [...fields.keys()])
  }

  /** Series of one statement. Throws TIDEMARK_STORE_QUERY. */
  async query(statement: string): Promise<InfluxSeries[]> {
    return (await this.#statements([statement]))[0]!
  }

  /** Whatever is answered. */
  ask(statements: readonly string[]): Promise<InfluxAnswer> {
    const q = encodeURIComponent(statements.join(';'))
    return this.#transport.request('POST', `/query?db=${encodeURIComponent(this.#database)}&epoch=ms&q=${q}`)
  }

  /** One statement for each field: only then does last() tell the time of the value itself. */
  async #latestByFields({ device, type }: LatestQuery, metrics: readonly string[]): Latest {
    const found: Awaited<Latest> = {}
    const where = `FROM ${quoteName(type)} WHERE "device"=${quoteText(device)}`
    for (let from = 0; from < metrics.length; from += statementsMax) {
      const asked = metrics.slice(from, from + statementsMax)
      const results = await this.#statements(
        asked.map((metric) => `SELECT last(${quoteName(metric)}) AS v ${where}`),
      )
      results.forEach((series, i) => {
        const row = series[0]?.values[0]
        if (row !== undefined) found[asked[i]!] = { time: row[0] as number, value: row[1] as Value }
      })
    }
    return found
  }

  /**
   * 3 Core takes one statement a request, and not over all time: its rows are read newest first until each field was seen.
   * A metric that the device stopped sending long ago, or never sent, costs all that is allowed and may not be found.
   */
  async #latestByRows(device: LatestQuery, fields: ReadonlyMap<string, string>): Latest {
    const found: Awaited<Latest> = {}
    const selection: Selection = {
      ...{ device, columns: '*::field', ...allTime },
      order: 'DESC',
      limit: newestRows,
      stepMs: 1,
    }
    try {
      for await (const { columns, values: rows } of this.#spans(selection, '3')) {
        for (const row of rows) {
          const time = row[0] as number
          for (const [metric, value] of Object.entries(valuesOf(columns, row, ''))) {
            if (!Object.hasOwn(found, metric)) found[metric] = { time, value }
          }
        }
        if (Object.keys(found).length === fields.size) break
      }
    } catch (error) {
      const isExhausted = error instanceof TidemarkError && error.code === 'TIDEMARK_STORE_RANGE'
      if (!isExhausted || Object.keys(found).length === 0) throw error
    }
    return found
  }

  /** What to select, or undefined when nothing that was asked for can be answered. */
  async #columns({ metrics, type }: ReadingQuery, fn: string): Promise<string | undefined> {
    if (metrics.length === 0) return fn === '' ? '*::field' : `${fn}(*)`
    if (fn === '') return metrics.map((metric) => `${quoteName(metric)}::field`).join(',')
    // 1.x refuses the whole statement for the mean of a string.
    const types = numericFunctions.has(fn) ? await this.#fields(type) : undefined
    const asked = metrics.filter((metric) => types === undefined || types.get(metric) === 'float')
    if (asked.length === 0) return undefined
    return asked.map((metric) => `${fn}(${quoteName(metric)}) AS ${quoteName(metric)}`).join(',')
  }

  /** Fields of a measurement and their types. */
  async #fields(type: string): Promise<Map<string, string>> {
    const series = await this.query(`SHOW FIELD KEYS FROM ${quoteName(type)}`)
    return new Map(
      series.flatMap(({ values }) => values.map(([name, kind]) => [name as string, kind as string])),
    )
  }

  /** The rows of a selection in its order: halves a span that 3 Core refuses, and goes on where a limit cut it off. */
  async *#spans(selection: Selection, version: InfluxVersion): AsyncGenerator<InfluxSeries> {
    const { device, columns, grouping = '', order, limit, stepMs } = selection
    const spans = [{ from: selection.from, to: selection.to }]
    for (let asked = 0; spans.length > 0; asked++) {
      if (asked === requestsMax) {
        const detail = `no answer after ${requestsMax} requests for parts of the time; ask for less of it`
        throw new TidemarkError('TIDEMARK_STORE_RANGE', detail)
      }
      const { from, to } = spans.pop()!
      const statement =
        `SELECT ${columns} FROM ${quoteName(device.type)} WHERE "device"=${quoteText(device.device)}` +
        ` AND time>=${from}ms AND time<${to}ms${grouping} ORDER BY time ${order} LIMIT ${limit}`
      const answer = await this.ask([statement])
      if (version === '3' && isTooWide(answer) && to - from > Math.max(spanMsMin, 2 * stepMs)) {
        const middle = Math.ceil((from + to) / 2 / stepMs) * stepMs
        const halves = [
          { from, to: Math.min(middle, to) },
          { from: Math.min(middle, to), to },
        ].filter((half) => half.from < half.to)
        spans.push(...(order === 'ASC' ? halves.reverse() : halves))
        continue
      }
      const series = resultsOf(answer)[0]?.[0]
      if (series === undefined) continue
      yield series
      if (series.values.length < limit) continue
      // The last time again, for it may have more rows; past it when all rows are of that time.
      const [first, last] = [series.values[0]![0] as number, series.values.at(-1)![0] as number]
      if (order === 'ASC') spans.push({ from: first === last ? last + stepMs : last, to })
      else spans.push({ from, to: first === last ? last : last + 1 })
    }
  }

  async #statements(statements: readonly string[]): Promise<InfluxSeries[][]> {
    return resultsOf(await this.ask(statements))
  }
}

type Latest = Promise<Record<string, { value: Value; time: number }>>

/** Values of a row under the names of its columns, of which the first is the time. */
export function valuesOf(
  names: readonly string[],
  row: readonly unknown[],
  fn: string,
): Record<string, Value> {
  const values: Record<string, Value> = {}
  for (let i = 1; i < names.length; i++) {
    const value = row[i] as Value | null
    if (value === null || (numericFunctions.has(fn) && typeof value !== 'number')) continue
    values[names[i]!] = value
  }
  return values
}

/** 3 Core: "Query would exceed file limit", "exceeding the file limit" by version; some answer 500 without a word. */
export function isTooWide({ status, body }: InfluxAnswer): boolean {
  return /file limit/i.test(body) || (status === 500 && body.trim() === '')
}

export function resultsOf(answer: InfluxAnswer): InfluxSeries[][] {
  const found =
    answer.status === 200 ? (jsonOf(answer.body) as InfluxResults | undefined)?.results : undefined
  if (!Array.isArray(found)) throw queryError(answer)
  return found.map(({ series, error }) => {
    if (error !== undefined) throw new TidemarkError('TIDEMARK_STORE_QUERY', `InfluxDB: ${error}`)
    return series ?? []
  })
}

export function queryError({ status, body }: InfluxAnswer): TidemarkError {
  return new TidemarkError('TIDEMARK_STORE_QUERY', `InfluxDB answered ${status}: ${body.slice(0, 300)}`)
}

/** undefined for what is no JSON, such as the page of a proxy. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export function quoteName(name: string): string {
  return `"${name.replace(/[\\"]/g, '\\$&')}"`
}

export function quoteText(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`
}
