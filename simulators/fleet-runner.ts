import { build, type Histogram } from 'hdr-histogram-js'
import { telemetryTopic } from '../domain/names.ts'
import type { Value } from '../domain/profile.ts'
import { delay } from '../lib/clock.ts'
import type { DeviceCredentials } from './api-client.ts'
import type { LedgerWriter } from './ledger.ts'
import { MqttPublisher } from './mqtt-publisher.ts'
import type { Transmission } from './transmission.ts'

/** A reading that is due. */
export interface DueReading {
  readonly device: string
  readonly ts: number
  readonly values: Readonly<Record<string, Value>>
}

export interface FleetOptions {
  readonly mqttUrl: string
  readonly credentials: ReadonlyMap<string, DeviceCredentials>
  readonly ledger?: LedgerWriter | undefined
  /** Messages that one device may have sent without an acknowledgement. */
  readonly inFlightMax?: number
  /** And all of them together: how far devices can be apart in virtual time. */
  readonly inFlightTotalMax?: number
  readonly signal: AbortSignal
}

/** What an acknowledgement means: a line of the ledger. */
interface Sent {
  readonly seq: number
  readonly ts: number
  readonly values: Readonly<Record<string, Value>>
  /** Reason code of what is sent to be dead-lettered. */
  readonly deadLetter?: string
  readonly sentAt: number
  /** When it was due, by `performance.now()`. */
  readonly dueAt: number
}

interface FleetDevice {
  readonly id: string
  readonly publisher: MqttPublisher
  readonly sent: Map<number, Sent>
  /** Of the message, which may carry the same reading as another. */
  tag: number
  /** Of readings that are sent without one. */
  seq: number
}

const roomWaitMs = 1
/** How long acknowledgements are waited for at the end, and after an interruption. */
const drainMsMax = 30_000
const interruptedDrainMsMax = 2_000
/** Connections that are being opened at once. */
const connectingMax = 100

/** Connects a fleet and sends what it is told at QoS 1 within a window, keeping the ledger of what was acknowledged. */
export class FleetRunner {
  sent = 0
  acknowledged = 0
  reconnects = 0
  /** From when a message was due to its acknowledgement, µs. */
  readonly ackMicros: Histogram = build({ numberOfSignificantValueDigits: 3 })
  readonly #options: FleetOptions
  readonly #devices = new Map<string, FleetDevice>()
  readonly #waiting = new Set<FleetDevice>()

  constructor(options: FleetOptions) {
    this.#options = options
  }

  /** Rejects with TIDEMARK_MQTT_REFUSED or TIDEMARK_MQTT_UNREACHABLE (exit code 3 both) when a device cannot connect; then none is. */
  async connect(): Promise<void> {
    const left = this.#options.credentials.entries()
    const connectNext = async () => {
      for (const [id, login] of left) await this.#connectDevice(id, login)
    }
    try {
      await Promise.all(Array.from({ length: connectingMax }, connectNext))
    } catch (error) {
      await this.#disconnect()
      throw error
    }
  }

