import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import { parse } from 'csv-parse'
import { z } from 'zod'
import { isDeviceId, isDeviceType } from '../domain/names.ts'
import type { Value } from '../domain/profile.ts'
import { messageOf, TidemarkError } from '../lib/errors.ts'
import type { NewDevice } from './api-client.ts'
import { endMs, epochMs } from './models/model.ts'
import { type ReplayMap, rowToReading } from './replay-map.ts'

/** A reading of a recording, by its own time (Unix ms). */
export interface RecordedReading {
  readonly device: string
  readonly ts: number
  readonly values: Readonly<Record<string, Value>>
}

/** Readings that were recorded, and whose they are. */
export interface Recording {
  readonly devices: readonly NewDevice[]
  /** The readings in the order of the file, as often as they are asked for; undefined for a row without a value. */
  rows(): AsyncGenerator<RecordedReading | undefined>
}

/** First and last time of a recording, Unix ms. */
export interface Span {
  readonly firstMs: number
  readonly lastMs: number
}

/**
 * The rows of a recording with the time at which each is due: its own, unless the row after has an earlier one, so that a clock
 * that was ahead for one row holds up nothing. Undefined, at once, for a time that no reading may have: a clock that counts from 1970.
 */
export async function* dueRows(recording: Recording) {
  const dueMs = ({ ts }: RecordedReading) => (ts >= epochMs && ts < endMs ? ts : undefined)
  let waiting: RecordedReading | undefined
  try {
    for await (const row of recording.rows()) {
      if (row === undefined) {
        yield { row, dueMs: undefined }
        continue
      }
      if (waiting !== undefined) {
        const own = dueMs(waiting)
        yield { row: waiting, dueMs: own && Math.min(own, dueMs(row) ?? own) }
      }
      waiting = row
    }
  } catch (error) {
    // What came before the row that is wrong is played.
    if (waiting !== undefined) yield { row: waiting, dueMs: dueMs(waiting) }
    throw error
  }
  if (waiting !== undefined) yield { row: waiting, dueMs: dueMs(waiting) }
}

/** When the rows of a recording are due first and last, by reading all of it. Undefined when there is no reading. */
export async function spanOf(recording: Recording): Promise<Span | undefined> {
  let firstMs = Number.POSITIVE_INFINITY
  let lastMs = Number.NEGATIVE_INFINITY
  for await (const { dueMs } of dueRows(recording)) {
    if (dueMs === undefined) continue
    firstMs = Math.min(firstMs, dueMs)
    lastMs = Math.max(lastMs, dueMs)
  }
  return firstMs > lastMs ? undefined : { firstMs, lastMs }
}

/**
 * A CSV file by its map, of one device. Rejects with TIDEMARK_CSV_INVALID (exit code 2) when there is no such file or its first
 * row does not fit; `rows` throws it with the number of a later one.
 */
export async function csvRecording(file: string, map: ReplayMap): Promise<Recording> {
  const recording = {
    devices: [{ id: map.device, type: map.type }],
    async *rows() {
      let number = 0
      let previousTs: number | undefined
      for await (const row of csvRows(file)) {
        const reading = readingOf(row, map, ++number, previousTs)
        previousTs = reading?.ts ?? previousTs
        yield reading === undefined ? undefined : { device: map.device, ...reading }
      }
    },
  }
  for await (const _row of recording.rows()) break
  return recording
}

function readingOf(row: Record<string, string>, map: ReplayMap, number: number, previousTs?: number) {
  try {
    return rowToReading(row, map, previousTs)
  } catch (error) {
    throw error instanceof TidemarkError ? csvInvalid(`row ${number}: ${error.message}`) : error
  }
}

/**
 * The rows of a CSV file by column name. A header that is one cell short is R's: its row names have no title. Throws
 * TIDEMARK_CSV_INVALID (exit code 2).
 */
export async function* csvRows(file: string): AsyncGenerator<Record<string, string>> {
  const parser = parse({ bom: true, relax_column_count: true, skip_empty_lines: true })
  // The parser ends with the file's error, and the file is closed when the rows are no longer asked for.
  pipeline(createReadStream(file), parser, () => {})
  let rows = 0
  let header: string[] | undefined
  try {
    for await (const cells of parser as AsyncIterable<string[]>) {
      if (header === undefined) {
        header = cells
        continue
      }
      rows++
      const shift = cells.length - header.length
      if (shift !== 0 && shift !== 1) {
        throw csvInvalid(`${file}: row ${rows} has ${cells.length} cells, the header ${header.length}`)
      }
      yield Object.fromEntries(header.map((name, i) => [name, cells[i + shift]!]))
    }
  } catch (error) {
    if (error instanceof TidemarkError) throw error
    throw csvInvalid(`${file}: ${messageOf(error)}`)
  }
}

const lineSchema = z.object({
  device: z.string().refine(isDeviceId, 'not a device id'),
  type: z.string().refine(isDeviceType, 'not a device type').optional(),
  ts: z.int(),
  values: z.record(z.string(), z.union([z.number(), z.boolean(), z.string(), z.null()])),
})

type Line = z.infer<typeof lineSchema>

/**
 * Lines as `generate` and ledgers have them, `{"device","type","ts","values"}`, of as many devices as there are; `type` is for
 * lines that do not say theirs. All of it is read once: rejects with TIDEMARK_RECORDING_INVALID (exit code 2), with the line.
 */
export async function ndjsonRecording(file: string, type?: string): Promise<Recording> {
  const types = new Map<string, string>()
  for await (const { number, line } of linesOf(file)) {
    const known = types.get(line.device)
    const own = line.type ?? known ?? type
    if (own === undefined)
      throw recordingInvalid(`${file}, line ${number}: it says no type of ${line.device}: give --type`)
    if (known !== undefined && known !== own)
      throw recordingInvalid(`${file}, line ${number}: ${line.device} is a ${own}, and was a ${known} before`)
    types.set(line.device, own)
  }
  if (types.size === 0) throw recordingInvalid(`${file} holds no reading`)
  return {
    devices: Array.from(types, ([id, of]) => ({ id, type: of })),
    async *rows() {
      for await (const { line } of linesOf(file)) {
        const values = valuesGiven(line.values)
        yield values === undefined ? undefined : { device: line.device, ts: line.ts, values }
      }
    },
  }
}

async function* linesOf(path: string): AsyncGenerator<{ number: number; line: Line }> {
  let number = 0
  try {
    const file = await open(path)
    for await (const text of file.readLines()) {
      number++
      if (text.trim() === '') continue
      const parsed = lineSchema.safeParse(JSON.parse(text))
      if (!parsed.success) {
        const [issue] = parsed.error.issues
        throw new Error(`/${issue?.path.join('/')}: ${issue?.message}`)
      }
      yield { number, line: parsed.data }
    }
  } catch (error) {
    if (error instanceof TidemarkError) throw error
    throw recordingInvalid(`${path}${number === 0 ? '' : `, line ${number}`}: ${messageOf(error)}`)
  }
}

/** `null` is no value; undefined when there is none at all. */
function valuesGiven(values: Line['values']): Record<string, Value> | undefined {
  const given = Object.entries(values).filter((entry): entry is [string, Value] => entry[1] !== null)
  return given.length === 0 ? undefined : Object.fromEntries(given)
}

function csvInvalid(message: string): TidemarkError {
  return new TidemarkError('TIDEMARK_CSV_INVALID', message, { exitCode: 2 })
}

function recordingInvalid(message: string): TidemarkError {
  return new TidemarkError('TIDEMARK_RECORDING_INVALID', message, { exitCode: 2 })
}
