import { telemetryTopic } from '../domain/names.ts'
import type { Value } from '../domain/profile.ts'
import { delay } from '../lib/clock.ts'
import type { DeviceCredentials } from './api-client.ts'
import type { LedgerWriter } from './ledger.ts'
import { MqttPublisher } from './mqtt-publisher.ts'

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
  readonly inFlightMax?: number
  readonly signal: AbortSignal
}

interface FleetDevice {
  readonly publisher: MqttPublisher
  readonly sent: Map<number, { reading: DueReading; sentAt: number }>
  seq: number
}

const roomWaitMs = 2
/** How long acknowledgements are waited for at the end, and after an interruption. */
const drainMsMax = 30_000
const interruptedDrainMsMax = 2_000

/** Connects a fleet and sends its readings at QoS 1 within a window, keeping the ledger of what was acknowledged. */
export class FleetRunner {
  sent = 0
  acknowledged = 0
  reconnects = 0
  readonly #options: FleetOptions
  readonly #devices = new Map<string, FleetDevice>()

  constructor(options: FleetOptions) {
    this.#options = options
  }

  /** Rejects with TIDEMARK_MQTT_REFUSED or TIDEMARK_MQTT_UNREACHABLE (exit code 3 both) when a device cannot connect; then none is. */
  async connect(): Promise<void> {
    const { mqttUrl, credentials } = this.#options
    const connecting = [...credentials].map(async ([id, { username, password }]) => {
      const publisher = new MqttPublisher({
        url: mqttUrl,
        clientId: id,
        username,
        password,
        topic: telemetryTopic(id),
        qos: 1,
        onAcknowledged: (seq) => this.#acknowledged(id, seq),
        onReconnect: () => this.reconnects++,
      })
      this.#devices.set(id, { publisher, sent: new Map(), seq: 0 })
      await publisher.connect()
    })
    try {
      await Promise.all(connecting)
    } catch (error) {
      await this.#disconnect()
      throw error
    }
  }

  /** Sends a reading; waits while the device's window is full. Once interrupted it sends nothing. */
  async send(reading: DueReading): Promise<void> {
    const { inFlightMax = 100, signal } = this.#options
    const device = this.#devices.get(reading.device)
    if (device === undefined) throw new Error(`${reading.device} is not connected`)
    while (device.publisher.inFlight >= inFlightMax && !signal.aborted) {
      device.publisher.flush()
      await delay(roomWaitMs, signal)
    }
    if (signal.aborted) return
    const seq = ++device.seq
    device.sent.set(seq, { reading, sentAt: Date.now() })
    this.sent++
    device.publisher.publish(
      Buffer.from(JSON.stringify({ ts: reading.ts, seq, values: reading.values })),
      seq,
    )
    if (device.publisher.inFlight * 2 >= inFlightMax) device.publisher.flush()
  }

  /** Writes what is queued for every device. */
  flush(): void {
    for (const { publisher } of this.#devices.values()) publisher.flush()
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

  async #disconnect(): Promise<void> {
    await Promise.all([...this.#devices.values()].map(({ publisher }) => publisher.close()))
  }

  #acknowledged(id: string, seq: number): void {
    const device = this.#devices.get(id)
    const sent = device?.sent.get(seq)
    if (device === undefined || sent === undefined) return
    device.sent.delete(seq)
    this.acknowledged++
    const { ts, values } = sent.reading
    this.#options.ledger?.add({ device: id, seq, ts, values, sentAt: sent.sentAt, ackedAt: Date.now() })
  }
}
