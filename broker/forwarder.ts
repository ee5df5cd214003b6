import type { Duplex } from 'node:stream'
import { writeToStream } from 'mqtt-packet'
import { grantedQos, type ReceivingClient } from './device-sender.ts'
import type { MessageIds } from './message-ids.ts'
import type { QueuedPacket, SessionStore } from './session-store.ts'

/** A message on its way to one client, in aedes' shape. */
export interface RoutedPacket {
  readonly topic: string
  readonly payload: string | Buffer
  readonly qos: number
  readonly retain: boolean
  /** Null for a retained message that a new subscription brings. */
  readonly brokerId: string | null
  /** Its own for each message that is published. */
  readonly brokerCounter: number
  /** Who published it, and that a bridge does not want its own. */
  readonly clientId?: string
  readonly nl?: boolean
}

type Deliver = (packet: RoutedPacket, done: () => void) => void

/** What this needs of aedes' client. */
export interface ForwardedClient extends ReceivingClient {
  readonly id: string
  readonly clean: boolean
  readonly closed: boolean
  deliver0: Deliver
  deliverQoS: Deliver
  waitForDrain(done: () => void): void
}

export interface ForwarderPorts {
  readonly sessions: SessionStore
  readonly ids: MessageIds
  /** Its rights, and room in its socket. */
  readonly mayForward: (client: ForwardedClient, packet: RoutedPacket) => boolean
  /** It has no packet identifier left: it acknowledges nothing. */
  readonly onExhausted: (client: ForwardedClient) => void
}

/**
 * Deliveries of the router to each client, in place of aedes' own. A message comes once, at the highest QoS of the subscriptions that match
 * it [MQTT-3.3.5-1] and at most at its own [MQTT-3.8.4-6]; where aedes looks for a subscription by the topic itself, and delivers a copy for
 * each. What a session is still to get comes before what is new [MQTT-4.6.0-6].
 */
export class Forwarder {
  readonly #ports: ForwarderPorts

  constructor(ports: ForwarderPorts) {
    this.#ports = ports
  }

  attachTo(client: ForwardedClient): void {
    // The router calls all subscriptions of a message that a client has in one tick, and then those of the next message.
    let newest = 0
    const deliver: Deliver = (packet, done) => {
      const isLive = packet.brokerId !== null
      const isRepeated = isLive && packet.brokerCounter === newest
      if (isLive) newest = packet.brokerCounter
      const isOwn = packet.nl === true && packet.clientId === client.id
      if (isRepeated || isOwn || !this.#ports.mayForward(client, packet)) setImmediate(done)
      else setImmediate(() => this.#forward(client, packet, done))
    }
    client.deliver0 = deliver
    client.deliverQoS = deliver
  }

  /** Its session has got all that had waited for it: what was published meanwhile follows. */
  resumed(client: ForwardedClient): void {
    for (const queued of this.#ports.sessions.unsentTo(client.id)) this.#send(client, queued, () => undefined)
  }

  #forward(client: ForwardedClient, packet: RoutedPacket, done: () => void): void {
    const { topic, payload, retain, brokerId, brokerCounter } = packet
    const qos = packet.qos === 0 ? 0 : Math.min(packet.qos, grantedQos(client, topic) ?? 0)
    if (qos === 0) return this.#write(client, { cmd: 'publish', topic, payload, retain, qos: 0 }, done)
    if (client.clean)
      return this.#send(client, { cmd: 'publish', topic, payload, retain, qos, brokerCounter }, done)
    const { sessions } = this.#ports
    const queued =
      brokerId === null
        ? sessions.keepRetained(client.id, { ...packet, cmd: 'publish', qos })
        : sessions.queuedFor(client.id, brokerCounter)
    // While its session resumes it waits in the queue; one that left the queue meanwhile was sent from it.
    if (queued === undefined || queued.messageId !== undefined || !client.connected) return void done()
    this.#send(client, queued, done)
  }

  #send(client: ForwardedClient, packet: QueuedPacket, done: () => void): void {
    if (client.closed) return void done()
    packet.messageId = this.#ports.ids.take(client)
    if (packet.messageId !== undefined) return this.#write(client, packet, done)
    this.#ports.onExhausted(client)
    done()
  }

  #write(client: ForwardedClient, packet: QueuedPacket, done: () => void): void {
    const conn = client.conn as Duplex
    if (client.closed || conn.destroyed) return void done()
    // [MQTT-3.3.1-3]: the first time to this client, however it came.
    if (writeToStream({ ...packet, dup: false } as Parameters<typeof writeToStream>[0], conn))
      setImmediate(done)
    else client.waitForDrain(done)
  }
}
