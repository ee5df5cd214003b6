import { Readable } from 'node:stream'
import type { Logger } from '../lib/logger.ts'
import type { MessageIds, Numbered } from './message-ids.ts'
import { RetainedMessages, type RetainedPacket } from './retained-messages.ts'
import { type KeptSubscription, type Subscriber, SubscriptionStore } from './subscription-store.ts'

/** A message that waits for a persistent session, in aedes' shape. */
export interface QueuedPacket {
  readonly cmd: string
  readonly topic?: string
  readonly payload?: string | Buffer
  readonly qos?: number
  readonly retain?: boolean
  readonly brokerId?: string | null
  readonly brokerCounter?: number
  messageId?: number | undefined
}

type ClientKey = { readonly id: string }

/** The part of aedes' persistence that is replaced here; the rest (wills) stays. */
export interface SessionPersistence {
  addSubscriptions(client: ClientKey, subscriptions: readonly KeptSubscription[]): Promise<void>
  removeSubscriptions(client: ClientKey, filters: readonly string[]): Promise<void>
  cleanSubscriptions(client: ClientKey): Promise<void>
  /** Asked once, when a client with a persistent session connects. */
  subscriptionsByClient(client: ClientKey): Promise<KeptSubscription[]>
  subscriptionsByTopic(topic: string): Promise<Subscriber[]>
  storeRetained(packet: RetainedPacket): Promise<void>
  createRetainedStreamCombi(filters: readonly string[]): Readable
  outgoingEnqueue(subscription: Subscriber, packet: QueuedPacket): Promise<void>
  outgoingEnqueueCombi(subscriptions: readonly Subscriber[], packet: QueuedPacket): Promise<void>
  outgoingUpdate(client: ClientKey, packet: QueuedPacket): Promise<void>
  outgoingClearMessageId(
    client: ClientKey & Numbered,
    packet: QueuedPacket,
  ): Promise<QueuedPacket | undefined>
  outgoingStream(client: ClientKey & Numbered): Readable
  incomingStorePacket(client: ClientKey, packet: { messageId: number }): Promise<void>
  incomingGetPacket(client: ClientKey, packet: { messageId: number }): Promise<{ messageId: number }>
  incomingDelPacket(client: ClientKey, packet: { messageId: number }): Promise<void>
  cleanIncoming(client: ClientKey): Promise<void>
}

export interface SessionStorePorts {
  readonly isDevice: (clientId: string) => boolean
  readonly isConnected: (clientId: string) => boolean
  /** Whether a persistent session may keep this subscription: one that was refused must not be stored beside one that was not. */
  readonly mayKeep: (client: ClientKey, filter: string) => boolean
  readonly ids: MessageIds
  /** PUBACK or PUBCOMP of a connection, its session persistent or not. */
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
 * What persistent sessions keep, with bounds that aedes' own memory does not have: subscriptions, messages for a client that is away or
 * has not acknowledged them (a full queue loses its oldest), and the identifiers of QoS 2 messages received, so that one
 * that is sent again is logged and routed once; retained messages too. Nothing of it survives a restart.
 */
export class SessionStore {
  readonly #ports: SessionStorePorts
  readonly #queues = new Map<string, QueuedPacket[]>()
  readonly #overflowed = new Set<string>()
  readonly #received = new Map<string, Map<number, Receipt>>()
  readonly #subscriptions = new SubscriptionStore()
  readonly #retained = new RetainedMessages()
  #queuedBytes = 0

  constructor(ports: SessionStorePorts) {
    this.#ports = ports
  }

