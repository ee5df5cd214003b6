import { expect } from 'vitest'
import { MqttPublisher } from '../../simulators/mqtt-publisher.ts'
import type { PlatformProcess } from './platform-process.ts'

/** Longest wait for the last acknowledgement. */
const ackMsMax = 15_000

/** The client beside an attack: publishes one message after the other over one connection, and each must be acknowledged. */
export class HealthyClient {
  hasFailed = false
  readonly #publisher: MqttPublisher
  #published = 0
  #acknowledged = 0
  #stopping = false
  #sentAt = 0
  readonly #roundTripsMs: number[] = []
  #ended: () => void = () => undefined

  constructor({ mqttUrl }: PlatformProcess, id: string, secret: string) {
    this.#publisher = new MqttPublisher({
      url: mqttUrl,
      clientId: id,
      username: id,
      password: secret,
      topic: `devices/${id}/telemetry`,
      qos: 1,
      onAcknowledged: () => {
        this.#acknowledged++
        this.#roundTripsMs.push(performance.now() - this.#sentAt)
        setImmediate(() => this.#next())
      },
      onReconnect: () => {
        this.hasFailed = true
        this.#ended()
      },
    })
  }

  /** Messages acknowledged so far. */
  get acknowledged(): number {
    return this.#acknowledged
  }

  async start(): Promise<void> {
    await this.#publisher.connect()
    this.#next()
  }

  /** Resolves with the number of messages, all of them acknowledged; rejects when it lost its connection or waits in vain. */
  async stop(): Promise<number> {
    this.#stopping = true
    const idle = new Promise<void>((resolve) => {
      this.#ended = resolve
      if (this.hasFailed || this.#acknowledged === this.#published) resolve()
    })
    const late = setTimeout(() => this.#ended(), ackMsMax)
    await idle
    clearTimeout(late)
    await this.#publisher.close()
    if (this.hasFailed) throw new Error('the healthy client lost its connection')
    if (this.#acknowledged !== this.#published) throw new Error('the healthy client waits for a PUBACK')
    return this.#acknowledged
  }

  /** How long each message waited for its PUBACK. */
  get roundTripsMs(): readonly number[] {
    return this.#roundTripsMs
  }

  #next(): void {
    if (this.#stopping || this.hasFailed) return this.#ended()
    const ts = healthyTimeOf(this.#published++)
    this.#sentAt = performance.now()
    this.#publisher.publish(Buffer.from(`{"ts":${ts},"values":{"temperature_c":21.5}}`), 0)
    this.#publisher.flush()
  }
}

/** To a tenth. */
export function p99(durationsMs: readonly number[]): number {
  const sorted = durationsMs.toSorted((a, b) => a - b)
  return Math.round(10 * (sorted[Math.floor(sorted.length * 0.99)] ?? 0)) / 10
}

/** Unix ms of its nth message: a second apart, and none twice. */
export function healthyTimeOf(n: number): number {
  return 1_600_000_000_000 + n * 1_000
}

/** Number of readings of `device` in the database with such times. */
export async function storedOf({ api }: PlatformProcess, device: string): Promise<number> {
  const query = `device=${device}&metric=temperature_c&to=${healthyTimeOf(1e6)}&every=36500d&fn=count`
  const { items } = await api.request<{ items: { values: Record<string, number> }[] }>(
    'GET',
    `/readings?${query}`,
  )
  return items.reduce((sum, { values }) => sum + (values.temperature_c ?? 0), 0)
}

export interface Ledger {
  readonly acknowledged: number
  readonly stored: number
  readonly deadLettered: number
  readonly pending: number
}

/** The counters of /metrics once nothing is pending any more. */
export async function settledLedger(platform: PlatformProcess): Promise<Ledger> {
  await expect.poll(async () => (await ledgerOf(platform)).pending, { timeout: 30_000 }).toBe(0)
  return ledgerOf(platform)
}

/** The counters of /metrics now. */
export async function ledgerOf({ httpUrl }: PlatformProcess): Promise<Ledger> {
  const text = await (await fetch(`${httpUrl}/metrics`)).text()
  const sum = (name: string) => {
    const samples = [...text.matchAll(new RegExp(`^tidemark_messages_${name}(?:\\{[^}]*\\})? (\\d+)$`, 'gm'))]
    return samples.reduce((total, match) => total + Number(match[1]), 0)
  }
  return {
    acknowledged: sum('acknowledged_total'),
    stored: sum('stored_total'),
    deadLettered: sum('dead_lettered_total'),
    pending: sum('pending'),
  }
}
