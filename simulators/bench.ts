import { build, type Histogram } from 'hdr-histogram-js'
import { telemetryTopic } from '../domain/names.ts'
import { delay } from '../lib/clock.ts'
import { TidemarkError } from '../lib/errors.ts'
import type { DeviceCredentials } from './api-client.ts'
import { LedgerWriter } from './ledger.ts'
import { MqttPublisher, packetIdMax } from './mqtt-publisher.ts'

export interface BenchOptions {
  readonly url: string
  readonly devices: number
  /** Messages a second in all, on schedule whatever is acknowledged; Infinity sends as the window allows. */
  readonly rate: number
  readonly durationMs: number
  /** Ends the run when this many are sent. */
  readonly messagesMax?: number | undefined
  readonly inFlight: number
  readonly qos: 0 | 1
  /** None for a broker that takes anybody. */
  readonly credentials?: ReadonlyMap<string, DeviceCredentials> | undefined
  readonly ledger?: string | undefined
  readonly reconnectMsMax?: number
  readonly signal: AbortSignal
  readonly onProgress?: (progress: { sent: number; acknowledged: number }) => void
}

export interface BenchReport {
  readonly sent: number
  readonly acknowledged: number
  readonly seconds: number
  /** When the last acknowledgement had come, Unix ms. */
  readonly endedAt: number
  /** Acknowledged messages a second. */
  readonly rate: number
  /** From the intended time of sending to the acknowledgement. */
  readonly ackMs: { readonly p50: number; readonly p90: number; readonly p99: number; readonly max: number }
  /** How far behind its schedule the generator itself was: above a few ms its figures are its own. */
  readonly generatorLateMs: { readonly p99: number; readonly max: number }
  readonly reconnects: number
  readonly cpuSeconds: number
}

interface BenchDevice {
  readonly publisher: MqttPublisher
  readonly id: string
  /** Intended send time of each message, by its tag modulo the window's size. */
  readonly intendedAt: Float64Array
  readonly sentTs: Float64Array
  seq: number
}

export function benchDeviceId(index: number): string {
  return `bench-${index}`
}

const tickMs = 2
/** How long acknowledgements are waited for at the end, and after an interruption. */
const drainMsMax = 30_000
const interruptedDrainMsMax = 2_000
const messagesPerTickMax = 2_000
const firstValues = { active_power_w: 1234.5, voltage_v: 230.1, current_a: 5.37, frequency_hz: 50.01 }

/**
 * Load on a broker: five numbers a message, a time of its own for each. Rejects with TIDEMARK_BENCH_INVALID or
 * TIDEMARK_LEDGER_INVALID (exit code 2), TIDEMARK_MQTT_REFUSED or TIDEMARK_MQTT_UNREACHABLE (3), TIDEMARK_MQTT_UNACKNOWLEDGED.
 */
export async function bench(options: BenchOptions): Promise<BenchReport> {
  if (options.qos === 0 && options.rate === Number.POSITIVE_INFINITY) {
    const message = 'at QoS 0 there are no acknowledgements to make room in a window: give a rate'
    throw new TidemarkError('TIDEMARK_BENCH_INVALID', message, { exitCode: 2 })
  }
  if (options.inFlight > packetIdMax) {
    const message = `a connection has ${packetIdMax} packet identifiers: no window of ${options.inFlight}`
    throw new TidemarkError('TIDEMARK_BENCH_INVALID', message, { exitCode: 2 })
  }
  const run = new BenchRun(options)
  await run.connect()
  return run.run()
}

class BenchRun {
  readonly #options: BenchOptions
  readonly #devices: BenchDevice[] = []
  readonly #latency: Histogram = build({ numberOfSignificantValueDigits: 3 })
  readonly #lateness: Histogram = build({ numberOfSignificantValueDigits: 3 })
  readonly #ledger: LedgerWriter | undefined
  readonly #tagMask: number
  #sent = 0
  #acknowledged = 0
  #reconnects = 0
  #baseTs = Date.now()
  #isSending = false

  constructor(options: BenchOptions) {
    this.#options = options
    this.#ledger = options.ledger === undefined ? undefined : new LedgerWriter(options.ledger)
    this.#tagMask = 2 ** 17 - 1
  }