  /** Takes the place of `persistence`'s own. */
  attachTo(persistence: SessionPersistence): void {
    const replaced: SessionPersistence = {
      addSubscriptions: async (client, subscriptions) =>
        this.#subscriptions.add(
          client.id,
          subscriptions.filter(({ topic }) => this.#ports.mayKeep(client, topic)),
        ),
      removeSubscriptions: async (client, filters) => this.#subscriptions.remove(client.id, filters),
      cleanSubscriptions: async (client) => {
        this.#drop(client.id)
        this.#subscriptions.end(client.id)
      },
      subscriptionsByClient: async (client) => this.#subscriptions.resume(client.id),
      subscriptionsByTopic: async (topic) => this.#subscriptions.matching(topic),
      storeRetained: async (packet) => this.#retained.keep(packet),
      createRetainedStreamCombi: (filters) => Readable.from(this.#retained.matching(filters)),
      outgoingEnqueue: async (subscriber, packet) => this.#enqueue(subscriber, packet),
      outgoingEnqueueCombi: async (subscribers, packet) => {
        for (const subscriber of subscribers) this.#enqueue(subscriber, packet)
      },
      outgoingUpdate: async (client, packet) => this.#update(client.id, packet),
      outgoingClearMessageId: async (client, packet) => {
        if (packet.messageId) {
          this.#ports.ids.release(client, packet.messageId)
          this.#ports.onAcknowledged(client, packet.messageId)
        }
        return this.#acknowledged(client.id, packet)
      },
      outgoingStream: (client) => Readable.from(this.#waiting(client)),
      incomingStorePacket: async (client, { messageId }) =>
        void this.#receivedBy(client.id).set(messageId, 'done'),
      incomingGetPacket: async (client, { messageId }) => {
        if (this.#received.get(client.id)?.get(messageId) !== 'done') throw new Error('no such packet')
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
   * Takes a QoS 2 message once, [MQTT-4.3.3-2]: `append` is called unless it was received before, and `done` when it is on disk, at once
   * where it is already. One that is to be routed is, by aedes, the first time. False when the client has too many open ones.
   */
  receiveOnce(
    clientId: string,
    messageId: number,
    isRouted: boolean,
    append: (logged: () => void) => void,
    done: () => void,
  ): boolean {
    const received = this.#receivedBy(clientId)
    const before = received.get(messageId)
    if (before === 'done') done()
    // aedes is about to ask whether it has the first one.
    else if (before === 'routed') setImmediate(done)
    else if (before !== undefined) before.push(done)
    else {
      if (received.size >= receivedMax) return false
      const waiting: (() => void)[] = []
      received.set(messageId, waiting)
      append(() => {
        // The map, not the client id: a clean session may have begun meanwhile, and this is not of it.
        received.set(messageId, isRouted ? 'routed' : 'done')
        done()
        for (const then of waiting) setImmediate(then)
      })
    }
    return true
  }

  /** Whether a QoS 2 message of this identifier is open. */
  hasReceived(clientId: string, messageId: number): boolean {
    return this.#received.get(clientId)?.has(messageId) === true
  }

  /** The log refused what this client sent: sent again, it is to be logged. */
  forgetUnlogged(clientId: string): void {
    const received = this.#received.get(clientId)
    for (const [messageId, receipt] of received ?? []) if (receipt !== 'done') received!.delete(messageId)
  }

  #receivedBy(clientId: string): Map<number, Receipt> {
    const received = this.#received.get(clientId) ?? new Map<number, Receipt>()
    this.#received.set(clientId, received)
    return received
  }

  /** A retained message that a new subscription of a connected client brings: it is acknowledged like any other. */
  keepRetained(clientId: string, packet: QueuedPacket): QueuedPacket {
    return this.#push(clientId, packet)
  }

  /** The message that has just been published, as it waits for the client. */
  queuedFor(clientId: string, brokerCounter: number): QueuedPacket | undefined {
    return this.#queues.get(clientId)?.findLast((queued) => queued.brokerCounter === brokerCounter)
  }

  /** What waits for the client and was never sent, oldest first. */
  unsentTo(clientId: string): QueuedPacket[] {
    return (this.#queues.get(clientId) ?? []).filter(({ messageId }) => messageId === undefined)
  }

  #enqueue({ clientId, qos = 2 }: Subscriber, packet: QueuedPacket): void {
    // [MQTT-3.8.4-6]: at most at the QoS of the subscription; [MQTT-3.3.1-9]: not as a retained one.
    this.#push(clientId, { ...packet, retain: false, qos: Math.min(packet.qos ?? 0, qos) })
  }

  #push(clientId: string, packet: QueuedPacket): QueuedPacket {
    const queue = this.#queues.get(clientId) ?? []
    this.#queues.set(clientId, queue)
    const queued = { ...packet, messageId: undefined }
    queue.push(queued)
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
    return queued
  }

  #queueMax(clientId: string): number {
    if (this.#ports.isConnected(clientId)) return unacknowledgedMax
    return this.#ports.isDevice(clientId) ? deviceQueuedMax : operatorQueuedMax
  }

  /** A QoS 2 message has arrived, and is now a PUBREL. One that the bound has dropped is only not sent again. */
  #update(clientId: string, { cmd, messageId }: QueuedPacket): void {
    const queue = this.#queues.get(clientId) ?? []
    const at = cmd === 'pubrel' ? queue.findIndex((queued) => queued.messageId === messageId) : -1
    if (at < 0) return
    this.#queuedBytes -= bytesOf(queue[at]!)
    queue[at] = { cmd, messageId }
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

  /**
   * [MQTT-4.4.0-1], [MQTT-3.3.1-1]: what is not acknowledged is sent again under its identifier, with DUP where it was sent before; then
   * what is new.
   */
  *#waiting(client: ClientKey & Numbered): Generator<QueuedPacket & { dup?: boolean }> {
    const { ids } = this.#ports
    this.#overflowed.delete(client.id)
    const queue = [...(this.#queues.get(client.id) ?? [])]
    for (const { messageId } of queue) if (messageId !== undefined) ids.hold(client, messageId)
    for (const packet of queue) {
      if (packet.messageId !== undefined) yield packet.cmd === 'publish' ? { ...packet, dup: true } : packet
      else {
        packet.messageId = ids.take(client)
        yield packet
      }
    }
  }

  #drop(clientId: string): void {
    for (const packet of this.#queues.get(clientId) ?? []) this.#queuedBytes -= bytesOf(packet)
    this.#queues.delete(clientId)
    this.#overflowed.delete(clientId)
  }
}

/** Those who wait for the message to be on disk; or that it is, and for the router to take; or that nothing is left to do. */
type Receipt = (() => void)[] | 'routed' | 'done'

function bytesOf({ topic, payload }: QueuedPacket): number {
  return (topic?.length ?? 0) + (payload?.length ?? 0)
}
