import { telemetryTopic } from '../domain/names.ts'
import { delay } from '../lib/clock.ts'
import { TidemarkError } from '../lib/errors.ts'
import type { DeviceCredentials } from './api-client.ts'
import { BenchPayload, payloadBytesMax, payloadBytesMin } from './bench/bench-payload.ts'
import { connectionRamp } from './bench/connection-ramp.ts'
import { type Figures, Measurement, type Percentiles, percentiles } from './bench/measurement.ts'
import { findKnee, type RateStep, tryRates } from './bench/rate-steps.ts'
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
  readonly qos: 0 | 1 | 2
  /** Of each message, filled up with text; undefined: five numbers and no more. */
  readonly payloadBytes?: number | undefined
  /** Connections a second. */
  readonly connectRate?: number | undefined
  /** In place of `rate` and `durationMs`: rates to try one after another, or a search for the highest that holds. */
  readonly steps?: readonly number[] | 'knee' | undefined
  readonly stepDurationMs?: number | undefined
  /** A rate holds when p99 is below this, and as many are acknowledged that soon after its time. */
  readonly kneeMs?: number | undefined
  /** None for a broker that takes anybody. */
  readonly credentials?: ReadonlyMap<string, DeviceCredentials> | undefined
  readonly ledger?: string | undefined
  readonly reconnectMsMax?: number
  readonly signal: AbortSignal
  readonly onConnecting?: ((connected: number) => void) | undefined
  readonly onProgress?: (progress: { sent: number; acknowledged: number }) => void
}

/** With steps the figures are of all of them together, and `boundBy` of the lowest rate that did not hold. */
export interface BenchReport extends Figures {
  /** When the last acknowledgement had come, Unix ms. */
  readonly endedAt: number
  readonly connections: { readonly open: number; readonly refused: number; readonly seconds: number }
  /** From the attempt to CONNACK. */
  readonly connectMs: Percentiles
  /** What the first refusal said. */
  readonly refusal?: string
  readonly steps?: readonly RateStep[]
  /** The highest of the rates that held; null when none did. */
  readonly knee?: number | null
  readonly reconnects: number
  /** Of the generator, from the first message to the last acknowledgement. */
  readonly cpuSeconds: number
}

/** What comes back with an acknowledgement: the message's number, when it was due, and when it was sent (Unix ms, for the ledger). */
interface SentMessage {
  readonly seq: number
  readonly intendedAt: number
  readonly sentAt: number
}

interface BenchDevice {
  readonly publisher: MqttPublisher<SentMessage>
  readonly id: string
  seq: number
}

export function benchDeviceId(index: number): string {
  return `bench-${index}`
}

export const benchDefaults = { connectRate: 500, stepDurationMs: 10_000, kneeMs: 100 } as const

const tickMs = 2
const roomWaitMs = 1
/** With fewer messages in flight in all the wait itself would be the limit. */
const waitingWindowMin = 400
/** As many as the queue of most servers for connections that they have not yet taken. */
const connectsAtOnceMax = 100
/** How long acknowledgements are waited for at the end, and after an interruption. */
const drainMsMax = 30_000
const interruptedDrainMsMax = 2_000
const messagesPerTickMax = 2_000
const keptUpShare = 0.99
/** A step ends when this many times `kneeMs` of its messages wait: it does not hold, and memory is bounded. */
const overloadFactor = 10

/**
 * Load on a broker: five numbers a message, a time of its own for each. Rejects with TIDEMARK_BENCH_INVALID or
 * TIDEMARK_LEDGER_INVALID (exit code 2), when not one connects with TIDEMARK_MQTT_REFUSED or TIDEMARK_MQTT_UNREACHABLE (3),
 * TIDEMARK_MQTT_UNACKNOWLEDGED.
 */
export async function bench(options: BenchOptions): Promise<BenchReport> {
  const problem = problemOf(options)
  if (problem !== undefined) throw new TidemarkError('TIDEMARK_BENCH_INVALID', problem, { exitCode: 2 })
  return new BenchRun(options).run()
}

function problemOf({ qos, rate, inFlight, steps, payloadBytes }: BenchOptions): string | undefined {
  if (qos === 0 && steps !== undefined) return 'at QoS 0 there are no acknowledgements to find a limit by'
  if (qos === 0 && rate === Number.POSITIVE_INFINITY) {
    return 'at QoS 0 there are no acknowledgements to make room in a window: give a rate'
  }
  if (inFlight > packetIdMax) {
    return `a connection has ${packetIdMax} packet identifiers: no window of ${inFlight}`
  }
  if (payloadBytes !== undefined && (payloadBytes < payloadBytesMin || payloadBytes > payloadBytesMax)) {
    return `a payload has ${payloadBytesMin} to ${payloadBytesMax} bytes, not ${payloadBytes}`
  }
  return undefined
}

class BenchRun {
  readonly #options: BenchOptions
  readonly #payload: BenchPayload
  #devices: BenchDevice[] = []
  readonly #ledger: LedgerWriter | undefined
  #measured: Measurement
  #reconnects = 0
  #baseTs = Date.now()
  #isFilling = false
  readonly #withRoom = new Set<BenchDevice>()