  async connect(): Promise<void> {
    const { devices, url, credentials, qos } = this.#options
    for (let i = 0; i < devices; i++) {
      const id = benchDeviceId(i)
      const login = credentials?.get(id)
      const device: BenchDevice = {
        id,
        intendedAt: new Float64Array(this.#tagMask + 1),
        sentTs: new Float64Array(this.#tagMask + 1),
        seq: 0,
        publisher: new MqttPublisher({
          url,
          clientId: id,
          username: login?.username,
          password: login?.password,
          topic: telemetryTopic(id),
          qos,
          reconnectMsMax: this.#options.reconnectMsMax,
          onAcknowledged: (seq) => this.#onAcknowledged(device, seq),
          onReconnect: () => this.#reconnects++,
        }),
      }
      this.#devices.push(device)
    }
    try {
      await Promise.all(this.#devices.map(({ publisher }) => publisher.connect()))
    } catch (error) {
      await this.#close()
      throw error
    }
  }

  async run(): Promise<BenchReport> {
    const { rate } = this.#options
    const cpuBefore = process.cpuUsage()
    const startedAt = performance.now()
    this.#baseTs = Date.now()
    this.#isSending = true
    try {
      if (rate === Number.POSITIVE_INFINITY) await this.#closedLoop(startedAt)
      else await this.#openLoop(startedAt)
      this.#isSending = false
      await this.#drain()
      return this.#report((performance.now() - startedAt) / 1000, process.cpuUsage(cpuBefore))
    } finally {
      await this.#close()
    }
  }

  /** Waits for the acknowledgements that are due, for a while. */
  async #drain(): Promise<void> {
    const { qos, signal } = this.#options
    const startedAt = performance.now()
    const drainMs = () => (qos === 0 ? 0 : signal.aborted ? interruptedDrainMsMax : drainMsMax)
    while (this.#acknowledged < this.#sent && performance.now() - startedAt < drainMs()) await delay(1)
  }

  async #close(): Promise<void> {
    await Promise.all(this.#devices.map(({ publisher }) => publisher.close()))
    this.#ledger?.close()
  }

  #report(seconds: number, cpu: NodeJS.CpuUsage): BenchReport {
    const ms = (micros: number) => micros / 1000
    // A percentile is the upper end of its bucket, which may lie above all that was recorded.
    const at = (histogram: Histogram, percentile: number) =>
      ms(Math.min(histogram.getValueAtPercentile(percentile), histogram.maxValue))
    return {
      sent: this.#sent,
      acknowledged: this.#acknowledged,
      seconds,
      endedAt: Date.now(),
      rate: Math.round(this.#acknowledged / seconds),
      ackMs: {
        p50: at(this.#latency, 50),
        p90: at(this.#latency, 90),
        p99: at(this.#latency, 99),
        max: ms(this.#latency.maxValue),
      },
      generatorLateMs: { p99: at(this.#lateness, 99), max: ms(this.#lateness.maxValue) },
      reconnects: this.#reconnects,
      cpuSeconds: (cpu.user + cpu.system) / 1e6,
    }
  }

  /** Each device keeps its window full: an acknowledgement makes room for the next message. */
  async #closedLoop(startedAt: number): Promise<void> {
    for (const device of this.#devices) this.#fill(device)
    while (!this.#isOver(startedAt)) {
      this.#progress()
      await delay(20, this.#options.signal)
    }
  }

  #fill(device: BenchDevice): void {
    const { publisher } = device
    const max = this.#options.messagesMax ?? Number.POSITIVE_INFINITY
    const now = performance.now()
    while (publisher.inFlight < this.#options.inFlight && this.#sent < max) this.#send(device, now)
    publisher.flush()
  }

  /** Messages leave on schedule, device after device, whether or not the last were acknowledged. */
  async #openLoop(startedAt: number): Promise<void> {
    const { rate, durationMs, messagesMax = Number.POSITIVE_INFINITY } = this.#options
    const total = Math.min(messagesMax, Math.round((rate * durationMs) / 1000))
    while (this.#sent < total && !this.#options.signal.aborted) {
      const now = performance.now()
      const due = Math.min(
        total,
        Math.floor(((now - startedAt) / 1000) * rate),
        this.#sent + messagesPerTickMax,
      )
      while (this.#sent < due) {
        const intendedAt = startedAt + (this.#sent / rate) * 1000
        this.#lateness.recordValue(Math.max(0, Math.round((now - intendedAt) * 1000)))
        this.#send(this.#devices[this.#sent % this.#devices.length]!, intendedAt)
      }
      for (const { publisher } of this.#devices) publisher.flush()
      this.#progress()
      await delay(tickMs)
    }
  }

  #send(device: BenchDevice, intendedAt: number): void {
    const seq = ++device.seq
    const ts = this.#baseTs + seq
    device.intendedAt[seq & this.#tagMask] = intendedAt
    device.sentTs[seq & this.#tagMask] = Date.now()
    this.#sent++
    device.publisher.publish(payload(ts, seq), seq)
  }

  #onAcknowledged(device: BenchDevice, seq: number): void {
    this.#acknowledged++
    const index = seq & this.#tagMask
    this.#latency.recordValue(Math.max(0, Math.round((performance.now() - device.intendedAt[index]!) * 1000)))
    if (this.#ledger !== undefined) {
      const values = { ...firstValues, energy_import_kwh: seq }
      const entry = { device: device.id, seq, ts: this.#baseTs + seq, values }
      this.#ledger.add({ ...entry, sentAt: device.sentTs[index]!, ackedAt: Date.now() })
    }
    if (!this.#isSending || this.#options.rate !== Number.POSITIVE_INFINITY) return
    // Refilled by half windows: one write for many messages.
    if (device.publisher.inFlight * 2 <= this.#options.inFlight) this.#fill(device)
  }

  #isOver(startedAt: number): boolean {
    const { durationMs, messagesMax = Number.POSITIVE_INFINITY, signal } = this.#options
    return signal.aborted || this.#sent >= messagesMax || performance.now() - startedAt >= durationMs
  }

  #progress(): void {
    this.#options.onProgress?.({ sent: this.#sent, acknowledged: this.#acknowledged })
  }
}

function payload(ts: number, seq: number): Buffer {
  const { active_power_w, voltage_v, current_a, frequency_hz } = firstValues
  return Buffer.from(
    `{"ts":${ts},"seq":${seq},"values":{"active_power_w":${active_power_w},"voltage_v":${voltage_v},` +
      `"current_a":${current_a},"frequency_hz":${frequency_hz},"energy_import_kwh":${seq}}}`,
  )
}
