import type { Duplex } from 'node:stream'
import { writeToStream } from 'mqtt-packet'
import type { MessageIds, Numbered } from './message-ids.ts'
import { matches } from './rights.ts'

/** What this needs of aedes' client. */
export interface ReceivingClient extends Numbered {
  readonly conn: Duplex | object
  readonly connected: boolean
  readonly subscriptions: Readonly<Record<string, { readonly qos: number }>>
}

export interface DeviceMessage {
  readonly topic: string
  readonly payload: string
  /** The device has acknowledged it; not called where it subscribed at QoS 0. Until it resolves, the connection is not sent it again. */
  readonly onAcknowledged: () => Promise<void>
}

/**
 * Messages of the platform to one device, at most at QoS 1, past the router: a persistent session would keep them, and send them when
 * their sender no longer wants that. Who sends keeps them, and sends again when the device is back.
 */
export class DeviceSender {
  /** Of a connection: what it was sent and has not acknowledged. */
  readonly #unacknowledged = new WeakMap<ReceivingClient, Map<number, DeviceMessage>>()
  readonly #draining = new WeakSet<ReceivingClient>()
  readonly #ids: MessageIds

  constructor(ids: MessageIds) {
    this.#ids = ids
  }

  /**
   * Writes the message; false where the device has not subscribed, has this topic unacknowledged, or its socket is full: then `onDrain`
   * is called once it is not.
   */
  send(client: ReceivingClient, message: DeviceMessage, onDrain: () => void): boolean {
    const qos = grantedQos(client, message.topic)
    const sent = this.#sentTo(client)
    if (!client.connected || qos === undefined || isSent(sent, message.topic)) return false
    const conn = client.conn as Duplex
    if (conn.destroyed) return false
    if (conn.writableNeedDrain) {
      this.#callWhenDrained(client, conn, onDrain)
      return false
    }
    const { topic, payload } = message
    const packet = { cmd: 'publish', topic, payload, retain: false, dup: false } as const
    if (qos === 0) writeToStream({ ...packet, qos }, conn)
    else {
      const messageId = this.#ids.take(client)
      if (messageId === undefined) return false
      sent.set(messageId, message)
      writeToStream({ ...packet, qos: 1, messageId }, conn)
    }
    return true
  }

  /** PUBACK: of a message that was sent here, or of another one. */
  acknowledged(client: ReceivingClient, messageId: number): void {
    const sent = this.#unacknowledged.get(client)
    void sent
      ?.get(messageId)
      ?.onAcknowledged()
      .finally(() => sent.delete(messageId))
  }

  #sentTo(client: ReceivingClient): Map<number, DeviceMessage> {
    const sent = this.#unacknowledged.get(client) ?? new Map<number, DeviceMessage>()
    this.#unacknowledged.set(client, sent)
    return sent
  }

  #callWhenDrained(client: ReceivingClient, conn: Duplex, onDrain: () => void): void {
    if (this.#draining.has(client)) return
    this.#draining.add(client)
    conn.once('drain', () => {
      this.#draining.delete(client)
      onDrain()
    })
  }
}

function isSent(sent: ReadonlyMap<number, DeviceMessage>, topic: string): boolean {
  return [...sent.values()].some((message) => message.topic === topic)
}

/** [MQTT-3.3.5-1]: the highest of the subscriptions that match; undefined without one. */
export function grantedQos(
  { subscriptions }: Pick<ReceivingClient, 'subscriptions'>,
  topic: string,
): number | undefined {
  const granted = Object.entries(subscriptions).filter(([filter]) => matches(filter, topic))
  return granted.length === 0 ? undefined : Math.max(...granted.map(([, { qos }]) => qos))
}
