import { writeFileSync } from 'node:fs'
import { build, type Histogram } from 'hdr-histogram-js'
import { delay } from '../lib/clock.ts'
import { messageOf, TidemarkError } from '../lib/errors.ts'
import type { ApiClient } from './api-client.ts'
import { type Percentiles, percentilesOf } from './bench/measurement.ts'
import { EventLatency } from './event-latency.ts'
import { FleetRunner } from './fleet-runner.ts'
import { refuseLate } from './late-run.ts'
import { LedgerWriter } from './ledger.ts'
import type { Plan } from './plan.ts'
import type { Scenario } from './scenario.ts'
import { scheduled } from './schedule.ts'
import { settled } from './score/settled.ts'

export interface RunOptions {
  readonly scenario: Scenario
  readonly plan: Plan
  /** Virtual time passes this much faster; Infinity sends as fast as it is acknowledged. */
  readonly speed: number
  readonly mqttUrl: string
  readonly api: ApiClient
  readonly ledger?: string | undefined
  readonly truth?: string | undefined
  /** Send also where devices have reported later than the start already, see `refuseLate`. */
  readonly late?: boolean | undefined
  readonly signal: AbortSignal
  readonly onProgress?: (progress: RunProgress) => void
  /** Once all devices are connected. */
  readonly onConnected?: () => void
}

export interface RunProgress {
  readonly sent: number
  readonly acknowledged: number
  readonly reconnects: number
  /** Share of the run's virtual time that is over. */
  readonly share: number
  readonly seconds: number
}

export interface RunReport {
  readonly scenario: string
  readonly seed: number
  readonly devices: number
  readonly from: string
  readonly to: string
  readonly faults: number
  readonly faultsLeftOut: number
  readonly sent: number
  readonly acknowledged: number
  readonly reconnects: number
  readonly seconds: number
  /** Acknowledged messages a second. */
  readonly rate: number
  readonly ackMs: Percentiles
  /** How far behind its schedule the run itself was: above a few ms the other figures are its own. None with the speed of `max`. */
  readonly generatorLateMs: Percentiles | null
  /** From when the reading that raised it was due to the event on MQTT; null without an event. */
  readonly eventMs: Percentiles | null
  readonly events: number
}

const tickMs = 10
/** On a schedule a device sends whether or not the last was acknowledged, until it has so many on their way: a platform that is down for minutes. */
const inFlightOfScheduleMax = 10_000
/** How long events are waited for when all is acknowledged. */
const lastEventsMsMax = 5_000
/** Messages on their way with `--speed max`: two of each device, so that devices are hardly further apart in virtual time. */
const inFlightOfDevice = 2
const inFlightTotal = { least: 64, most: 4_000 } as const

/**
 * Runs a plan through the platform, if it has no later readings of these devices: writes its truth, registers its devices, installs its rules, connects, and sends what is
 * due. Rejects with TIDEMARK_RUN_LATE, TIDEMARK_LEDGER_INVALID or TIDEMARK_TRUTH_INVALID (exit code 2), TIDEMARK_API_UNREACHABLE, TIDEMARK_MQTT_REFUSED or
 * TIDEMARK_MQTT_UNREACHABLE (3), TIDEMARK_API_ERROR.
 */
