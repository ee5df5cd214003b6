import { matches } from './rights.ts'

/** In aedes' shape. */
export interface RetainedPacket {
  readonly topic: string
  readonly payload: string | Buffer
}

/** The last retained message of each topic, in memory. */
export class RetainedMessages {
  readonly #byTopic = new Map<string, RetainedPacket>()

  /** [MQTT-3.3.1-10], [MQTT-3.3.1-11]: one without payload takes away what there was. */
  keep(packet: RetainedPacket): void {
    if (packet.payload.length === 0) this.#byTopic.delete(packet.topic)
    else this.#byTopic.set(packet.topic, { ...packet })
  }

  /** Those that new subscriptions bring, filter by filter. */
  *matching(filters: readonly string[]): Generator<RetainedPacket> {
    for (const filter of filters) {
      if (/[+#]/.test(filter)) {
        for (const packet of this.#byTopic.values()) if (matches(filter, packet.topic)) yield packet
      } else {
        const packet = this.#byTopic.get(filter)
        if (packet !== undefined) yield packet
      }
    }
  }
}
