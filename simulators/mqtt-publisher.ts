import net from 'node:net'
import tls from 'node:tls'
import { generate } from 'mqtt-packet'
import { type Backoff, backoff } from '../lib/backoff.ts'
import { messageOf, TidemarkError } from '../lib/errors.ts'
import { type Frame, frameBytes, publishFrame, pubrelFrame, setDup } from './mqtt-frames.ts'

export interface PublisherOptions<Tag = number> {
  /** `mqtt://host:port` or `mqtts://host:port`. */
  readonly url: string
  readonly clientId: string
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly topic: string
  /** With 2 the broker keeps a session while the connection is away; `close` ends it. */
  readonly qos: 0 | 1 | 2
  /** Called with what `publish` was given, at PUBACK (QoS 2: at PUBCOMP; QoS 0: when it was handed to the socket). */
  readonly onAcknowledged: (tag: Tag) => void
  /** Called once for all acknowledgements that came in one piece: the moment to fill a window again. */
  readonly onAcknowledgements?: (() => void) | undefined
  /** The connection was lost; it comes back by itself, and what is not acknowledged is sent again. */
  readonly onReconnect?: () => void
  /** Longest wait before a reconnect; waits are drawn up to it (full jitter). */
  readonly reconnectMsMax?: number | undefined
}

const keepaliveSeconds = 60
const connectTimeoutMs = 10_000
/** What may be in flight of one connection: packet identifiers have two bytes. */
export const packetIdMax = 65_535
const connackType = 2
const pubackType = 4
const pubrecType = 5
const pubcompType = 7
const disconnectPacket = Buffer.from([0xe0, 0])
const closeMsMax = 1_000
/** Table 3.1 of MQTT 3.1.1. */
const refusals: Readonly<Record<number, string>> = {
  1: 'protocol version not supported',
  2: 'client identifier not accepted',
  3: 'server not available',
  4: 'wrong user name or password',
  5: 'not authorized',
}

/** Where an MQTT URL points, or undefined when it is none that a publisher can use. */
export function mqttTarget(url: string): { host: string; port: number; isTls: boolean } | undefined {
  const { protocol, hostname, port } = URL.canParse(url) ? new URL(url) : { protocol: '' }
  const isTls = protocol === 'mqtts:'
  if ((!isTls && protocol !== 'mqtt:') || !hostname) return undefined
  // Brackets belong to the URL of an IPv6 address, not to the address.
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || (isTls ? 8883 : 1883)), isTls }
}

/** A message on its way. At QoS 2 it has no frame any more once PUBREC came: then PUBREL is what is due. */
interface Unacknowledged<Tag> {
  readonly frame: Frame | undefined
  readonly tag: Tag
}

/**
 * A device's connection for publishing, MQTT 3.1.1 over TCP or TLS. Frames are built by hand and acknowledgements read in
 * place, so that a load generator on the machine of its subject takes as little of it as can be. `Tag` is what the caller
 * wants back with an acknowledgement.
 */
export class MqttPublisher<Tag = number> {
  readonly #options: PublisherOptions<Tag>
  readonly #target: { host: string; port: number; isTls: boolean }
  readonly #topicBytes: Buffer
  /** Of the packet that ends a message's way. */
  readonly #finalType: number
  readonly #unacknowledged = new Map<number, Unacknowledged<Tag>>()
  readonly #backoff: Backoff
  #socket: net.Socket | undefined
  #isOpen = false
  #isClosed = false
  #nextId = 1
  #rest = Buffer.alloc(0)
  #ping: NodeJS.Timeout | undefined
  #retry: NodeJS.Timeout | undefined
  #outgoing: Frame[] = []

  /** Throws TIDEMARK_MQTT_URL_INVALID (exit code 2). */
  constructor(options: PublisherOptions<Tag>) {
    this.#options = options
    const target = mqttTarget(options.url)
    if (target === undefined) {
      const message = `${options.url} is not mqtt://host:port or mqtts://host:port`
      throw new TidemarkError('TIDEMARK_MQTT_URL_INVALID', message, { exitCode: 2 })
    }
    this.#target = target
    this.#backoff = backoff({ firstMs: 100, maxMs: options.reconnectMsMax ?? 5_000 })
    this.#finalType = options.qos === 2 ? pubcompType : pubackType
    const topic = Buffer.from(options.topic)
    this.#topicBytes = Buffer.concat([Buffer.from([topic.length >> 8, topic.length & 0xff]), topic])
  }