export async function run(options: RunOptions): Promise<RunReport> {
  const { plan, scenario, speed, api, mqttUrl, signal } = options
  if (!options.late) await refuseLate(api, plan)
  if (options.truth !== undefined) writeTruth(options.truth, plan, scenario)
  const ledger = options.ledger === undefined ? undefined : new LedgerWriter(options.ledger)
  const credentials = await api.provision(plan.devices)
  await installRules(api, scenario)
  const isMax = speed === Number.POSITIVE_INFINITY
  const runner = new FleetRunner({
    mqttUrl,
    credentials,
    ledger,
    signal,
    ...(isMax
      ? { inFlightTotalMax: inFlightAtMost(plan.devices.length) }
      : { inFlightMax: inFlightOfScheduleMax }),
  })
  const latency = new EventLatency(mqttUrl, api.token)
  await runner.connect()
  await latency.connect()
  options.onConnected?.()
  const startedAt = performance.now()
  const lateMicros = build({ numberOfSignificantValueDigits: 3 })
  let seconds = 0
  try {
    await send(options, runner, latency, lateMicros, startedAt)
  } finally {
    await runner.close()
    seconds = (performance.now() - startedAt) / 1000
    // The last events come after the last acknowledgement.
    if (!signal.aborted) await settled(api.until(signal), lastEventsMsMax).catch(() => undefined)
    await latency.close()
  }
  ledger?.close()
  const { sent, acknowledged, reconnects } = runner
  return {
    scenario: plan.scenario,
    seed: plan.seed,
    devices: plan.devices.length,
    from: new Date(plan.startMs).toISOString(),
    to: new Date(plan.endMs).toISOString(),
    faults: plan.truths.length,
    faultsLeftOut: plan.faultsLeftOut,
    sent,
    acknowledged,
    reconnects,
    seconds,
    rate: Math.round(acknowledged / seconds),
    ackMs: percentilesOf(runner.ackMicros),
    generatorLateMs: lateMicros.totalCount === 0 ? null : percentilesOf(lateMicros),
    eventMs: latency.micros.totalCount === 0 ? null : percentilesOf(latency.micros),
    events: latency.events,
  }
}

function inFlightAtMost(devices: number): number {
  return Math.min(inFlightTotal.most, Math.max(inFlightTotal.least, inFlightOfDevice * devices))
}

/** Sends what is due until all is sent or the run is interrupted. */
async function send(
  { plan, speed, signal, onProgress }: RunOptions,
  runner: FleetRunner,
  latency: EventLatency,
  lateMicros: Histogram,
  startedAt: number,
): Promise<void> {
  const { startMs, endMs } = plan
  const isMax = speed === Number.POSITIVE_INFINITY
  const progress = (virtualMs: number) => {
    const share = Math.min(1, (virtualMs - startMs) / (endMs - startMs))
    onProgress?.({
      sent: runner.sent,
      acknowledged: runner.acknowledged,
      reconnects: runner.reconnects,
      share,
      seconds: (performance.now() - startedAt) / 1000,
    })
  }
  let toldAt = 0
  for (const transmission of scheduled(plan)) {
    if (signal.aborted) break
    const { dueMs, device } = transmission
    // With the speed of `max` a message is due when it can be handed over.
    let dueAt = isMax ? performance.now() : startedAt + (dueMs - startMs) / speed
    if (dueAt > performance.now()) {
      runner.flush()
      while (dueAt > performance.now() && !signal.aborted) {
        progress(dueMs)
        await delay(Math.min(tickMs, dueAt - performance.now()), signal)
      }
    }
    if (!isMax) lateMicros.recordValue(Math.max(0, Math.round((performance.now() - dueAt) * 1000)))
    await runner.transmit(transmission, dueAt)
    if (isMax) dueAt = performance.now()
    if (transmission.kind === 'reading') latency.sent(device, transmission.reading.ts, dueAt)
    if (performance.now() - toldAt > 100) {
      toldAt = performance.now()
      progress(dueMs)
    }
  }
  runner.flush()
}

async function installRules(api: ApiClient, { packs, rules }: Scenario): Promise<void> {
  for (const pack of packs) await api.request('POST', '/rules:install', { pack })
  if (rules.length > 0) await api.request('POST', '/rules:apply', { rules })
}

/** The truth of a run, a line for each fault, and beside it what the run was: `score` reads both. */
export function writeTruth(file: string, plan: Plan, { pass }: Scenario): void {
  const { scenario, seed, startMs, endMs, devices, truths } = plan
  const about = { scenario, seed, startMs, endMs, devices: devices.map(({ id }) => id), pass }
  try {
    writeFileSync(file, truths.map((truth) => `${JSON.stringify(truth)}\n`).join(''))
    writeFileSync(`${file}.run.json`, `${JSON.stringify(about)}\n`)
  } catch (error) {
    throw new TidemarkError('TIDEMARK_TRUTH_INVALID', messageOf(error), { cause: error, exitCode: 2 })
  }
}
