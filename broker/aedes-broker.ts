import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import { Aedes, type AuthenticateError, type Client, type Subscription } from 'aedes'
import type { IConnectPacket } from 'mqtt-packet'
import { messageOf } from '../lib/errors.ts'
import type { Logger } from '../lib/logger.ts'
import { topicCode } from '../log/ingress-codec.ts'
import { admit, keepaliveSeconds } from './admission.ts'
import type { Authenticator } from './authenticator.ts'
import { Connection } from './connection.ts'
import { type DeviceMessage, DeviceSender, type ReceivingClient } from './device-sender.ts'
import { type ForwardedClient, Forwarder, type ForwarderPorts } from './forwarder.ts'
import type { GroupCommitter } from './group-committer.ts'
import { forgetConnect, type SlimmedClient, slim } from './lean-client.ts'
import { MessageIds } from './message-ids.ts'
import { Presence } from './presence.ts'
import { ReceiptOrder } from './receipt-order.ts'
import { RepeatedFilters } from './repeated-filters.ts'
import { mayPublish, mayReceive, mayRetain, maySubscribe } from './rights.ts'
import { Session, type SessionLimits, type SessionPorts } from './session.ts'
import { type SessionPersistence, SessionStore } from './session-store.ts'
import { noSubscriptions } from './subscription-store.ts'
import { TelemetryWatchers } from './telemetry-watchers.ts'

/**
 * The one file that knows aedes 1.2.0. It puts a Session between each socket and aedes, answers aedes' questions about
 * rights, and mends what aedes does otherwise (docs/MQTT-CONFORMANCE.md lists what stays).
 */
export interface AedesBrokerOptions {
  readonly authenticator: Authenticator
  readonly committer: GroupCommitter
  readonly limits: SessionLimits
  readonly logger: Logger
  /** A device's connection came (authenticated and accepted) or went. */
  readonly onPresence: (deviceId: string, online: boolean) => void
  /** Keeps what a device answers to a command: acknowledged when it resolves, refused where with false. */
  readonly onResponse: (deviceId: string, commandId: string, payload: Buffer) => Promise<boolean>
  /** A device subscribed, or came back to what it had subscribed to. */
  readonly onListening: (deviceId: string) => void
}

/** A connection, on which aedes leaves its client. */
type OpenConn = Duplex & { readonly client?: OpenClient }

/** aedes' client with the fields that its types leave out. */
interface OpenClient
  extends Client,
    SlimmedClient,
    Pick<ForwardedClient, '_nextId' | 'deliver0' | 'deliverQoS' | 'waitForDrain'> {
  readonly connected: boolean
  _keepaliveTimer: { refresh(): unknown } | null
  subscriptions: Record<string, { readonly qos: number }>
}

interface PublishRequest {
  topic: string
  readonly payload: string | Buffer
  readonly qos: number
  readonly retain: boolean
  dup: boolean
  /** Undefined for a will. */
  readonly cmd?: string
  readonly messageId?: number
}

const connectTimeoutMs = 5_000
const drainTimeoutMs = 5_000
const deviceSubscriptionsMax = 100
const loggedNameLength = 256
/** Where aedes routes a message that is in the log: nobody may subscribe to it, and `#` does not match it. */
const loggedTopic = '$SYS/logged'

export class AedesBroker {
  readonly #options: AedesBrokerOptions
  readonly #aedes: Aedes
  readonly #connections = new WeakMap<Client, Connection>()
  readonly #sessions: SessionStore
  readonly #sessionPorts: SessionPorts
  readonly #watchers = new TelemetryWatchers<OpenClient>((topic, payload) => this.publish(topic, payload, 0))
  readonly #ids = new MessageIds()
  readonly #sender = new DeviceSender(this.#ids)
  readonly #forwarder: Forwarder
  readonly #receipts = new ReceiptOrder<Client>()
  readonly #repeatedFilters = new RepeatedFilters()
  readonly presence: Presence<Client>

