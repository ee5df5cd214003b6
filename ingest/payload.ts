import { isUtf8 } from 'node:buffer'
import type { DeadLetterReason } from '../domain/dead-letter.ts'
import { isDeeperThan } from '../lib/nesting.ts'

/** One reading as it stands in a payload: `ts` undefined where the time received is to be used. */
export interface RawReading {
  readonly ts: number | undefined
  readonly values: Readonly<Record<string, unknown>>
}

/** Why a message is not taken. */
export interface Rejection {
  readonly reason: DeadLetterReason
  readonly detail: string
}

/** 2000-01-01 and 2099-12-31T23:59:59.999Z, Unix ms: one wild time would make a shard of its own in InfluxDB. */
export const timeMin = Date.UTC(2000, 0, 1)
export const timeMax = Date.UTC(2100, 0, 1) - 1

const depthMax = 8
const readingsMax = 10_000
const knownFields: ReadonlySet<string> = new Set(['ts', 'seq', 'values'])

/**
 * Decodes a native payload: `{"ts","seq","values"}`, a list of those, or plain `{metric: value}`.
 * Never throws; a payload that is not one of these is a rejection.
 */
export function decodePayload(bytes: Buffer, start: number, end: number): readonly RawReading[] | Rejection {
  const text = bytes.toString('utf8', start, end)
  // Decoding puts U+FFFD where the bytes are no UTF-8; a payload may also hold that character itself.
  if (text.includes('\ufffd') && !isUtf8(bytes.subarray(start, end)))
    return { reason: 'payload.not_json', detail: 'not UTF-8' }
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (error) {
    return { reason: 'payload.not_json', detail: (error as Error).message.slice(0, 200) }
  }
  if (!Array.isArray(parsed)) {
    const reading = toReading(parsed)
    return 'reason' in reading ? reading : [reading]
  }
  if (isDeeperThan(parsed, depthMax)) return tooDeep
  if (parsed.length === 0) return wrongShape('an empty list')
  if (parsed.length > readingsMax)
    return { reason: 'payload.too_large', detail: `more than ${readingsMax} readings` }
  const readings: RawReading[] = []
  for (const item of parsed) {
    const reading = toReading(item)
    if ('reason' in reading) return reading
    readings.push(reading)
  }
  return readings
}

const tooDeep: Rejection = { reason: 'payload.too_deep', detail: `nested deeper than ${depthMax} levels` }

function toReading(item: unknown): RawReading | Rejection {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) {
    return isDeeperThan(item, depthMax) ? tooDeep : wrongShape('expected an object')
  }
  const { ts, seq, values } = item as { ts?: unknown; seq?: unknown; values?: unknown }
  if (!Object.hasOwn(item, 'values')) {
    if (Object.hasOwn(item, 'ts')) return wrongShape('"ts" without "values"')
    if (Object.keys(item).length === 0) return wrongShape('no values')
    return { ts: undefined, values: item as Record<string, unknown> }
  }
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    return isDeeperThan(values, depthMax) ? tooDeep : wrongShape('"values" is not an object')
  }
  if (typeof seq === 'object' && seq !== null) {
    return isDeeperThan(seq, depthMax) ? tooDeep : wrongShape('"seq" is not a number')
  }
  for (const field in item) {
    if (!knownFields.has(field)) return wrongShape(`unknown field ${JSON.stringify(field.slice(0, 64))}`)
  }
  if (ts === undefined) return { ts: undefined, values: values as Record<string, unknown> }
  if (typeof ts !== 'number' || !Number.isInteger(ts) || ts < timeMin || ts > timeMax) {
    return { reason: 'ts.invalid', detail: 'expected Unix milliseconds from 2000-01-01 to 2099-12-31' }
  }
  return { ts, values: values as Record<string, unknown> }
}

function wrongShape(detail: string): Rejection {
  return { reason: 'payload.wrong_shape', detail }
}
