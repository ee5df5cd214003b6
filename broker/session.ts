import type { Duplex } from 'node:stream'
import { ownTelemetryTopic, telemetryTopic } from '../domain/names.ts'
import { type TopicCode, topicCodes } from '../log/ingress-codec.ts'
import { type Frame, frameAt, PacketAssembler } from './frame-splitter.ts'
import type { Acknowledge, CommitTarget, GroupCommitter } from './group-committer.ts'
import { foreignLevel, type PacketBounds, packetFault } from './packet-fault.ts'
import type { Principal } from './rights.ts'

export interface SessionLimits {
  readonly packetBytesMax: number
  /** Messages a second and at once for one device; a rate of 0 lifts both. */
  readonly deviceRateMax: number
  readonly deviceBurstMax: number
  /** Messages of one connection that may wait for the log before its socket is no longer read. */
  readonly heldMessagesMax: number
}

/** What sessions need of the world: the same for all of them, since closures for each of thousands take memory. */
export interface SessionPorts {
  readonly committer: GroupCommitter
  /** A packet of this connection is read past aedes: its keepalive timer must know. */
  readonly onActivity: (conn: Duplex) => void
  /** The connection broke a rule and is being closed. */
  readonly onViolation: (conn: Duplex, code: `TIDEMARK_${string}`, detail: string) => void
  /** The log refused messages of this connection, which is being closed. */
  readonly onRefused: (conn: Duplex) => void
  /** A message of a device is on disk: copy it to subscribers, if there are any. */
  readonly onCommitted: (deviceId: string, payload: Buffer) => void
  readonly onClosed: (conn: Duplex) => void
}

/** CONNACK with return code 1: the level of the protocol is not one that is spoken here. */
const levelRefused = Buffer.from([0x20, 2, 0, 1])
const pubackBytes = 4
const publishType = 3
/** `telemetryTopic` around a device's id: compared in place, since a copy for each connection takes memory. */
const [topicPrefix, topicSuffix] = telemetryTopic('|').split('|') as [string, string]
/** A device that stays over its rate for this long is disconnected. */
const throttledMsMax = 300_000

/**
 * One connection, between its socket and aedes. Wraps `conn.read()`: splits what arrives into packets, refuses oversized
 * ones, takes the telemetry of a device itself (docs/decisions/0005) and hands every other packet to aedes. Stops reading
 * while the device is over its rate or has too many messages waiting for the log: with aedes alone, holding an
 * acknowledgement stops nothing, and what a client may pile up in memory has no bound.
 */
export class Session implements CommitTarget {
  deviceId = ''
  readonly #conn: Duplex
  readonly #limits: SessionLimits
  readonly #ports: SessionPorts
  readonly #rawRead: (this: Duplex, bytes?: number) => Buffer | null
  /** Made by the first packet that comes in pieces. */
  #assembler: PacketAssembler | undefined
  #phase: 'connect' | 'waiting' | 'open' | 'ending' = 'connect'
  #ended: (() => void) | undefined
  #awaitsDrain = false
  #isDevice = false
  /** What came behind CONNECT before it was answered. */
  #early: Buffer | null = null
  #held = 0
  #passedToAedes = 0
  #gated = false
  #acks: number[] = []
  #tokens: number
  #tokensAt = performance.now()
  #throttledSince: number | undefined
  #throttle: NodeJS.Timeout | undefined

