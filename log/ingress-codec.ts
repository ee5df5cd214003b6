import { ownTelemetryTopic, telemetryTopic } from '../domain/names.ts'

/**
 * The record of the `ingress` stream: a group of raw publishes, as the broker acknowledges them together.
 *
 *     f64 time received, Unix ms
 *     for each message:  u8 bytes of the device id, u8 topic (0 devices/{id}/telemetry, 1 v1/devices/me/telemetry),
 *                        u32 bytes of the payload, device id (ASCII), payload
 *
 * All integers little-endian. A topic is one byte because a device may publish telemetry to no other; later formats on
 * their own topics take the next numbers.
 */
export const topicCodes = { telemetry: 0, ownTelemetry: 1 } as const
export type TopicCode = (typeof topicCodes)[keyof typeof topicCodes]

const groupHeaderBytes = 8
const messageHeaderBytes = 6

export interface IngressMessage {
  readonly device: string
  readonly topic: TopicCode
  readonly payload: Uint8Array
}

export function encodedMessageBytes(device: string, payload: Uint8Array): number {
  return messageHeaderBytes + device.length + payload.length
}

/** Encodes `messages`; `bytes` is the sum of their `encodedMessageBytes`. Device ids are ASCII by contract. */
export function encodeIngressGroup(
  receivedAt: number,
  messages: readonly IngressMessage[],
  bytes: number,
): Buffer {
  const group = Buffer.allocUnsafe(groupHeaderBytes + bytes)
  group.writeDoubleLE(receivedAt, 0)
  let at = groupHeaderBytes
  for (const { device, topic, payload } of messages) {
    group[at] = device.length
    group[at + 1] = topic
    group.writeUInt32LE(payload.length, at + 2)
    at += messageHeaderBytes
    group.write(device, at, 'latin1')
    at += device.length
    group.set(payload, at)
    at += payload.length
  }
  return group
}

/** Walks the messages of a group without copying them: `device`, `topic` and the payload's place in `bytes`. */
export class IngressGroupReader {
  readonly bytes: Buffer
  readonly receivedAt: number
  device = ''
  topic: TopicCode = topicCodes.telemetry
  payloadStart = 0
  payloadEnd = 0
  #at = groupHeaderBytes
  #deviceStart = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
    this.receivedAt = bytes.readDoubleLE(0)
  }

  /** Moves to the next message; false at the end. */
  next(): boolean {
    if (this.#at >= this.bytes.length) return false
    const deviceBytes = this.bytes[this.#at]!
    this.topic = this.bytes[this.#at + 1] as TopicCode
    const payloadBytes = this.bytes.readUInt32LE(this.#at + 2)
    this.#at += messageHeaderBytes
    if (!this.#isSameDevice(deviceBytes)) {
      this.device = this.bytes.toString('latin1', this.#at, this.#at + deviceBytes)
      this.#deviceStart = this.#at
    }
    this.payloadStart = this.#at + deviceBytes
    this.payloadEnd = this.payloadStart + payloadBytes
    this.#at = this.payloadEnd
    return true
  }

  /** Several messages of one device often follow each other: then its id is there already. */
  #isSameDevice(length: number): boolean {
    if (length !== this.device.length) return false
    for (let i = 0; i < length; i++) {
      if (this.bytes[this.#at + i] !== this.bytes[this.#deviceStart + i]) return false
    }
    return true
  }
}

export function topicName(topic: TopicCode, device: string): string {
  return topic === topicCodes.ownTelemetry ? ownTelemetryTopic : telemetryTopic(device)
}

/** The inverse of `topicName`; undefined for a topic that carries no telemetry of `device`. */
export function topicCode(topic: string, device: string): TopicCode | undefined {
  if (topic === telemetryTopic(device)) return topicCodes.telemetry
  if (topic === ownTelemetryTopic) return topicCodes.ownTelemetry
  return undefined
}
