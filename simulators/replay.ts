import { delay } from '../lib/clock.ts'
import { TidemarkError } from '../lib/errors.ts'
import type { ApiClient } from './api-client.ts'
import { FleetRunner } from './fleet-runner.ts'
import { LedgerWriter } from './ledger.ts'
import { endMs, epochMs } from './models/model.ts'
import { dueRows, type Recording, spanOf } from './recording.ts'

export interface ReplayOptions {
  readonly recording: Recording
  readonly mqttUrl: string
  readonly api: ApiClient
  /** How much faster than it was recorded; Infinity for as fast as it is acknowledged. */
  readonly speed: number
  /** Times are moved so that the first is this one, Unix ms; or `now`: so that the last is sent at the time that it says. */
  readonly start?: number | 'now' | undefined
  readonly ledger?: string | undefined
  readonly signal: AbortSignal
  readonly onProgress?: (rows: number) => void
}

export interface ReplayReport {
  readonly devices: number
  readonly rows: number
  /** Rows without any value. */
  readonly skipped: number
  readonly sent: number
  readonly acknowledged: number
  readonly seconds: number
}

/** A longer timer would fire at once. */
const waitMsMax = 86_400_000

/**
 * Plays a recording through MQTT at QoS 1, in the order of its rows. Rejects with TIDEMARK_CSV_INVALID,
 * TIDEMARK_RECORDING_INVALID, TIDEMARK_RUN_INVALID or TIDEMARK_LEDGER_INVALID (exit code 2), TIDEMARK_API_UNREACHABLE,
 * TIDEMARK_MQTT_REFUSED or TIDEMARK_MQTT_UNREACHABLE (3).
 */
export async function replay(options: ReplayOptions): Promise<ReplayReport> {
  const { recording, mqttUrl, api, speed, signal } = options
  const shiftMs = await shiftOf(options)
  const ledger = options.ledger === undefined ? undefined : new LedgerWriter(options.ledger)
  const credentials = await api.provision(recording.devices)
  const fleet = new FleetRunner({ mqttUrl, credentials, ledger, signal })
  await fleet.connect()
  const startedAt = performance.now()
  let rows = 0
  let skipped = 0
  let firstMs: number | undefined
  try {
    for await (const { row, dueMs } of dueRows(recording)) {
      if (signal.aborted) break
      rows++
      if (row === undefined) {
        skipped++
        continue
      }
      firstMs ??= dueMs
      const dueAt = startedAt + ((dueMs ?? 0) - (firstMs ?? 0)) / speed
      while (dueAt > performance.now() && !signal.aborted) {
        fleet.flush()
        await delay(Math.min(dueAt - performance.now(), waitMsMax), signal)
      }
      await fleet.send({ ...row, ts: row.ts + shiftMs })
      options.onProgress?.(rows)
    }
  } finally {
    await fleet.close()
    ledger?.close()
  }
  const { sent, acknowledged } = fleet
  const seconds = (performance.now() - startedAt) / 1000
  return { devices: recording.devices.length, rows, skipped, sent, acknowledged, seconds }
}

/** By how much the times of the recording are moved. */
async function shiftOf({ recording, start, speed }: ReplayOptions): Promise<number> {
  if (start === undefined) return 0
  const span = await spanOf(recording)
  if (span === undefined) return 0
  const { firstMs, lastMs } = span
  // As life goes, the recording begins now; as fast as can be, it ends now.
  const aheadMs = Math.max(0, (lastMs - firstMs) * (1 - 1 / speed))
  const startMs = start === 'now' ? Math.floor(Date.now() - aheadMs) : start
  if (startMs < epochMs || startMs + (lastMs - firstMs) >= endMs) {
    const message =
      'the recording would leave the years 2000 to 2099, outside which the platform takes no reading'
    throw new TidemarkError('TIDEMARK_RUN_INVALID', message, { exitCode: 2 })
  }
  return startMs - firstMs
}