  constructor(options: AedesBrokerOptions) {
    this.#options = options
    this.presence = new Presence(options.onPresence)
    this.#sessions = new SessionStore({
      isDevice: (clientId) => options.authenticator.isDevice(clientId),
      isConnected: (clientId) => (this.#aedes as unknown as OpenAedes).clients[clientId] !== undefined,
      mayKeep: (client, filter) => this.#maySubscribe(client as OpenClient, filter),
      ids: this.#ids,
      onAcknowledged: (client, messageId) =>
        this.#sender.acknowledged(client as unknown as ReceivingClient, messageId),
      logger: options.logger,
    })
    this.#forwarder = new Forwarder({
      sessions: this.#sessions,
      ids: this.#ids,
      mayForward: (client, packet) => this.#mayForward(client as OpenClient, packet),
      onExhausted: (client) => this.#cutOff(client as OpenClient),
    } satisfies ForwarderPorts)
    this.#sessionPorts = {
      committer: options.committer,
      onActivity: (conn: OpenConn) => conn.client?._keepaliveTimer?.refresh(),
      onViolation: (conn: OpenConn, code, detail) => {
        const { client } = conn
        const address = client && this.#connections.get(client)?.address
        options.logger.warn({ code, detail, address, client: client?.id }, 'connection closed')
      },
      onRefused: (conn: OpenConn) => this.#sessions.forgetUnlogged(conn.client?.id ?? ''),
      onCommitted: (deviceId, payload) => this.#watchers.copy(deviceId, payload),
      onClosed: (conn: OpenConn) => this.#closed(conn.client),
    }
    this.#aedes = new Aedes({
      // No queue in the router: it has no bound, and overflows the stack when it is emptied after a frozen subscriber.
      concurrency: 0,
      connectTimeout: connectTimeoutMs,
      drainTimeout: drainTimeoutMs,
      maxClientsIdLength: 64,
      preConnect: (client, packet, done) => this.#preConnect(client as OpenClient, packet, done),
      authenticate: (client, username, password, done) =>
        this.#authenticate(client, username, password?.toString(), done),
      authorizePublish: (client, packet, done) => this.#authorizePublish(client, packet, done),
      authorizeSubscribe: (client, subscription, done) =>
        done(null, this.#authorizeSubscribe(client as OpenClient, subscription) ? subscription : null),
      // Asked only for what a session that resumes had waiting.
      authorizeForward: (client, packet) => (this.#mayReceive(client, packet.topic) ? packet : null),
      published: (packet, client, done) => {
        const id = client && 'messageId' in packet && packet.qos === 2 ? packet.messageId : undefined
        if (client === null || id === undefined) done()
        else this.#receipts.routed(client, id, done)
      },
    } as ConstructorParameters<typeof Aedes>[0])
  }

  async start(): Promise<void> {
    const aedes = this.#aedes
    await aedes.listen()
    this.#sessions.attachTo((aedes as unknown as OpenAedes).persistence)
    // From its own timers (wills of other brokers): without a listener it would end the process.
    const emitter: EventEmitter = aedes
    emitter.on('error', (error: Error) =>
      this.#options.logger.error({ code: 'TIDEMARK_BROKER', detail: messageOf(error) }, 'the router failed'),
    )
    aedes.on('client', (client) => forgetConnect(client as OpenClient))
    aedes.on('connackSent', (_packet, client) => {
      const connection = this.#connections.get(client)
      if (connection?.principal !== undefined) connection.session.open(connection.principal)
    })
    aedes.on('clientDisconnect', (client) => this.#watchers.forget(client as OpenClient))
    aedes.on('clientReady', (client) => {
      this.#forwarder.resumed(client as OpenClient)
      // A session that is resumed has its subscriptions without a SUBSCRIBE.
      this.#noteSubscriptions(client as OpenClient)
    })
    aedes.on('subscribe', (subscriptions, client) => {
      this.#repeatedFilters.answer(subscriptions, client.conn as Duplex)
      this.#noteSubscriptions(client as OpenClient)
    })
    aedes.on('unsubscribe', (_subscriptions, client) => this.#noteSubscriptions(client as OpenClient))
    for (const name of ['clientError', 'connectionError'] as const) {
      aedes.on(name, (client: Client, error: Error) => this.#logEnd(client, error))
    }
  }

  get copiesInFlight(): number {
    return this.#watchers.copiesInFlight
  }

  stop(): Promise<void> {
    return new Promise((resolve) => this.#aedes.close(() => resolve()))
  }

  /** Takes a new connection of any transport; `address` is the peer's. */
  handle(conn: Duplex, address: string, certificateName: string | undefined): void {
    // aedes begins to read in `handle`, so the session wraps the socket first.
    const session = new Session(conn, this.#options.limits, this.#sessionPorts)
    const client = this.#aedes.handle(conn, undefined) as OpenClient
    slim(client)
    this.#forwarder.attachTo(client)
    client._parser.prependListener('packet', this.#repeatedFilters.take)
    this.#connections.set(client, new Connection(session, address, certificateName))
  }

  /** Publishes to subscribers; resolves when the message has been handed to each of them. */
  publish(topic: string, payload: string | Buffer, qos: 0 | 1): Promise<void> {
    const packet = { cmd: 'publish' as const, topic, payload, qos, retain: false, dup: false }
    return new Promise((resolve, reject) => {
      this.#aedes.publish(packet, (error) => (error ? reject(error) : resolve()))
    })
  }

  /** Sends to a device that is connected and has subscribed; false where it was not sent. */
  send(deviceId: string, message: DeviceMessage): boolean {
    const client = this.presence.connection(deviceId) as OpenClient | undefined
    if (client === undefined) return false
    return this.#sender.send(client, message, () => this.#options.onListening(deviceId))
  }

  /** Ends the connection of a device that was revoked. */
  disconnect(deviceId: string): void {
    const client = this.presence.connection(deviceId)
    if (client === undefined) return
    this.presence.left(deviceId, client)
    this.#revoke(client)
  }

  /** Ends the connections of operators whose token does not stand any more. */
  endRevoked(): void {
    for (const client of Object.values((this.#aedes as unknown as OpenAedes).clients)) {
      const principal = this.#connections.get(client)?.principal
      if (principal?.kind === 'operator' && !this.#options.authenticator.stands(principal))
        this.#revoke(client)
    }
  }

  /** From now on it has no rights, for a will either. */
  #revoke(client: Client): void {
    this.#connections.get(client)!.principal = undefined
    client.close()
  }

  #preConnect(
    client: OpenClient,
    packet: IConnectPacket,
    done: (error: Error | null, go: boolean) => void,
  ): void {
    packet.keepalive = keepaliveSeconds(packet.username, packet.keepalive ?? 0)
    // Judged in `authenticate`: a refusal here sends no CONNACK.
    this.#connections.get(client)!.connect = packet
    done(null, true)
  }

  #authenticate(
    client: Client,
    username: string | undefined,
    password: string | undefined,
    done: (error: AuthenticateError | null, success: boolean | null) => void,
  ): void {
    const connection = this.#connections.get(client)!
    const { address, certificateName, connect } = connection
    const admission = admit(
      {
        clientId: connect?.clientId ?? '',
        effectiveClientId: client.id,
        clean: connect?.clean ?? true,
        username,
        password,
        address,
        certificateName,
        will: connect?.will && { topic: connect.will.topic, retain: connect.will.retain === true },
      },
      this.#options.authenticator,
    )
    connection.connect = undefined
    if ('principal' in admission) {
      connection.principal = admission.principal
      // From here on, and not from CONNACK, so that a device that is revoked meanwhile is found.
      if (admission.principal.kind === 'device') this.presence.arrived(admission.principal.id, client)
      return done(null, true)
    }
    const { returnCode, code, message } = admission
    this.#logOnce(client, { code }, message)
    done(Object.assign(new Error(message), { returnCode }) as AuthenticateError, null)
  }

  #authorizePublish(
    client: Client | null,
    packet: PublishRequest,
    done: (error?: Error | null) => void,
  ): void {
    const connection = client === null ? undefined : this.#connections.get(client)
    const principal = connection?.principal
    if (client === null || connection === undefined || principal === undefined)
      return done(new Error('not authenticated'))
    const { session } = connection
    const answer = () => {
      session.settled()
      // aedes would go on to keep state for a connection that has ended.
      if (!client.closed || packet.cmd === undefined) done(null)
    }
    const refuse = (message: string) => session.end(() => done(new Error(message)))
    if (!mayPublish(principal, packet.topic) || (packet.retain && !mayRetain(principal))) {
      this.#logOnce(
        client,
        { code: 'TIDEMARK_TOPIC_FORBIDDEN', topic: packet.topic.slice(0, loggedNameLength) },
        'publish refused',
      )
      return refuse('topic not allowed')
    }
    // [MQTT-3.3.1-3]: that it was sent again to the platform says nothing to subscribers.
    packet.dup = false
    const code = principal.kind === 'device' ? topicCode(packet.topic, principal.id) : undefined
    const commandId = code === undefined ? packet.topic.split('/')[3]! : ''
    if (code !== undefined) packet.topic = loggedTopic
    const append = (then: () => void) => {
      if (principal.kind !== 'device') return then()
      const payload = Buffer.from(packet.payload)
      if (code !== undefined) session.commitThroughAedes(code, payload, then)
      else void session.commitElsewhere(this.#options.onResponse(principal.id, commandId, payload), then)
    }
    const { messageId } = packet
    if (packet.qos < 2 || packet.cmd === undefined || messageId === undefined) return append(answer)
    const isRouted = code === undefined && !this.#sessions.hasReceived(client.id, messageId)
    const release = this.#receipts.take(client, messageId, isRouted)
    const isTaken = this.#sessions.receiveOnce(client.id, messageId, isRouted, append, () =>
      isRouted ? answer() : release(answer),
    )
    if (!isTaken) refuse('too many open QoS 2 messages')
  }

  #authorizeSubscribe(client: OpenClient, subscription: Subscription): boolean {
    if (subscription === (noSubscriptions as Subscription)) return false
    const { topic } = subscription
    const isDevice = this.#connections.get(client)?.principal?.kind === 'device'
    const isTooMany = isDevice && Object.keys(client.subscriptions).length >= deviceSubscriptionsMax
    if (!isTooMany && this.#maySubscribe(client, topic)) return true
    const filter = topic.slice(0, loggedNameLength)
    this.#options.logger.warn(
      { code: 'TIDEMARK_TOPIC_FORBIDDEN', client: client.id, filter },
      'subscription refused',
    )
    return false
  }

  #maySubscribe(client: Client, filter: string): boolean {
    const principal = this.#connections.get(client)?.principal
    return principal !== undefined && maySubscribe(principal, filter)
  }

  /** Rights once more, since they may be less than when a persistent session subscribed. */
  #mayReceive(client: Client, topic: string): boolean {
    const principal = this.#connections.get(client)?.principal
    return principal !== undefined && mayReceive(principal, topic)
  }

  /** Nothing for a subscriber whose socket is full: what would be kept for it has no bound. */
  #mayForward(client: OpenClient, packet: { topic: string }): boolean {
    if (!this.#mayReceive(client, packet.topic)) return false
    const conn = client.conn as Duplex
    if (!conn.writableNeedDrain) return true
    // It would miss an event: it must come back and resume rather than go on with a gap.
    if (!packet.topic.endsWith('/telemetry')) this.#cutOff(client)
    return false
  }

  #closed(client: OpenClient | undefined): void {
    const principal = client && this.#connections.get(client)?.principal
    if (principal?.kind === 'device') this.presence.left(principal.id, client!)
  }

  /** Its subscriptions are other ones, or are there again. */
  #noteSubscriptions(client: OpenClient): void {
    const principal = this.#connections.get(client)?.principal
    if (principal?.kind === 'device') this.#options.onListening(principal.id)
    else this.#watchers.note(client)
  }

  #logOnce(client: Client, fields: { code: string; topic?: string }, message: string): void {
    const connection = this.#connections.get(client)
    if (connection === undefined || connection.isLogged) return
    connection.isLogged = true
    const id = client.id?.slice(0, loggedNameLength)
    this.#options.logger.warn({ ...fields, client: id, address: connection.address }, message)
  }

  #cutOff(client: OpenClient): void {
    this.#logOnce(client, { code: 'TIDEMARK_SUBSCRIBER_SLOW' }, 'subscriber cut off')
    setImmediate(() => (client.conn as Duplex).destroy())
  }

  #logEnd(client: Client, error: Error): void {
    if (error.message === 'drain timeout') return this.#cutOff(client as OpenClient)
    const connection = this.#connections.get(client)
    if (connection?.isLogged) return
    this.#options.logger.debug(
      { client: client.id, address: connection?.address, detail: messageOf(error) },
      'connection ended',
    )
  }
}

/** aedes with the fields that its types leave out. */
interface OpenAedes {
  readonly clients: Readonly<Record<string, Client>>
  readonly persistence: SessionPersistence
}
