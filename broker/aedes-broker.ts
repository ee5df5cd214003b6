import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { Aedes, type AuthenticateError, type Client, type Subscription } from 'aedes'
import type { IConnectPacket } from 'mqtt-packet'
import { messageOf } from '../lib/errors.ts'
import type { Logger } from '../lib/logger.ts'
import { topicCode } from '../log/ingress-codec.ts'
import type { Authenticator } from './authenticator.ts'
import type { GroupCommitter } from './group-committer.ts'
import { mayPublish, mayReceive, maySubscribe, type Principal } from './rights.ts'
import { Session, type SessionLimits } from './session.ts'

/**
 * The one file that knows aedes 1.2.0. It puts a Session between each socket and aedes, answers aedes' questions about
 * rights, and mends what aedes does otherwise (docs/MQTT-CONFORMANCE.md lists what stays).
 */
export interface AedesBrokerOptions {
  readonly authenticator: Authenticator
  readonly committer: GroupCommitter
  readonly limits: SessionLimits
  readonly logger: Logger
}

/** What this file keeps of a connection; aedes' client has no place for it. */
interface Connection {
  readonly session: Session
  readonly address: string
  principal: Principal | undefined
  refusal: string | undefined
}

/** aedes' client with the fields that its types leave out. */
interface OpenClient extends Client {
  duplicates: Record<string, number>
  _keepaliveTimer: { refresh(): unknown } | null
  subscriptions: Record<string, unknown>
}

const notAuthorized = 5
const identifierRejected = 2
const connectTimeoutMs = 5_000
const drainTimeoutMs = 5_000
const routedMessagesMax = 1_000
const deviceKeepaliveSecondsMin = 10
const deviceKeepaliveSecondsMax = 1_200
const lastSeenMax = 100_000

export class AedesBroker {
  readonly #options: AedesBrokerOptions
  readonly #aedes: Aedes
  readonly #connections = new WeakMap<Client, Connection>()
  readonly #online = new Map<string, Client>()
  readonly #lastSeenAt = new Map<string, number>()
  readonly #telemetryWatchers = new Set<Client>()

  constructor(options: AedesBrokerOptions) {
    this.#options = options
    this.#aedes = new Aedes({
      connectTimeout: connectTimeoutMs,
      drainTimeout: drainTimeoutMs,
      maxClientsIdLength: 64,
      preConnect: (client, packet, done) => this.#preConnect(client as OpenClient, packet, done),
      authenticate: (client, username, password, done) =>
        this.#authenticate(client, username, password?.toString(), done),
      authorizePublish: (client, packet, done) => this.#authorizePublish(client, packet, done),
      authorizeSubscribe: (client, subscription, done) =>
        done(null, this.#maySubscribe(client, subscription) ? subscription : null),
      authorizeForward: (client, packet) => (this.#mayForward(client, packet) ? packet : null),
    } as ConstructorParameters<typeof Aedes>[0])
  }

