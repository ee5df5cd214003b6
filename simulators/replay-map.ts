import { readFileSync } from 'node:fs'
import { DateTime, IANAZone } from 'luxon'
import { z } from 'zod'
import { isDeviceId, isDeviceType, isMetricName } from '../domain/names.ts'
import { messageOf, TidemarkError } from '../lib/errors.ts'

const mapSchema = z.strictObject({
  device: z.string().refine(isDeviceId, 'not a device id'),
  type: z.string().refine(isDeviceType, 'not a device type'),
  time: z.strictObject({
    column: z.string(),
    /** Luxon's tokens, which are Unicode's (UTS 35): `dd/MM/yyyy HH:mm:ss`. */
    format: z.string().min(1),
    timezone: z.string().refine((zone) => IANAZone.isValidZone(zone), 'not a time zone such as Europe/Paris'),
  }),
  metrics: z
    .record(
      z.string().refine((name) => isMetricName(name), 'not a metric name'),
      z.strictObject({ column: z.string(), scale: z.number().optional() }),
    )
    .refine((metrics) => Object.keys(metrics).length > 0, 'at least one metric'),
})

/** How the columns of a CSV file become readings. */
export type ReplayMap = z.infer<typeof mapSchema>

/** Reads and checks a map. Throws TIDEMARK_MAP_INVALID (exit code 2) with the place and what was expected. */
export function loadReplayMap(path: string): ReplayMap {
  let input: unknown
  try {
    input = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new TidemarkError('TIDEMARK_MAP_INVALID', `${path}: ${messageOf(error)}`, { exitCode: 2 })
  }
  const parsed = mapSchema.safeParse(input)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const detail = `/${issue?.path.join('/')}: ${issue?.message}`
  throw new TidemarkError('TIDEMARK_MAP_INVALID', `${path}: ${detail}`, { exitCode: 2 })
}

/**
 * A row of the file as a reading; undefined when none of its mapped cells holds a value. Throws TIDEMARK_CSV_INVALID (exit
 * code 2) with the column and the cell.
 *
 * Local times that a change of the clock repeats are taken as the first of the two, unless that would not be after
 * `previousTs`, the reading before: then they are the second. Those that it skips are read by the offset before the change
 * (02:30 as 03:30). Both as Temporal's `compatible` does.
 */
export function rowToReading(
  row: Readonly<Record<string, string>>,
  map: ReplayMap,
  previousTs = Number.NEGATIVE_INFINITY,
): { ts: number; values: Record<string, number> } | undefined {
  const values: Record<string, number> = {}
  for (const [metric, { column, scale }] of Object.entries(map.metrics)) {
    const cell = cellOf(row, column).trim()
    if (cell === '') continue
    const number = Number(cell)
    if (!Number.isFinite(number)) throw invalidCell(column, cell, 'a number')
    values[metric] = scale === undefined ? number : withoutNoise(number * scale)
  }
  if (Object.keys(values).length === 0) return undefined
  return { ts: timeOf(row, map.time, previousTs), values }
}

function timeOf(
  row: Readonly<Record<string, string>>,
  { column, format, timezone }: ReplayMap['time'],
  previousTs: number,
): number {
  const cell = cellOf(row, column).trim()
  const time = DateTime.fromFormat(cell, format, { zone: timezone, locale: 'en' })
  if (!time.isValid) throw invalidCell(column, cell, `a time as ${format}`)
  const possible = time
    .getPossibleOffsets()
    .map((at) => at.toMillis())
    .sort((a, b) => a - b)
  return possible.find((ts) => ts > previousTs) ?? possible[0]!
}

function cellOf(row: Readonly<Record<string, string>>, column: string): string {
  const cell = row[column]
  if (cell === undefined) {
    const message = `the file has no column ${column}; it has ${Object.keys(row).join(', ')}`
    throw new TidemarkError('TIDEMARK_CSV_INVALID', message, { exitCode: 2 })
  }
  return cell
}

/** 4.216 × 1000 is 4216, not 4216.000000000001: twelve digits are more than any meter has. */
function withoutNoise(value: number): number {
  return Number(value.toPrecision(12))
}

function invalidCell(column: string, cell: string, expected: string): TidemarkError {
  const message = `column ${column}: ${JSON.stringify(cell.slice(0, 60))} is not ${expected}`
  return new TidemarkError('TIDEMARK_CSV_INVALID', message, { exitCode: 2 })
}
