import {
  type InfluxVersion,
  isTooWide,
  quoteName,
  quoteText,
  resultsOf,
  spanMsMin,
  valuesOf,
} from './influx-reader.ts'
import type { InfluxAnswer } from './influx-transport.ts'
import type { DeviceReading, TimelinePage, TimelineQuery } from './reading-store.ts'
import { wholeReadings } from './timeline.ts'

/** One statement. */
type Ask = (statement: string) => Promise<InfluxAnswer>

interface Span {
  /** Unix ms, inclusive. */
  readonly from: number
  /** Unix ms, exclusive. */
  readonly end: number
  /** Of rows, for each type. */
  readonly limit?: number
}

/** All readings from the start of a span to before `wholeTo`. */
interface Part {
  readonly readings: DeviceReading[]
  readonly wholeTo: number
}

/** Of one page; each is a statement for each type. */
const roundsMax = 32
const growth = 8
/** Rows beyond a page: of the last time that a limit leaves, some may be lacking, and a second round costs what the first did. */
const surplusRows = 250

/**
 * A page of the readings of several devices. In InfluxDB 1.x a statement costs what its series cost, whatever its span and its limit
 * (0.5 s for 5,000 devices of 9 metrics): it is asked for a whole page at once. 3 Core refuses a span of many files: there it is halved.
 */
export async function timelineOf(
  ask: Ask,
  query: TimelineQuery,
  version: InfluxVersion,
): Promise<TimelinePage> {
  const { to, limit } = query
  const found: DeviceReading[] = []
  let { time: from, device: after, stretchMs } = query.at ?? { time: query.from, stretchMs: to - query.from }
  for (let round = 0; from < to; round++) {
    const room = limit - found.length
    if (room === 0 || round === roundsMax)
      return { readings: found, next: { time: from, device: after, stretchMs } }
    const end = Math.min(to, from + stretchMs)
    let part = await partOf(ask, query, { from, end, limit: room + surplusRows }, version)
    // The limit left rows of one time only, which are in no order: all of that time.
    if (part?.wholeTo === from) part = await partOf(ask, query, { from, end: from + 1 }, version)
    if (part === undefined) {
      stretchMs = Math.floor((end - from) / 2)
      continue
    }
    const [start, told] = [from, after]
    const next = part.readings.filter(
      ({ time, device }) => told === undefined || time > start || device > told,
    )
    found.push(...next.slice(0, room))
    const last = found.at(-1)
    if (next.length <= room || last === undefined) [from, after] = [part.wholeTo, undefined]
    else [from, after] = [last.time, last.device]
    if (part.readings.length === 0) stretchMs = Math.min(to - query.from, stretchMs * growth)
  }
  return { readings: found }
}

/** undefined when 3 Core refuses so long a span. */
async function partOf(
  ask: Ask,
  { types, devices }: TimelineQuery,
  { from, end, limit }: Span,
  version: InfluxVersion,
): Promise<Part | undefined> {
  const pieces: DeviceReading[] = []
  let wholeTo = end
  const where = `${devices === undefined ? '' : `${isOneOf(devices)} AND `}time>=${from}ms AND time<${end}ms`
  const limited = limit === undefined ? '' : ` LIMIT ${limit}`
  for (const type of types) {
    const statement = `SELECT *::field,"device"::tag FROM ${quoteName(type)} WHERE ${where} ORDER BY time ASC${limited}`
    const answer = await ask(statement)
    if (version === '3' && end - from > spanMsMin && isTooWide(answer)) return undefined
    const series = resultsOf(answer)[0]?.[0]
    if (series === undefined) continue
    for (const row of series.values) {
      const { device, ...values } = valuesOf(series.columns, row, '')
      pieces.push({ time: row[0] as number, device: device as string, values })
    }
    if (series.values.length === limit) wholeTo = Math.min(wholeTo, pieces.at(-1)!.time)
  }
  return { readings: wholeReadings(pieces.filter(({ time }) => time < wholeTo)), wholeTo }
}

function isOneOf(devices: readonly string[]): string {
  const [first, ...more] = devices
  if (more.length === 0) return `"device"=${quoteText(first ?? '')}`
  return `"device"=~/^(${devices.map((id) => id.replace(/[^A-Za-z0-9_]/g, '\\$&')).join('|')})$/`
}