  async #connectDevice(id: string, { username, password }: DeviceCredentials): Promise<void> {
    const publisher = new MqttPublisher({
      url: this.#options.mqttUrl,
      clientId: id,
      username,
      password,
      topic: telemetryTopic(id),
      qos: 1,
      onAcknowledged: (tag) => this.#acknowledged(id, tag),
      onReconnect: () => this.reconnects++,
    })
    this.#devices.set(id, { id, publisher, sent: new Map(), tag: 0, seq: 0 })
    await publisher.connect()
  }

  /** Sends a reading with the device's next `seq`; waits while a window is full. Once interrupted it sends nothing. */
  async send({ device, ts, values }: DueReading): Promise<void> {
    const seq = ++this.#device(device).seq
    const reading = { seq, ts, values }
    await this.transmit({ kind: 'reading', device, dueMs: ts, reading }, performance.now())
  }

  /** Does what a device does, which was due at `dueAt` (`performance.now()`); waits while a window is full. Rejects with what the ledger fails of. */
  async transmit(transmission: Transmission, dueAt: number): Promise<void> {
    const device = this.#device(transmission.device)
    if (this.#options.ledger?.failure !== undefined) throw this.#options.ledger.failure
    if (!this.#hasRoom(device)) await this.#room(device)
    if (this.#options.signal.aborted) return
    switch (transmission.kind) {
      case 'reading': {
        const { seq, ts, values } = transmission.reading
        const given = { seq, ts, values: valuesGiven(values) }
        this.#publish(device, JSON.stringify(transmission.reading), { ...given, dueAt })
        return
      }
      case 'malformed': {
        const { seq, dueMs: ts, payload, reason: deadLetter } = transmission
        this.#publish(device, payload, { seq, ts, values: {}, deadLetter, dueAt })
        return
      }
      case 'oversize':
        device.publisher.publishOnce(telemetryTopic(device.id), Buffer.alloc(transmission.bytes, 0x20))
        return
      case 'wrong-topic':
        device.publisher.publishOnce(transmission.topic, Buffer.from(transmission.payload))
        return
      case 'reconnect':
        device.publisher.drop()
    }
  }

  #publish(device: FleetDevice, payload: string, sent: Omit<Sent, 'sentAt'>): void {
    const tag = ++device.tag
    device.sent.set(tag, { ...sent, sentAt: Date.now() })
    this.sent++
    device.publisher.publish(Buffer.from(payload), tag)
    this.#waiting.add(device)
    const { inFlightMax = 100 } = this.#options
    if (device.publisher.inFlight * 2 >= inFlightMax) device.publisher.flush()
  }

  #hasRoom({ publisher }: FleetDevice): boolean {
    const { inFlightMax = 100, inFlightTotalMax = Number.POSITIVE_INFINITY } = this.#options
    return publisher.inFlight < inFlightMax && this.sent - this.acknowledged < inFlightTotalMax
  }

  async #room(device: FleetDevice): Promise<void> {
    const { signal } = this.#options
    while (!this.#hasRoom(device) && !signal.aborted) {
      this.flush()
      await delay(roomWaitMs, signal)
    }
  }

  /** Writes what is queued. */
  flush(): void {
    for (const { publisher } of this.#waiting) publisher.flush()
    this.#waiting.clear()
  }

  /** Waits for the acknowledgements that are due, for a while; then disconnects. */
  async close(): Promise<void> {
    const startedAt = Date.now()
    const drainMs = () => (this.#options.signal.aborted ? interruptedDrainMsMax : drainMsMax)
    while (this.acknowledged < this.sent && Date.now() - startedAt < drainMs()) {
      this.flush()
      await delay(10)
    }
    await this.#disconnect()
    this.#options.ledger?.flush()
  }

  #device(id: string): FleetDevice {
    const device = this.#devices.get(id)
    if (device === undefined) throw new Error(`${id} is not connected`)
    return device
  }

  async #disconnect(): Promise<void> {
    await Promise.all([...this.#devices.values()].map(({ publisher }) => publisher.close()))
  }

  #acknowledged(id: string, tag: number): void {
    const device = this.#devices.get(id)
    const sent = device?.sent.get(tag)
    if (device === undefined || sent === undefined) return
    device.sent.delete(tag)
    this.acknowledged++
    const { dueAt, ...entry } = sent
    this.ackMicros.recordValue(Math.max(0, Math.round((performance.now() - dueAt) * 1000)))
    this.#options.ledger?.add({ device: id, ...entry, ackedAt: Date.now() })
  }
}

/** What the platform stores of a reading: `null` is no value. */
function valuesGiven(values: Readonly<Record<string, Value | null>>): Readonly<Record<string, Value>> {
  for (const name in values) {
    if (values[name] === null) {
      return Object.fromEntries(
        Object.entries(values).filter((entry): entry is [string, Value] => entry[1] !== null),
      )
    }
  }
  return values as Readonly<Record<string, Value>>
}