  constructor(conn: Duplex, limits: SessionLimits, ports: SessionPorts) {
    this.#conn = conn
    this.#limits = limits
    this.#ports = ports
    this.#tokens = limits.deviceBurstMax
    this.#rawRead = conn.read
    // `read(0)` is how a stream asks itself for more; what it returns is thrown away.
    conn.read = (bytes?: number) => (bytes === 0 ? this.#rawRead.call(conn, 0) : this.#read())
    // Not `once`, which keeps three objects more, for an event that comes once anyway.
    conn.on('close', () => {
      clearTimeout(this.#throttle)
      ports.onClosed(conn)
    })
  }

  /**
   * CONNACK is sent: from here on packets are taken, the telemetry of a device past aedes. Until then only CONNECT goes to
   * aedes, whose queue for what comes behind it is short and ends the connection when it is full.
   */
  open(principal: Principal): void {
    this.#phase = 'open'
    setImmediate(() => this.#conn.emit('readable'))
    if (principal.kind !== 'device') return
    this.#isDevice = true
    this.deviceId = principal.id
  }

  /** Telemetry that came through aedes (QoS 2, or behind such a packet): acknowledged by `done` once on disk. */
  commitThroughAedes(topic: 0 | 1, payload: Buffer, done: Acknowledge): void {
    this.#held++
    this.#ports.committer.add(this, topic, payload, 0, payload.length, -1, done)
  }

  /** The same of what somebody else keeps: `kept` says that it is on disk, or that the log refused it. */
  async commitElsewhere(kept: Promise<boolean>, done: () => void): Promise<void> {
    this.#held++
    if (!(await kept)) return this.refused()
    this.#held--
    done()
    this.flush()
  }

  /** aedes has dealt with a publish that was passed to it. */
  settled(): void {
    if (this.#passedToAedes > 0) this.#passedToAedes--
  }

  /**
   * Reads nothing more and calls `then` when everything taken so far is acknowledged: an error closes the connection, and
   * would take with it the acknowledgements that are still to come.
   */
  end(then: () => void): void {
    this.#phase = 'ending'
    this.#ended = then
    this.#endWhenSettled()
  }

  committed(
    messageId: number,
    group: Buffer,
    start: number,
    end: number,
    callback: Acknowledge | undefined,
  ): void {
    this.#held--
    if (callback !== undefined) {
      this.#writeAcks()
      callback()
    } else if (messageId >= 0) this.#acks.push(messageId)
    this.#ports.onCommitted(this.deviceId, group.subarray(start, end))
  }

  flush(): void {
    this.#writeAcks()
    this.#endWhenSettled()
    if (this.#gated && this.#held <= this.#limits.heldMessagesMax / 2) this.#resume()
  }

  refused(): void {
    this.#ports.onRefused(this.#conn)
    this.#conn.destroy()
  }

  #endWhenSettled(): void {
    if (this.#ended === undefined || this.#held > 0) return
    // Not in this tick: what was written in it would be discarded.
    setImmediate(this.#ended)
    this.#ended = undefined
  }

  #writeAcks(): void {
    const ids = this.#acks
    if (ids.length === 0) return
    this.#acks = []
    if (this.#conn.destroyed || !this.#conn.writable) return
    const bytes = Buffer.allocUnsafe(pubackBytes * ids.length)
    let at = 0
    for (const id of ids) {
      bytes[at++] = 0x40
      bytes[at++] = 2
      bytes[at++] = id >> 8
      bytes[at++] = id & 0xff
    }
    this.#conn.write(bytes)
  }

  #read(): Buffer | null {
    if (this.#phase === 'waiting' || this.#phase === 'ending' || this.#isGated()) return null
    const chunk = this.#early ?? this.#rawRead.call(this.#conn)
    this.#early = null
    if (chunk === null) return null
    const bytes = this.#assembler === undefined ? chunk : this.#assembler.join(chunk)
    if (bytes === undefined) return null
    const passed = this.#take(bytes)
    if (this.#isOverRate()) this.#gated = true
    return passed
  }

  /** Takes the packets in `bytes`; returns those that are for aedes. */
  #take(bytes: Buffer): Buffer | null {
    const passed: Buffer[] = []
    let at = 0
    while (at < bytes.length) {
      const frame = frameAt(bytes, at, this.#limits.packetBytesMax)
      if (frame.kind === 'partial') {
        this.#assembler ??= new PacketAssembler()
        this.#assembler.keep(bytes.subarray(at), frame.bytes)
        break
      }
      if (frame.kind !== 'packet') return this.#refuseFrame(frame)
      if (!this.#takeTelemetry(bytes, at, frame.body, frame.end)) {
        if (!this.#isRight(bytes, frame)) return null
        passed.push(bytes.subarray(at, frame.end))
      }
      at = frame.end
      if (this.#phase === 'connect') {
        this.#phase = 'waiting'
        if (at < bytes.length) this.#early = Buffer.from(bytes.subarray(at))
        break
      }
    }
    if (this.#isDevice) this.#ports.onActivity(this.#conn)
    if (passed.length === 0) return null
    return passed.length === 1 ? passed[0]! : Buffer.concat(passed)
  }

  /** Takes a QoS 0 or 1 PUBLISH to the device's own topic; false for every other packet. */
  #takeTelemetry(bytes: Buffer, start: number, body: number, end: number): boolean {
    const header = bytes[start]!
    if (header >> 4 !== publishType) return false
    this.#tokens--
    if (!this.#isDevice) return false
    const qos = (header >> 1) & 3
    // QoS 0 without DUP or QoS 1 with or without it, and not retained.
    const isPlain = header === 0x30 || (header & 0xf7) === 0x32
    const topicCode = isPlain && this.#passedToAedes === 0 ? this.#ownTopic(bytes, body, end) : -1
    const payloadStart = topicCode === -1 ? end : body + 2 + bytes.readUInt16BE(body) + (qos === 1 ? 2 : 0)
    const messageId =
      qos === 1 && topicCode !== -1 && payloadStart <= end ? bytes.readUInt16BE(payloadStart - 2) : -1
    // What is malformed is for `packetFault`.
    if (topicCode === -1 || payloadStart > end || messageId === 0) {
      // Until aedes has acknowledged it, later publishes go the same way: acknowledgements keep their order.
      if (qos > 0) this.#passedToAedes++
      return false
    }
    this.#held++
    this.#ports.committer.add(this, topicCode, bytes, payloadStart, end, messageId)
    return true
  }

  /** The code of the topic at `body` when it is one of the device's own telemetry topics, else −1. */
  #ownTopic(bytes: Buffer, body: number, end: number): TopicCode | -1 {
    if (body + 2 > end) return -1
    const at = body + 2
    const topicBytes = bytes.readUInt16BE(body)
    if (at + topicBytes > end) return -1
    const { deviceId } = this
    const suffixAt = at + topicPrefix.length + deviceId.length
    if (
      topicBytes === topicPrefix.length + deviceId.length + topicSuffix.length &&
      holds(bytes, at, topicPrefix) &&
      holds(bytes, at + topicPrefix.length, deviceId) &&
      holds(bytes, suffixAt, topicSuffix)
    )
      return topicCodes.telemetry
    return topicBytes === ownTelemetryTopic.length && holds(bytes, at, ownTelemetryTopic)
      ? topicCodes.ownTelemetry
      : -1
  }

  /** False where the connection is being ended for the packet. */
  #isRight(bytes: Buffer, bounds: PacketBounds): boolean {
    const level = this.#phase === 'connect' ? foreignLevel(bytes, bounds) : undefined
    if (level !== undefined) {
      // [MQTT-3.1.2-2]
      this.#ports.onViolation(this.#conn, 'TIDEMARK_PROTOCOL_LEVEL', `level ${level}`)
      this.#phase = 'ending'
      this.#conn.end(levelRefused)
      return false
    }
    const fault = packetFault(bytes, bounds)
    if (fault !== undefined) this.#violate('TIDEMARK_PACKET_MALFORMED', fault)
    return fault === undefined
  }

  #refuseFrame(frame: Frame & { kind: 'too_large' | 'malformed' }): null {
    if (frame.kind === 'malformed')
      return this.#violate('TIDEMARK_PACKET_MALFORMED', 'a remaining length of more than four bytes')
    const detail = `a packet of ${frame.bytes} bytes, limit ${this.#limits.packetBytesMax}`
    return this.#violate('TIDEMARK_PACKET_TOO_LARGE', detail)
  }

  #violate(code: `TIDEMARK_${string}`, detail: string): null {
    this.#ports.onViolation(this.#conn, code, detail)
    this.#conn.destroy()
    return null
  }

  #isGated(): boolean {
    if (this.#throttle !== undefined) return true
    // A client that does not read its acknowledgements would have them pile up here.
    if (this.#conn.writableNeedDrain) {
      if (!this.#awaitsDrain) this.#conn.once('drain', () => this.#drained())
      this.#awaitsDrain = true
      return true
    }
    if (this.#held >= this.#limits.heldMessagesMax || (this.#held > 0 && this.#ports.committer.isFull))
      this.#gated = true
    return this.#gated
  }

  /** Token bucket: true when the socket must not be read until there are tokens again; a timer then resumes. */
  #isOverRate(): boolean {
    const { deviceRateMax, deviceBurstMax } = this.#limits
    if (deviceRateMax === 0 || !this.#isDevice) return false
    const now = performance.now()
    this.#tokens = Math.min(deviceBurstMax, this.#tokens + ((now - this.#tokensAt) / 1000) * deviceRateMax)
    this.#tokensAt = now
    if (this.#tokens >= 0) {
      this.#throttledSince = undefined
      return false
    }
    this.#throttledSince ??= now
    if (now - this.#throttledSince > throttledMsMax) {
      const detail = `over ${deviceRateMax} messages a second for ${throttledMsMax / 1000} s`
      this.#violate('TIDEMARK_RATE_LIMIT', detail)
      return true
    }
    this.#throttle = setTimeout(
      () => {
        this.#throttle = undefined
        this.#resume()
      },
      Math.ceil((-this.#tokens / deviceRateMax) * 1000) + 1,
    )
    return true
  }

  #drained(): void {
    this.#awaitsDrain = false
    this.#conn.emit('readable')
  }

  #resume(): void {
    if (this.#throttle !== undefined || this.#conn.destroyed) return
    this.#gated = false
    if (this.#isDevice) this.#ports.onActivity(this.#conn)
    this.#conn.emit('readable')
  }
}

/** True when the ASCII `expected` stands at `at`. A plain loop: for some twenty bytes, Buffer's own comparison checks longer than it compares. */
function holds(bytes: Buffer, at: number, expected: string): boolean {
  for (let i = 0; i < expected.length; i++) if (bytes[at + i] !== expected.charCodeAt(i)) return false
  return true
}
