import { Readable } from 'node:stream'
import type { Logger } from '../lib/logger.ts'

/** A message that waits for a persistent session, in aedes' shape. */
export interface QueuedPacket {
  readonly cmd: string
  readonly topic?: string
  readonly payload?: string | Buffer
  readonly qos?: number
  readonly retain?: boolean
  readonly brokerId?: string
  readonly brokerCounter?: number
  messageId?: number | undefined
}

type ClientKey = { readonly id: string }
type Filter = { readonly topic: string }

/** The part of aedes' persistence that is replaced here; the rest (subscriptions, retained messages, wills) stays. */
export interface SessionPersistence {
  addSubscriptions(client: ClientKey, filters: Filter[]): Promise<unknown>
  cleanSubscriptions(client: ClientKey): Promise<unknown>
  outgoingEnqueue(subscription: Subscriber, packet: QueuedPacket): Promise<void>
  outgoingEnqueueCombi(subscriptions: readonly Subscriber[], packet: QueuedPacket): Promise<void>
  outgoingUpdate(client: ClientKey, packet: QueuedPacket): Promise<void>
  outgoingClearMessageId(client: ClientKey, packet: QueuedPacket): Promise<QueuedPacket | undefined>
  outgoingStream(client: ClientKey): Readable
  incomingStorePacket(client: ClientKey, packet: { messageId: number }): Promise<void>
  incomingGetPacket(client: ClientKey, packet: { messageId: number }): Promise<{ messageId: number }>
  incomingDelPacket(client: ClientKey, packet: { messageId: number }): Promise<void>
  cleanIncoming(client: ClientKey): Promise<void>
}

interface Subscriber {
  readonly clientId: string
  readonly qos?: number
}

export interface SessionStorePorts {
  readonly isDevice: (clientId: string) => boolean
  readonly isConnected: (clientId: string) => boolean
  /** Whether a persistent session may keep this subscription: one that was refused must not be stored beside one that was not. */
  readonly mayKeep: (client: ClientKey, filter: string) => boolean
  /** PUBACK, PUBREC or PUBCOMP of a connection, its session persistent or not. */
  readonly onAcknowledged: (client: ClientKey, messageId: number) => void
  readonly logger: Logger
}

const deviceQueuedMax = 100
const operatorQueuedMax = 1_000
/** Of a connected client: what was sent and is not acknowledged. */
const unacknowledgedMax = 1_000
/** Of all sessions together. */
const queuedBytesMax = 64 * 1024 * 1024
const receivedMax = 1_000

/**
 * What persistent sessions keep, with bounds that aedes' own memory does not have: messages for a client that is away or
 * has not acknowledged them (a full queue loses its oldest), and the identifiers of QoS 2 messages received, so that one
 * that is sent again is logged once. Nothing of it survives a restart.
 */
export class SessionStore {
  readonly #ports: SessionStorePorts
  readonly #queues = new Map<string, QueuedPacket[]>()
  readonly #overflowed = new Set<string>()
  readonly #received = new Map<string, Map<number, Receipt>>()
  #queuedBytes = 0

  constructor(ports: SessionStorePorts) {
    this.#ports = ports
  }