  get inFlight(): number {
    return this.#unacknowledged.size
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Resolves when connected. Rejects with TIDEMARK_MQTT_REFUSED or TIDEMARK_MQTT_UNREACHABLE (exit code 3 both). */
  async connect(): Promise<void> {
    // What a run that was killed left at the broker would take new messages for repeats of its own.
    if (this.#options.qos === 2) await this.#endSession()
    await new Promise<void>((resolve, reject) => this.#open(resolve, reject))
  }

  /**
   * Queues a message for `flush`. `tag` comes back with its acknowledgement. At QoS 0 a message is lost while there is no
   * connection. Throws TIDEMARK_MQTT_UNACKNOWLEDGED when all 65,535 packet identifiers are in flight.
   */
  publish(payload: Buffer | string, tag: Tag): void {
    const { qos } = this.#options
    if (qos === 0 && !this.#isOpen) return
    const id = qos === 0 ? 0 : this.#freeId()
    const frame = publishFrame(this.#topicBytes, payload, qos, id)
    if (qos > 0) this.#unacknowledged.set(id, { frame, tag })
    this.#outgoing.push(frame)
    if (qos === 0) this.#options.onAcknowledged(tag)
  }

  /** Writes what was queued, in one piece. */
  flush(): void {
    if (this.#outgoing.length === 0 || !this.#isOpen) return
    this.#socket?.write(frameBytes(this.#outgoing))
    this.#outgoing = []
  }

  /** Sends one message on any topic at QoS 0, after what is queued: for what the broker never acknowledges. */
  publishOnce(topic: string, payload: Buffer): void {
    if (!this.#isOpen) return
    this.flush()
    this.#socket?.write(generate({ cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false }))
  }

  /** Loses the connection, as a radio does; it comes back by itself. */
  drop(): void {
    this.flush()
    this.#socket?.destroy()
  }

  /** Says DISCONNECT and closes. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#ping)
    clearTimeout(this.#retry)
    const socket = this.#socket
    if (socket === undefined || socket.destroyed) return
    const wasOpen = this.#isOpen
    await ended(socket, disconnectPacket)
    // Nothing of a load is left behind. [MQTT-3.1.2-6]
    if (wasOpen && this.#options.qos === 2) await this.#endSession()
  }

  #open(opened: () => void, refused: (error: Error) => void): void {
    const { url, qos } = this.#options
    const socket = this.#newSocket()
    let isSettled = false
    const settle = (error?: Error) => {
      if (isSettled) return
      isSettled = true
      if (error === undefined) opened()
      else refused(error)
    }
    this.#socket = socket
    this.#rest = Buffer.alloc(0)
    socket.on(this.#connectedEvent, () => socket.write(this.#connectPacket(qos < 2)))
    socket.on('data', (chunk) => this.#received(chunk, settle))
    socket.on('error', (error) => {
      settle(new TidemarkError('TIDEMARK_MQTT_UNREACHABLE', `${url}: ${messageOf(error)}`, { exitCode: 3 }))
    })
    socket.on('close', () => {
      const wasOpen = this.#isOpen
      this.#isOpen = false
      clearInterval(this.#ping)
      settle(
        new TidemarkError('TIDEMARK_MQTT_UNREACHABLE', `${url}: the connection was closed`, { exitCode: 3 }),
      )
      if (wasOpen && !this.#isClosed) this.#reconnect()
    })
  }

  #reconnect(): void {
    this.#options.onReconnect?.()
    const attempt = () => {
      if (this.#isClosed) return
      this.#open(
        () => this.#resend(),
        () => {
          this.#retry = setTimeout(attempt, this.#backoff.next())
        },
      )
    }
    this.#retry = setTimeout(attempt, this.#backoff.next())
  }

  /** Connects with a clean session and leaves at once, so that the broker keeps nothing of this client. Never rejects. */
  #endSession(): Promise<void> {
    const socket = this.#newSocket()
    socket.on('error', () => socket.destroy())
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    socket.on(this.#connectedEvent, () => socket.write(this.#connectPacket(true)))
    socket.once('data', () => socket.end(disconnectPacket))
    return closed
  }

  #newSocket(): net.Socket {
    const { isTls, ...target } = this.#target
    // Any certificate will do: what is tried here is the server, with secrets that this tool has just made.
    const socket = isTls ? tls.connect({ ...target, rejectUnauthorized: false }) : net.connect(target)
    socket.setNoDelay(true)
    socket.setTimeout(connectTimeoutMs, () => socket.destroy(new Error('timed out')))
    return socket
  }

  get #connectedEvent(): 'secureConnect' | 'connect' {
    return this.#target.isTls ? 'secureConnect' : 'connect'
  }

  #connectPacket(clean: boolean): Buffer {
    const { clientId, username, password } = this.#options
    const login = username === undefined ? {} : { username, password: Buffer.from(password ?? '') }
    const protocol = { protocolId: 'MQTT', protocolVersion: 4 } as const
    return generate({ cmd: 'connect', ...protocol, clean, keepalive: keepaliveSeconds, clientId, ...login })
  }

  /**
   * [MQTT-4.4.0-1]: what is unacknowledged goes again, in order: PUBREL where PUBREC had come ([MQTT-4.3.3-1]: never PUBLISH
   * again), else PUBLISH with DUP; what never left goes without ([MQTT-3.3.1-1]).
   */
  #resend(): void {
    this.#backoff.reset()
    const unsent = new Set(this.#outgoing)
    this.#outgoing = []
    for (const [id, { frame }] of this.#unacknowledged) {
      if (frame !== undefined && !unsent.has(frame)) setDup(frame)
      this.#outgoing.push(frame ?? pubrelFrame(id))
    }
    this.flush()
  }

  #received(chunk: Buffer, settle: (error?: Error) => void): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const unacknowledgedBefore = this.#unacknowledged.size
    let [at, isReleasing] = [0, false]
    // Everything that a publisher is sent has a remaining length of one byte.
    while (at + 1 < bytes.length && at + 2 + bytes[at + 1]! <= bytes.length) {
      const type = bytes[at]! >> 4
      if (type === this.#finalType) this.#acknowledged(bytes.readUInt16BE(at + 2))
      else if (type === pubrecType) {
        this.#release(bytes.readUInt16BE(at + 2))
        isReleasing = true
      } else if (type === connackType) this.#answered(bytes[at + 3]!, settle)
      at += 2 + bytes[at + 1]!
    }
    this.#rest = at === bytes.length ? Buffer.alloc(0) : Buffer.from(bytes.subarray(at))
    if (this.#unacknowledged.size < unacknowledgedBefore) this.#options.onAcknowledgements?.()
    if (isReleasing) this.flush()
  }

  /** PUBREC came: PUBREL is due, in the order of the PUBRECs ([MQTT-4.6.0-4]), also for what is known no more. */
  #release(id: number): void {
    const sent = this.#unacknowledged.get(id)
    if (sent !== undefined) {
      this.#unacknowledged.delete(id)
      this.#unacknowledged.set(id, { frame: undefined, tag: sent.tag })
    }
    this.#outgoing.push(pubrelFrame(id))
  }

  #answered(returnCode: number, settle: (error?: Error) => void): void {
    if (returnCode !== 0) {
      const reason = refusals[returnCode] ?? 'no reason known'
      const message = `${this.#options.clientId} was refused with return code ${returnCode}: ${reason}`
      settle(new TidemarkError('TIDEMARK_MQTT_REFUSED', message, { exitCode: 3 }))
      this.#socket?.destroy()
      return
    }
    this.#isOpen = true
    this.#socket?.setTimeout(0)
    this.#ping = setInterval(() => this.#socket?.write(Buffer.from([0xc0, 0])), (keepaliveSeconds * 1000) / 2)
    settle()
  }

  #acknowledged(id: number): void {
    const sent = this.#unacknowledged.get(id)
    if (sent === undefined) return
    this.#unacknowledged.delete(id)
    this.#options.onAcknowledged(sent.tag)
  }

  #freeId(): number {
    for (let tried = 0; tried < packetIdMax; tried++) {
      const id = this.#nextId
      this.#nextId = id === packetIdMax ? 1 : id + 1
      if (!this.#unacknowledged.has(id)) return id
    }
    const message = `${this.#options.clientId}: the broker does not acknowledge; every packet identifier is in flight`
    throw new TidemarkError('TIDEMARK_MQTT_UNACKNOWLEDGED', message)
  }
}

/** Writes the last bytes and resolves when the connection is closed, by force after a while. */
function ended(socket: net.Socket, last: Buffer): Promise<void> {
  return new Promise<void>((resolve) => {
    socket.once('close', () => resolve())
    socket.end(last)
    setTimeout(() => socket.destroy(), closeMsMax).unref()
  })
}
