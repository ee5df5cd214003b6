import { delay } from '../lib/clock.ts'
import type { ApiClient } from './api-client.ts'
import { FleetRunner } from './fleet-runner.ts'
import { LedgerWriter } from './ledger.ts'
import { models } from './models/models.ts'

export interface RunOptions {
  readonly devices: number
  /** Of the run, on the wall clock. */
  readonly durationMs: number
  /** Virtual time passes this much faster. */
  readonly speed: number
  readonly seed: number
  /** Virtual time at which the run begins, Unix ms. */
  readonly startMs: number
  readonly mqttUrl: string
  readonly api: ApiClient
  readonly ledger?: string | undefined
  readonly signal: AbortSignal
  readonly onProgress?: (progress: { sent: number; acknowledged: number }) => void
}

export interface RunReport {
  readonly devices: number
  readonly sent: number
  readonly acknowledged: number
  readonly reconnects: number
  readonly seconds: number
}

const tickMs = 20

/** What `--scenario` can name. */
export const scenarios = [
  { name: 'mixed', description: 'one device of each kind in turn, all healthy' },
] as const

/**
 * Runs the fleet `mixed` on virtual time. Rejects with TIDEMARK_LEDGER_INVALID (exit code 2), TIDEMARK_API_UNREACHABLE,
 * TIDEMARK_MQTT_REFUSED or TIDEMARK_MQTT_UNREACHABLE (3).
 */
export async function run(options: RunOptions): Promise<RunReport> {
  const { seed, speed, startMs, durationMs, api, mqttUrl, signal } = options
  const fleet = Array.from({ length: options.devices }, (_, i) => {
    const model = models[i % models.length]!
    const device = model.create(
      seed,
      `sim-${model.type.replaceAll('_', '-')}-${Math.floor(i / models.length) + 1}`,
    )
    return { device, intervalMs: model.intervalMs, nextMs: Math.round(startMs) }
  })
  const ledger = options.ledger === undefined ? undefined : new LedgerWriter(options.ledger)
  const credentials = await api.provision(fleet.map(({ device }) => device))
  const runner = new FleetRunner({ mqttUrl, credentials, ledger, signal })
  await runner.connect()
  const startedAt = performance.now()
  const endMs = startMs + durationMs * speed
  for (let virtualMs = startMs; virtualMs < endMs && !signal.aborted; ) {
    virtualMs = Math.min(endMs, startMs + (performance.now() - startedAt) * speed)
    for (const member of fleet) {
      for (; member.nextMs < virtualMs && !signal.aborted; member.nextMs += member.intervalMs) {
        const { device, nextMs } = member
        await runner.send({ device: device.id, ts: nextMs, values: device.valuesAt(nextMs) })
      }
    }
    runner.flush()
    options.onProgress?.(runner)
    await delay(tickMs, signal)
  }
  await runner.close()
  ledger?.close()
  const { sent, acknowledged, reconnects } = runner
  return {
    devices: fleet.length,
    sent,
    acknowledged,
    reconnects,
    seconds: (performance.now() - startedAt) / 1000,
  }
}
