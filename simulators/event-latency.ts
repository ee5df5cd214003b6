import { build, type Histogram } from 'hdr-histogram-js'
import type { MqttClient } from 'mqtt'
import { operatorClient } from './operator-client.ts'

/** What of an event is needed here. */
interface EventSeen {
  readonly subject: string
  readonly time: string
}

/** Of each device so many of its newest readings are remembered: an event comes soon after its reading, or is no measure. */
const rememberedMax = 64

/** How long it takes from a reading to the event that it raised, as a subscriber of `events/#` sees it. */
export class EventLatency {
  /** From when the reading was due, µs. */
  readonly micros: Histogram = build({ numberOfSignificantValueDigits: 3 })
  events = 0
  readonly #url: string
  readonly #token: string
  readonly #dueAt = new Map<string, Map<number, number>>()
  #client: MqttClient | undefined

  /** `token` is an API token: operators connect with it as user `api`. */
  constructor(url: string, token: string) {
    this.#url = url
    this.#token = token
  }

  /** Subscribes. An operator who is refused measures nothing: the run goes on without this figure. */
  async connect(): Promise<void> {
    this.#client = await operatorClient(this.#url, this.#token, 'events/#')
    this.#client?.on('message', (_topic, payload) => this.#received(payload))
  }

  /** A reading was due at `dueAt` (`performance.now()`). */
  sent(device: string, ts: number, dueAt: number): void {
    let known = this.#dueAt.get(device)
    if (known === undefined) {
      known = new Map()
      this.#dueAt.set(device, known)
    }
    known.set(ts, dueAt)
    if (known.size > rememberedMax) known.delete(known.keys().next().value!)
  }

  async close(): Promise<void> {
    await this.#client?.endAsync(true)
    this.#client = undefined
  }

  #received(payload: Buffer): void {
    this.events++
    const { subject, time } = JSON.parse(payload.toString()) as EventSeen
    const dueAt = this.#dueAt.get(subject)?.get(Date.parse(time))
    if (dueAt === undefined) return
    this.micros.recordValue(Math.max(0, Math.round((performance.now() - dueAt) * 1000)))
  }
}
