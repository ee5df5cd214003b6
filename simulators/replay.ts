import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream'
import { parse } from 'csv-parse'
import { delay } from '../lib/clock.ts'
import { messageOf, TidemarkError } from '../lib/errors.ts'
import type { ApiClient } from './api-client.ts'
import { FleetRunner } from './fleet-runner.ts'
import { LedgerWriter } from './ledger.ts'
import { type ReplayMap, rowToReading } from './replay-map.ts'

export interface ReplayOptions {
  readonly file: string
  readonly map: ReplayMap
  readonly mqttUrl: string
  readonly api: ApiClient
  /** How much faster than it was recorded; Infinity for as fast as it is acknowledged. */
  readonly speed: number
  readonly ledger?: string | undefined
  readonly signal: AbortSignal
  readonly onProgress?: (rows: number) => void
}

export interface ReplayReport {
  readonly device: string
  readonly rows: number
  /** Rows without any value. */
  readonly skipped: number
  readonly sent: number
  readonly acknowledged: number
  readonly seconds: number
}

/**
 * Plays a recording through MQTT at QoS 1, its times as they were recorded. Rejects with TIDEMARK_CSV_INVALID or
 * TIDEMARK_LEDGER_INVALID (exit code 2), TIDEMARK_API_UNREACHABLE, TIDEMARK_MQTT_REFUSED or TIDEMARK_MQTT_UNREACHABLE (3).
 */
export async function replay(options: ReplayOptions): Promise<ReplayReport> {
  const { map, mqttUrl, api, speed, signal } = options
  await checkFirstRow(options.file, map)
  const ledger = options.ledger === undefined ? undefined : new LedgerWriter(options.ledger)
  const credentials = await api.provision([{ id: map.device, type: map.type }])
  const fleet = new FleetRunner({ mqttUrl, credentials, ledger, signal })
  await fleet.connect()
  const startedAt = performance.now()
  let rows = 0
  let skipped = 0
  let firstTs: number | undefined
  let previousTs: number | undefined
  try {
    for await (const row of csvRows(options.file)) {
      if (signal.aborted) break
      rows++
      const reading = readingOf(row, map, rows, previousTs)
      if (reading === undefined) {
        skipped++
        continue
      }
      firstTs ??= reading.ts
      previousTs = reading.ts
      const dueMs = startedAt + (reading.ts - firstTs) / speed
      if (dueMs > performance.now()) {
        fleet.flush()
        await delay(dueMs - performance.now(), signal)
      }
      await fleet.send({ device: map.device, ...reading })
      options.onProgress?.(rows)
    }
  } finally {
    await fleet.close()
    ledger?.close()
  }
  const { sent, acknowledged } = fleet
  return {
    device: map.device,
    rows,
    skipped,
    sent,
    acknowledged,
    seconds: (performance.now() - startedAt) / 1000,
  }
}

/** A file that is not there, or that the map does not fit, is said before a device is registered for it. */
async function checkFirstRow(file: string, map: ReplayMap): Promise<void> {
  for await (const row of csvRows(file)) {
    readingOf(row, map, 1)
    return
  }
}

function readingOf(row: Record<string, string>, map: ReplayMap, number: number, previousTs?: number) {
  try {
    return rowToReading(row, map, previousTs)
  } catch (error) {
    throw error instanceof TidemarkError ? invalid(`row ${number}: ${error.message}`) : error
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
        throw invalid(`${file}: row ${rows} has ${cells.length} cells, the header ${header.length}`)
      }
      yield Object.fromEntries(header.map((name, i) => [name, cells[i + shift]!]))
    }
  } catch (error) {
    if (error instanceof TidemarkError) throw error
    throw invalid(`${file}: ${messageOf(error)}`)
  }
}

function invalid(message: string): TidemarkError {
  return new TidemarkError('TIDEMARK_CSV_INVALID', message, { exitCode: 2 })
}
