import { createRequire } from 'node:module'
import type { DuckDBBlobValue, DuckDBResultReader, DuckDBValue } from '@duckdb/node-api'
import type { Value } from '../domain/profile.ts'
import type { DeviceReading, TimelinePage, TimelineQuery } from './reading-store.ts'
import { wholeReadings } from './timeline.ts'

const { listValue }: typeof import('@duckdb/node-api') = createRequire(import.meta.url)('@duckdb/node-api')

/** Answers one statement; others have their turn in between. */
type Read = (sql: string, parameters: DuckDBValue[]) => Promise<DuckDBResultReader>

/** The values of a metric in a stretch of time; those of one reading need not be together. */
const columns = 'ts, device, metric, num, bool, encode(text)'
/** Of one statement: some two thousand readings of a meter that has 17 metrics. */
export const rowsMax = 40_000
const stretchMsFirst = 10_000
const growthMax = 8
/** How much more than a page a stretch should hold: one that holds a little less costs a second statement. */
const surplus = 1.1
/** Of one page: from nothing to a century a stretch grows in a dozen. */
const statementsMax = 32

/**
 * A page of the readings of all devices, by stretches of time whose length follows how many readings one holds. DuckDB passes over row
 * groups by their times, so that a stretch costs what is in it; to order an open span, it would sort all that is stored from there on.
 */
export async function timelineOf(read: Read, query: TimelineQuery): Promise<TimelinePage> {
  const { to, limit } = query
  if (query.devices?.length === 0) return { readings: [] }
  const found: DeviceReading[] = []
  let { time: from, device: after, stretchMs } = query.at ?? { time: query.from, stretchMs: stretchMsFirst }
  for (let asked = 0; from < to; asked++) {
    const room = limit - found.length
    if (room === 0 || asked === statementsMax)
      return { readings: found, next: { time: from, device: after, stretchMs } }
    // What is left of a page is looked for in as much of a stretch.
    const end = Math.min(to, from + Math.ceil((stretchMs * room) / limit))
    const stretch = new Stretch(read, query.devices, from, end, after)
    const rows = await stretch.rows()
    if (rows === undefined && end - from > 1) {
      const first = end - from > stretchMsFirst ? await stretch.firstTime() : from
      // Behind years without readings there may be very many in an hour.
      stretchMs = Math.max(1, Math.min(stretchMsFirst, Math.floor((end - from) / growthMax)))
      if (first > from) [from, after] = [first, undefined]
      continue
    }
    const readings = rows ?? (await stretch.firstDevices(room))
    found.push(...readings.slice(0, room))
    if (rows !== undefined) stretchMs = nextStretchMs(end - from, limit, readings)
    const isAllTold = rows === undefined ? readings.length < room : readings.length <= room
    const last = found.at(-1)
    if (isAllTold || last === undefined) [from, after] = [end, undefined]
    else [from, after] = [last.time, last.device]
  }
  return { readings: found }
}

/** So long that it holds a page, and not too many rows. */
function nextStretchMs(lengthMs: number, limit: number, readings: readonly DeviceReading[]): number {
  const rows = readings.reduce((sum, { values }) => sum + Object.keys(values).length, 0)
  const ideal = Math.min((surplus * limit) / readings.length, rowsMax / (surplus * rows))
  return Math.max(1, Math.round(lengthMs * Math.min(growthMax, ideal)))
}

/** The readings from `from`, included, to `to`, not included; of `from` only those of devices behind `after`. */
class Stretch {
  readonly #read: Read
  readonly #where: string
  readonly #parameters: DuckDBValue[]

  constructor(
    read: Read,
    devices: readonly string[] | undefined,
    from: number,
    to: number,
    after: string | undefined,
  ) {
    this.#read = read
    this.#parameters = [from, to]
    const add = (parameter: DuckDBValue) => `$${this.#parameters.push(parameter)}`
    let where = 'ts >= $1 AND ts < $2'
    if (devices !== undefined) {
      const sorted = devices.toSorted()
      // The range spares neighbours in order of their ids the search of most rows in the list.
      where += ` AND device BETWEEN ${add(sorted[0]!)} AND ${add(sorted.at(-1)!)}`
      where += ` AND device IN (SELECT unnest(${add(listValue(sorted))}))`
    }
    if (after !== undefined) where += ` AND (ts > $1 OR device > ${add(after)})`
    this.#where = where
  }

  /** undefined when there are too many. */
  async rows(): Promise<DeviceReading[] | undefined> {
    // Without an order, so that what is too much ends early.
    const sql = `SELECT ${columns} FROM reading WHERE ${this.#where} LIMIT ${rowsMax + 1}`
    const result = await this.#read(sql, this.#parameters)
    return result.currentRowCount > rowsMax ? undefined : readingsIn(result)
  }

  async firstTime(): Promise<number> {
    const sql = `SELECT min(ts) FROM reading WHERE ${this.#where}`
    const result = await this.#read(sql, this.#parameters)
    return (result.getRows()[0]?.[0] ?? Number.NEGATIVE_INFINITY) as number
  }

  /** Of a stretch of one time: the readings of its first devices. */
  async firstDevices(count: number): Promise<DeviceReading[]> {
    const first = `SELECT DISTINCT device FROM reading WHERE ${this.#where} ORDER BY device LIMIT ${count}`
    const sql = `SELECT ${columns} FROM reading WHERE ${this.#where} AND device IN (${first})`
    return readingsIn(await this.#read(sql, this.#parameters))
  }
}

/** Rows of `columns`. */
function readingsIn(result: DuckDBResultReader): DeviceReading[] {
  const [times, devices, metrics, nums, bools, texts] = result.getColumns()
  const pieces: { time: number; device: string; values: Record<string, Value> }[] = []
  let last: (typeof pieces)[number] | undefined
  for (const [i, value] of (times ?? []).entries()) {
    const [time, device] = [value as number, devices![i] as string]
    if (last?.time !== time || last.device !== device) {
      last = { time, device, values: {} }
      pieces.push(last)
    }
    last.values[metrics![i] as string] = storedValue(nums![i], bools![i], texts![i])
  }
  return wholeReadings(pieces)
}

/** Of the columns of a row, of which one is not null. Text comes as its bytes: the client drops a U+FEFF at the start of a VARCHAR. */
export function storedValue(num: unknown, bool: unknown, bytes: unknown): Value {
  return (num ?? bool ?? textOf(bytes)) as Value
}

function textOf(bytes: unknown): string | null {
  return bytes === null ? null : Buffer.from((bytes as DuckDBBlobValue).bytes).toString()
}