  async start(): Promise<void> {
    const aedes = this.#aedes
    await aedes.listen()
    aedes.on('client', (client) => this.#opened(client as OpenClient))
    aedes.on('connackSent', (_packet, client) => {
      const connection = this.#connections.get(client)
      if (connection?.principal !== undefined) connection.session.open(connection.principal)
    })
    aedes.on('clientDisconnect', (client) => this.#closed(client))
    aedes.on('subscribe', (_subscriptions, client) => this.#noteWatcher(client as OpenClient))
    aedes.on('unsubscribe', (_subscriptions, client) => this.#noteWatcher(client as OpenClient))
    for (const name of ['clientError', 'connectionError'] as const) {
      aedes.on(name, (client: Client, error: Error) => this.#logRefusal(client, error))
    }
  }

  stop(): Promise<void> {
    return new Promise((resolve) => this.#aedes.close(() => resolve()))
  }

  /** Takes a new connection of any transport; `address` is the peer's. */
  handle(conn: Duplex, address: string, request?: IncomingMessage): void {
    const { committer, limits, logger } = this.#options
    // aedes begins to read in `handle`, so the session wraps the socket first.
    const holder: { client?: OpenClient } = {}
    const session = new Session(conn, limits, {
      committer,
      onActivity: () => holder.client?._keepaliveTimer?.refresh(),
      onViolation: (code, detail) =>
        logger.warn({ code, detail, address, client: holder.client?.id }, 'connection closed'),
      onCommitted: (deviceId, payload) => this.#copyToWatchers(deviceId, payload),
    })
    const client = this.#aedes.handle(conn, request as IncomingMessage) as OpenClient
    holder.client = client
    this.#connections.set(client, { session, address, principal: undefined, refusal: undefined })
  }

  /** Publishes to subscribers; resolves when the message has been handed to each of them. */
  publish(topic: string, payload: string | Buffer, qos: 0 | 1): Promise<void> {
    const packet = { cmd: 'publish' as const, topic, payload, qos, retain: false, dup: false }
    return new Promise((resolve, reject) => {
      this.#aedes.publish(packet, (error) => (error ? reject(error) : resolve()))
    })
  }

  isOnline(deviceId: string): boolean {
    return this.#online.has(deviceId)
  }

  /** Unix ms of the last connection's end, or now while online; undefined when it was not seen since the start. */
  lastSeenAt(deviceId: string): number | undefined {
    return this.isOnline(deviceId) ? Date.now() : this.#lastSeenAt.get(deviceId)
  }

  /** Number of connected devices. */
  count(): number {
    return this.#online.size
  }

  disconnect(deviceId: string): void {
    this.#online.get(deviceId)?.close()
  }

  #preConnect(
    client: OpenClient,
    packet: IConnectPacket,
    done: (error: Error | null, go: boolean) => void,
  ): void {
    const connection = this.#connections.get(client)
    if (connection === undefined) return done(new Error('unknown connection'), false)
    if (packet.username !== 'api') {
      const keepalive = packet.keepalive || deviceKeepaliveSecondsMax
      packet.keepalive = Math.min(Math.max(keepalive, deviceKeepaliveSecondsMin), deviceKeepaliveSecondsMax)
    }
    // [MQTT-3.1.3-8]; refused in `authenticate`, since a refusal here sends no CONNACK.
    if (!packet.clientId && !packet.clean) connection.refusal = 'identifier'
    // A will is published by the broker later, so its topic is judged when it is known whose it is.
    this.#willTopics.set(client, packet.will?.topic)
    done(null, true)
  }

  readonly #willTopics = new WeakMap<Client, string | undefined>()

  #authenticate(
    client: Client,
    username: string | undefined,
    password: string | undefined,
    done: (error: AuthenticateError | null, success: boolean | null) => void,
  ): void {
    const connection = this.#connections.get(client)!
    const refuse = (returnCode: number, code: string, message: string) => {
      this.#options.logger.warn({ code, client: client.id, address: connection.address }, message)
      connection.refusal = code
      done(Object.assign(new Error(message), { returnCode }) as AuthenticateError, null)
    }
    if (connection.refusal === 'identifier') {
      return refuse(identifierRejected, 'TIDEMARK_CLIENT_ID', 'a persistent session needs a client id')
    }
    const principal = this.#options.authenticator.authenticate({
      clientId: client.id,
      username,
      password,
      address: connection.address,
    })
    if (principal === undefined)
      return refuse(notAuthorized, 'TIDEMARK_NOT_AUTHORIZED', 'unknown device or wrong secret')
    const willTopic = this.#willTopics.get(client)
    if (willTopic !== undefined && !mayPublish(principal, willTopic)) {
      return refuse(
        notAuthorized,
        'TIDEMARK_TOPIC_FORBIDDEN',
        'the will has a topic that this client may not use',
      )
    }
    connection.principal = principal
    done(null, true)
  }

  #authorizePublish(
    client: Client | null,
    packet: { topic: string; payload: string | Buffer; qos: number; retain: boolean; cmd?: string },
    done: (error?: Error | null) => void,
  ): void {
    const connection = client === null ? undefined : this.#connections.get(client)
    const principal = connection?.principal
    if (connection === undefined || principal === undefined) return done(new Error('not authenticated'))
    const answer = (error?: Error) => {
      connection.session.settled()
      if (error === undefined) return done(null)
      // An error closes the connection and would take acknowledgements of this tick with it.
      setImmediate(done, error)
    }
    if (!mayPublish(principal, packet.topic) || (principal.kind === 'device' && packet.retain)) {
      connection.refusal = 'TIDEMARK_TOPIC_FORBIDDEN'
      const logged = {
        code: 'TIDEMARK_TOPIC_FORBIDDEN',
        client: client?.id,
        topic: packet.topic.slice(0, 256),
      }
      this.#options.logger.warn(logged, 'publish refused')
      return answer(new Error('topic not allowed'))
    }
    const code = principal.kind === 'device' ? topicCode(packet.topic, principal.id) : undefined
    if (code === undefined) return answer()
    connection.session.commitThroughAedes(code, Buffer.from(packet.payload), () => answer())
  }

  #maySubscribe(client: Client, subscription: Subscription): boolean {
    const principal = this.#connections.get(client)?.principal
    if (principal !== undefined && maySubscribe(principal, subscription.topic)) return true
    const filter = subscription.topic.slice(0, 256)
    this.#options.logger.warn(
      { code: 'TIDEMARK_TOPIC_FORBIDDEN', client: client.id, filter },
      'subscription refused',
    )
    return false
  }

  /**
   * Rights once more, since one refused filter of a persistent session is stored all the same; and nothing for a subscriber
   * whose socket is full: aedes would queue without bound for it, and its end would overflow the stack.
   */
  #mayForward(client: Client, packet: { topic: string }): boolean {
    const principal = this.#connections.get(client)?.principal
    if (principal === undefined || !mayReceive(principal, packet.topic)) return false
    const conn = client.conn as Duplex
    if (!conn.writableNeedDrain) return true
    if (!packet.topic.endsWith('/telemetry')) {
      // It would miss an event: it must come back and resume rather than go on with a gap.
      this.#options.logger.warn({ code: 'TIDEMARK_SUBSCRIBER_SLOW', client: client.id }, 'subscriber cut off')
      setImmediate(() => conn.destroy())
    }
    return false
  }

  #opened(client: OpenClient): void {
    // aedes keeps a high-water mark of what it forwarded, and loses a QoS 1 message that a QoS 0 one overtakes.
    client.duplicates = new Proxy(Object.create(null), { set: () => true })
    const principal = this.#connections.get(client)?.principal
    if (principal?.kind === 'device') this.#online.set(principal.id, client)
    this.#noteWatcher(client)
  }

  #closed(client: Client): void {
    this.#telemetryWatchers.delete(client)
    const principal = this.#connections.get(client)?.principal
    if (principal?.kind !== 'device' || this.#online.get(principal.id) !== client) return
    this.#online.delete(principal.id)
    this.#lastSeenAt.delete(principal.id)
    this.#lastSeenAt.set(principal.id, Date.now())
    if (this.#lastSeenAt.size > lastSeenMax)
      this.#lastSeenAt.delete(this.#lastSeenAt.keys().next().value as string)
  }

  #noteWatcher(client: OpenClient): void {
    const watches = Object.keys(client.subscriptions).some((filter) => /^(#|\+|devices\/)/.test(filter))
    const isDevice = this.#connections.get(client)?.principal?.kind === 'device'
    if (watches && !isDevice) this.#telemetryWatchers.add(client)
    else this.#telemetryWatchers.delete(client)
  }

  /** Telemetry reaches subscribers as QoS 0: the durable path is the log, and a slow watcher must not hold it up. */
  #copyToWatchers(deviceId: string, payload: Buffer): void {
    if (this.#telemetryWatchers.size === 0 || deviceId === '' || this.#routed() > routedMessagesMax) return
    void this.publish(`devices/${deviceId}/telemetry`, Buffer.from(payload), 0).catch(() => undefined)
  }

  #routed(): number {
    return (this.#aedes as unknown as { mq: { length: number } }).mq.length
  }

  #logRefusal(client: Client, error: Error): void {
    const connection = this.#connections.get(client)
    if (connection?.refusal !== undefined) return
    const detail = messageOf(error)
    this.#options.logger.debug(
      { client: client.id, address: connection?.address, detail },
      'connection ended',
    )
  }
}