  constructor(options: BenchOptions) {
    this.#options = options
    this.#payload = new BenchPayload(options.payloadBytes)
    this.#ledger = options.ledger === undefined ? undefined : new LedgerWriter(options.ledger)
    this.#measured = new Measurement()
  }

  async run(): Promise<BenchReport> {
    try {
      const connections = await this.#connect()
      const cpuBefore = process.cpuUsage()
      this.#baseTs = Date.now()
      const figures = await this.#load()
      const { user, system } = process.cpuUsage(cpuBefore)
      const cpuSeconds = (user + system) / 1e6
      return { ...figures, endedAt: Date.now(), ...connections, reconnects: this.#reconnects, cpuSeconds }
    } finally {
      await Promise.all(this.#devices.map(({ publisher }) => publisher.close()))
      this.#ledger?.close()
    }
  }

  /** Goes on with the connections that it gets; rejects when it gets none. */
  async #connect(): Promise<Pick<BenchReport, 'connections' | 'connectMs' | 'refusal'>> {
    const { devices, connectRate = benchDefaults.connectRate, signal, onConnecting } = this.#options
    const all = Array.from({ length: devices }, (_, i) => this.#device(benchDeviceId(i)))
    const { outcomes, seconds } = await connectionRamp(
      all.map(
        ({ publisher }) =>
          () =>
            publisher.connect(),
      ),
      { connectRate, atOnceMax: connectsAtOnceMax, signal, onConnecting },
    )
    this.#devices = all.filter((_, i) => typeof outcomes[i] === 'number')
    const refusals = outcomes.filter((outcome) => outcome instanceof Error)
    if (this.#devices.length === 0 && refusals[0] !== undefined) throw refusals[0]
    return {
      connections: { open: this.#devices.length, refused: refusals.length, seconds },
      connectMs: percentiles(outcomes.filter((outcome) => typeof outcome === 'number')),
      ...(refusals[0] === undefined ? {} : { refusal: refusals[0].message }),
    }
  }

  #device(id: string): BenchDevice {
    const { url, qos, credentials, reconnectMsMax } = this.#options
    const login = credentials?.get(id)
    const device: BenchDevice = {
      id,
      seq: 0,
      publisher: new MqttPublisher<SentMessage>({
        url,
        clientId: id,
        username: login?.username,
        password: login?.password,
        topic: telemetryTopic(id),
        qos,
        reconnectMsMax,
        onAcknowledged: (message) => this.#onAcknowledged(device, message),
        onAcknowledgements: () => this.#onRoom(device),
        onReconnect: () => this.#reconnects++,
      }),
    }
    return device
  }

  async #load(): Promise<Figures & Partial<BenchReport>> {
    const { steps, rate, durationMs } = this.#options
    if (steps !== undefined) return this.#trySteps(steps)
    this.#measured = new Measurement()
    const isClosed = rate === Number.POSITIVE_INFINITY
    const kept = isClosed ? await this.#closedLoop() : await this.#openLoop(rate, durationMs)
    await this.#drain()
    return this.#measured.figures(kept)
  }

  async #trySteps(steps: readonly number[] | 'knee'): Promise<Figures & Partial<BenchReport>> {
    const { stepDurationMs = benchDefaults.stepDurationMs, kneeMs = benchDefaults.kneeMs } = this.#options
    const total = new Measurement()
    const tryRate = async (rate: number): Promise<RateStep | undefined> => {
      if (this.#options.signal.aborted || this.#inFlight > 0) return undefined
      this.#measured = new Measurement()
      const { acknowledgedRate, keptUp } = await this.#openLoop(rate, stepDurationMs, this.#overload(rate))
      await this.#drain()
      total.add(this.#measured)
      if (this.#options.signal.aborted) return undefined
      const holds = keptUp && this.#measured.figures({ keptUp }).ackMs.p99 < kneeMs
      return { ...this.#measured.figures({ keptUp: holds }), rate, acknowledgedRate, holds }
    }
    const { boundBy, ...tried } = await (steps === 'knee' ? findKnee(tryRate) : tryRates(steps, tryRate))
    total.endOfSending()
    return { ...total.figures({ keptUp: true }), ...tried, boundBy }
  }

  /** So many unacknowledged messages that a step cannot hold any more; with fewer identifiers than that, most of them. */
  #overload(rate: number): number {
    const { devices, kneeMs = benchDefaults.kneeMs } = this.#options
    const waiting = Math.max(messagesPerTickMax, (rate * kneeMs * overloadFactor) / 1000)
    return Math.min(waiting, (devices * packetIdMax) / 2)
  }

  /** Waits for the acknowledgements that are due, for a while. */
  async #drain(): Promise<void> {
    const { qos, signal } = this.#options
    const startedAt = performance.now()
    const drainMs = () => (qos === 0 ? 0 : signal.aborted ? interruptedDrainMsMax : drainMsMax)
    while (this.#inFlight > 0 && performance.now() - startedAt < drainMs()) await delay(1)
  }

  get #inFlight(): number {
    return this.#measured.sent - this.#measured.acknowledged
  }

  /** Each device keeps its window full: acknowledgements make room for the next messages. */
  async #closedLoop(): Promise<undefined> {
    const { durationMs, messagesMax = Number.POSITIVE_INFINITY, signal } = this.#options
    const endsAt = performance.now() + durationMs
    this.#isFilling = !signal.aborted
    if (this.#isFilling) for (const device of this.#devices) this.#fill(device)
    while (!signal.aborted && this.#measured.sent < messagesMax && performance.now() < endsAt) {
      this.#progress()
      await delay(20, signal)
    }
    this.#isFilling = false
    this.#measured.endOfSending()
  }

  /**
   * Half a window makes one write of many messages. With less it waits a little for more, and no longer: a broker whose
   * acknowledgements Nagle's algorithm holds back sends them when the next bytes come, else 40 ms later.
   */
  #onRoom(device: BenchDevice): void {
    if (!this.#isFilling) return
    if (device.publisher.inFlight * 2 <= this.#options.inFlight) return this.#fill(device)
    if (this.#withRoom.size === 0) {
      if (this.#options.inFlight * this.#devices.length < waitingWindowMin)
        setImmediate(() => this.#fillAll())
      else setTimeout(() => this.#fillAll(), roomWaitMs)
    }
    this.#withRoom.add(device)
  }

  #fillAll(): void {
    if (this.#isFilling) for (const device of this.#withRoom) this.#fill(device)
    this.#withRoom.clear()
  }

  #fill(device: BenchDevice): void {
    const { publisher } = device
    const { inFlight, messagesMax = Number.POSITIVE_INFINITY } = this.#options
    const now = performance.now()
    while (publisher.inFlight < inFlight && this.#measured.sent < messagesMax) this.#send(device, now)
    publisher.flush()
  }

  /**
   * Messages leave on schedule, device after device, whether or not the last were acknowledged. `keptUp` when almost as
   * many as the schedule asked for were acknowledged with it or `kneeMs` after.
   */
  async #openLoop(
    rate: number,
    durationMs: number,
    inFlightMax = Number.POSITIVE_INFINITY,
  ): Promise<{ keptUp: boolean; acknowledgedRate: number }> {
    const { messagesMax = Number.POSITIVE_INFINITY, kneeMs = benchDefaults.kneeMs, signal } = this.#options
    const measured = this.#measured
    const startedAt = performance.now()
    const total = Math.min(messagesMax, Math.round((rate * durationMs) / 1000))
    let isOverloaded = false
    while (measured.sent < total && !isOverloaded && !signal.aborted) {
      const now = performance.now()
      const scheduled = Math.floor(((now - startedAt) / 1000) * rate)
      this.#sendDue(Math.min(total, scheduled, measured.sent + messagesPerTickMax), now, startedAt, rate)
      isOverloaded = this.#inFlight > inFlightMax
      this.#progress()
      await delay(tickMs)
    }
    measured.endOfSending()
    const endedAt = performance.now()
    while (this.#inFlight > 0 && performance.now() < endedAt + kneeMs) await delay(1)
    const { acknowledged } = measured
    const seconds = ((this.#inFlight > 0 ? performance.now() : endedAt) - startedAt) / 1000
    const asked = signal.aborted ? measured.sent : total
    return {
      keptUp: acknowledged >= asked * keptUpShare,
      acknowledgedRate: Math.round(acknowledged / seconds),
    }
  }

  #sendDue(due: number, now: number, startedAt: number, rate: number): void {
    const [devices, first] = [this.#devices, this.#measured.sent]
    while (this.#measured.sent < due) {
      const intendedAt = startedAt + (this.#measured.sent / rate) * 1000
      this.#measured.left(now, intendedAt)
      this.#send(devices[this.#measured.sent % devices.length]!, intendedAt)
    }
    const flushed = Math.min(due - first, devices.length)
    for (let i = 0; i < flushed; i++) devices[(first + i) % devices.length]!.publisher.flush()
  }

  #send(device: BenchDevice, intendedAt: number): void {
    const seq = ++device.seq
    this.#measured.sent++
    const sentAt = this.#ledger === undefined ? 0 : Date.now()
    device.publisher.publish(this.#payload.text(this.#baseTs + seq, seq), { seq, intendedAt, sentAt })
  }

  #onAcknowledged(device: BenchDevice, { seq, intendedAt, sentAt }: SentMessage): void {
    this.#measured.acknowledgedAfter(performance.now() - intendedAt)
    if (this.#ledger === undefined) return
    const entry = { device: device.id, seq, ts: this.#baseTs + seq, values: this.#payload.values(seq) }
    this.#ledger.add({ ...entry, sentAt, ackedAt: Date.now() })
  }

  #progress(): void {
    const { sent, acknowledged } = this.#measured
    this.#options.onProgress?.({ sent, acknowledged })
  }
}