  /** Takes the place of `persistence`'s own queues. */
  attachTo(persistence: SessionPersistence): void {
    const addSubscriptions = persistence.addSubscriptions.bind(persistence)
    const cleanSubscriptions = persistence.cleanSubscriptions.bind(persistence)
    const replaced: SessionPersistence = {
      addSubscriptions: (client, filters) =>
        addSubscriptions(
          client,
          filters.filter(({ topic }) => this.#ports.mayKeep(client, topic)),
        ),
      cleanSubscriptions: (client) => {
        this.#drop(client.id)
        return cleanSubscriptions(client)
      },
      outgoingEnqueue: async (subscriber, packet) => this.#enqueue(subscriber, packet),
      outgoingEnqueueCombi: async (subscribers, packet) => {
        for (const subscriber of subscribers) this.#enqueue(subscriber, packet)
      },
      outgoingUpdate: async (client, packet) => this.#update(client.id, packet),
      outgoingClearMessageId: async (client, packet) => {
        if (packet.messageId) this.#ports.onAcknowledged(client, packet.messageId)
        return this.#acknowledged(client.id, packet)
      },
      outgoingStream: (client) => this.#waiting(client.id),
      incomingStorePacket: async (client, { messageId }) => this.#receive(client.id, messageId),
      incomingGetPacket: async (client, { messageId }) => {
        if (this.#received.get(client.id)?.get(messageId) !== 'logged') throw new Error('no such packet')
        return { messageId }
      },
      incomingDelPacket: async (client, { messageId }) => {
        if (!this.#received.get(client.id)?.delete(messageId)) throw new Error('no such packet')
      },
      cleanIncoming: async (client) => void this.#received.delete(client.id),
    }
    Object.assign(persistence, replaced)
  }

  /**
   * Logs a QoS 2 message once, [MQTT-4.3.3-2]: `append` is called unless it was received before, and `done` when it is on
   * disk, at once where it is already. False when the client has too many open ones.
   */
  receiveOnce(
    clientId: string,
    messageId: number,
    append: (logged: () => void) => void,
    done: () => void,
  ): boolean {
    const received = this.#receivedBy(clientId)
    const before = received.get(messageId)
    if (before === 'logged') done()
    else if (before !== undefined) before.push(done)
    else {
      if (received.size >= receivedMax) return false
      const waiting = [done]
      received.set(messageId, waiting)
      append(() => {
        // The map, not the client id: a clean session may have begun meanwhile, and this is not of it.
        received.set(messageId, 'logged')
        for (const then of waiting) then()
      })
    }
    return true
  }

  /** The log refused what this client sent: sent again, it is to be logged. */
  forgetUnlogged(clientId: string): void {
    const received = this.#received.get(clientId)
    for (const [messageId, receipt] of received ?? []) if (receipt !== 'logged') received!.delete(messageId)
  }

  #receive(clientId: string, messageId: number): void {
    const received = this.#receivedBy(clientId)
    if (received.size >= receivedMax) throw new Error('too many open QoS 2 messages')
    received.set(messageId, 'logged')
  }

  #receivedBy(clientId: string): Map<number, Receipt> {
    const received = this.#received.get(clientId) ?? new Map<number, Receipt>()
    this.#received.set(clientId, received)
    return received
  }

  #enqueue(subscriber: Subscriber, packet: QueuedPacket): void {
    const { clientId } = subscriber
    const queue = this.#queues.get(clientId) ?? []
    this.#queues.set(clientId, queue)
    // [MQTT-3.8.4-6]: at most at the QoS of the subscription; [MQTT-3.3.1-9]: not as a retained one.
    queue.push({ ...packet, retain: false, qos: Math.min(packet.qos ?? 0, subscriber.qos ?? 2) })
    this.#queuedBytes += bytesOf(packet)
    const max = this.#queueMax(clientId)
    while (queue.length > max || (this.#queuedBytes > queuedBytesMax && queue.length > 0)) {
      this.#queuedBytes -= bytesOf(queue.shift()!)
      if (this.#overflowed.has(clientId)) continue
      this.#overflowed.add(clientId)
      this.#ports.logger.warn(
        { code: 'TIDEMARK_SESSION_FULL', client: clientId, max },
        'oldest queued messages are dropped',
      )
    }
  }

  #queueMax(clientId: string): number {
    if (this.#ports.isConnected(clientId)) return unacknowledgedMax
    return this.#ports.isDevice(clientId) ? deviceQueuedMax : operatorQueuedMax
  }

  /** A message was given its identifier, or a QoS 2 one is now a PUBREL. One that the bound has dropped is only not sent again. */
  #update(clientId: string, packet: QueuedPacket): void {
    const queue = this.#queues.get(clientId) ?? []
    for (let i = 0; i < queue.length; i++) {
      const queued = queue[i]!
      if (packet.cmd === 'publish') {
        if (queued.brokerId !== packet.brokerId || queued.brokerCounter !== packet.brokerCounter) continue
        queued.messageId = packet.messageId
        return
      }
      if (queued.messageId !== packet.messageId) continue
      this.#queuedBytes -= bytesOf(queued)
      queue[i] = { cmd: packet.cmd, messageId: packet.messageId }
      return
    }
  }

  /**
   * Without an identifier it was not sent: aedes asks to remove what `authorizeForward` held back, and would take some other
   * message out. What was held back because the subscriber is slow must be there when it comes back.
   */
  #acknowledged(clientId: string, packet: QueuedPacket): QueuedPacket | undefined {
    const queue = this.#queues.get(clientId)
    if (queue === undefined || !packet.messageId) return undefined
    const at = queue.findIndex((queued) => queued.messageId === packet.messageId)
    if (at < 0) return undefined
    const [removed] = queue.splice(at, 1)
    this.#queuedBytes -= bytesOf(removed!)
    if (queue.length === 0) this.#queues.delete(clientId)
    return removed
  }

  /** [MQTT-4.4.0-1], [MQTT-3.3.1-1]: what is not acknowledged is sent again, with DUP where it was sent before. */
  #waiting(clientId: string): Readable {
    this.#overflowed.delete(clientId)
    const queue = this.#queues.get(clientId) ?? []
    return Readable.from(
      queue.map((packet) =>
        packet.cmd === 'publish' && packet.messageId ? { ...packet, dup: true } : packet,
      ),
    )
  }

  #drop(clientId: string): void {
    for (const packet of this.#queues.get(clientId) ?? []) this.#queuedBytes -= bytesOf(packet)
    this.#queues.delete(clientId)
    this.#overflowed.delete(clientId)
  }
}

/** Those who wait for the message to be on disk, or that it is. */
type Receipt = (() => void)[] | 'logged'

function bytesOf({ topic, payload }: QueuedPacket): number {
  return (topic?.length ?? 0) + (payload?.length ?? 0)
}
