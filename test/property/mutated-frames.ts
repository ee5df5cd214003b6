import { generate, type Packet } from 'mqtt-packet'
import { randomAt } from '../../lib/prng.ts'

/** A stream of random choices that is a function of its seed. */
export class Choices {
  readonly #seed: number
  #taken = 0

  constructor(seed: number) {
    this.#seed = seed
  }

  /** 0 … below − 1. */
  below(below: number): number {
    return Math.floor(randomAt(this.#seed, this.#taken++) * below)
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0
  }
}

export interface FrameSubject {
  readonly id: string
  readonly secret: string
}

const kinds = [
  ...['publish', 'publish', 'publish', 'publish', 'publish'],
  ...['subscribe', 'subscribe', 'unsubscribe', 'small', 'small', 'connect', 'server'],
]
const protocolNames = ['MQTT', 'MQIsdp', 'MQTT', 'MQTT', '', 'mqtt', 'MQTT\0', 'HTTP', 'M', 'MQTT'.repeat(20)]
const hostileNames = [
  '__proto__',
  'constructor',
  'toString',
  '',
  '\0',
  'é',
  '😀',
  '\ufeff',
  '$',
  '+',
  '#',
  '/',
]

/** Valid MQTT 3.1.1 packets of a device, and mutations of them that a broken or hostile client might send. */
export class FrameMutator {
  readonly #choices: Choices

  constructor(choices: Choices) {
    this.#choices = choices
  }

  /** One frame, most often mutated. */
  frame(subject: FrameSubject): Buffer {
    let frame = this.#valid(subject)
    if (this.#choices.once(6)) return frame
    for (let left = this.#choices.of([1, 1, 1, 2, 3]); left > 0; left--) frame = this.#mutated(frame, subject)
    return frame
  }

  connect({ id, secret }: FrameSubject): Buffer {
    return generate({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      keepalive: 60,
      clientId: id,
      username: id,
      password: Buffer.from(secret),
    })
  }

  /** What makes state for the frames that follow: a subscription, an open QoS 2 message, and one to be acknowledged. */
  prologue({ id }: FrameSubject, ts: number): Buffer {
    const topic = `devices/${id}/telemetry`
    const publish = { cmd: 'publish' as const, topic, retain: false, dup: false }
    return Buffer.concat([
      generate({
        cmd: 'subscribe',
        messageId: 1,
        subscriptions: [{ topic: `devices/${id}/commands/#`, qos: 1 }],
      }),
      generate({ ...publish, qos: 2, messageId: 2, payload: `{"ts":${ts},"values":{"open":1}}` }),
      generate({ ...publish, qos: 1, messageId: 3, payload: `{"ts":${ts},"values":{"temperature_c":21.5}}` }),
    ])
  }

  #valid(subject: FrameSubject): Buffer {
    const { id } = subject
    const choices = this.#choices
    const messageId = choices.of([1, 2, 3, 255, 65_535, 1 + choices.below(65_535)])
    switch (choices.of(kinds)) {
      case 'publish':
        return this.#publish(id, messageId)
      case 'subscribe': {
        const subscriptions = this.#topics(id).map((topic) => ({
          topic,
          qos: choices.of([0, 1, 2] as const),
        }))
        return generate({ cmd: 'subscribe', messageId, subscriptions })
      }
      case 'unsubscribe':
        return generate({ cmd: 'unsubscribe', messageId, unsubscriptions: this.#topics(id) })
      case 'connect':
        return this.#anyConnect(subject)
      case 'small':
        return generate(
          choices.of<Packet>([
            { cmd: 'pingreq' },
            { cmd: 'pubrel', messageId },
            { cmd: 'puback', messageId },
            { cmd: 'pubrec', messageId },
            { cmd: 'pubcomp', messageId },
            { cmd: 'disconnect' },
          ]),
        )
      default:
        return generate(
          choices.of<Packet>([
            { cmd: 'connack', returnCode: 0, sessionPresent: false },
            { cmd: 'suback', messageId, granted: [0, 1, 128] },
            { cmd: 'unsuback', messageId, granted: [] },
            { cmd: 'pingresp' },
          ]),
        )
    }
  }

  #publish(id: string, messageId: number): Buffer {
    const choices = this.#choices
    const qos = choices.of([0, 1, 1, 2] as const)
    const topic = choices.once(3) ? this.#topics(id)[0]! : `devices/${id}/telemetry`
    // Not the metric that the prologue counts: one flipped bit in a time makes another valid reading.
    const payload = choices.of([
      () =>
        `{"ts":${1_700_000_000_000 + choices.below(1_000)},"values":{"humidity_pct":${choices.below(90)}}}`,
      () => '{"humidity_pct":21.5}',
      () => '',
      () => '{"humidity_pct":"warm"}',
      () => 'x'.repeat(choices.below(3_000)),
    ])()
    const packet = { cmd: 'publish' as const, topic: topic || 'x', payload, qos, retain: choices.once(8) }
    return generate({ ...packet, dup: qos > 0 && choices.once(4), ...(qos > 0 ? { messageId } : {}) })
  }

  /** One or more topics or filters. */
  #topics(id: string): string[] {
    const choices = this.#choices
    const topic = () =>
      choices.of([
        () => `devices/${id}/commands/#`,
        () => `devices/${id}/commands/1/response`,
        () => 'v1/devices/me/telemetry',
        () => `devices/healthy/telemetry`,
        () =>
          choices.of(['#', '+', '+/+', '$SYS/#', '$share/g/#', 'events/#', 'a+', 'a/#/b', '/', '//', ' ']),
        () => choices.of(hostileNames) || 'x',
        () => `devices/${choices.of(hostileNames)}/commands/#`,
        () => 'a/'.repeat(1 + choices.below(5_000)),
      ])()
    return Array.from({ length: 1 + choices.below(choices.once(20) ? 200 : 3) }, topic)
  }

  #anyConnect({ id, secret }: FrameSubject): Buffer {
    const choices = this.#choices
    const will = { topic: this.#topics(id)[0] || 'x', payload: Buffer.from('{"a":1}') }
    const valid = generate({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: choices.once(2),
      keepalive: choices.of([0, 1, 60, 65_535]),
      clientId: choices.once(10) ? choices.of(hostileNames) || 'x' : id,
      ...(choices.once(10)
        ? {}
        : { username: id, password: Buffer.from(choices.once(20) ? 'wrong' : secret) }),
      ...(choices.once(3)
        ? { will: { ...will, qos: choices.of([0, 1, 2] as const), retain: choices.once(2) } }
        : {}),
    })
    if (choices.once(2)) return valid
    // Another protocol name and version, with the lengths to match.
    const name = Buffer.from(choices.of(protocolNames))
    const rest = valid.subarray(headerBytes(valid) + 7)
    const version = choices.of([0, 3, 4, 5, 6, 0x83, 0x84, 255])
    return framed(valid[0]!, Buffer.concat([lengthOf(name), name, Buffer.from([version]), rest]))
  }

  #mutated(frame: Buffer, subject: FrameSubject): Buffer {
    const choices = this.#choices
    const at = choices.below(frame.length + 1)
    const mutations: (() => Buffer)[] = [
      () => this.#flipped(frame),
      () => frame.subarray(0, at),
      () => Buffer.concat([frame.subarray(0, at), this.#valid(subject).subarray(choices.below(4))]),
      () => Buffer.concat([frame.subarray(0, at), frame]),
      () => Buffer.concat([frame, frame]),
      () => this.#withLength(frame),
      () => with16(frame, at, choices.of([0, 1, 0xff, 0x7fff, 0xffff])),
      () => withBytes(frame, 0, [choices.below(256)]),
      () => withBytes(frame, 0, [(frame[0] ?? 0) ^ (1 << choices.below(4))]),
      // No UTF-8: overlong, a surrogate, cut short, never valid; and U+0000, [MQTT-1.5.3-1] and [MQTT-1.5.3-2].
      () =>
        withBytes(
          frame,
          at,
          choices.of([[0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82], [0xff], [0], [0xfe, 0]]),
        ),
      () => Buffer.from(Array.from({ length: choices.below(30) }, () => choices.below(256))),
      () => Buffer.concat([frame.subarray(0, at), Buffer.alloc(choices.below(300), choices.below(256))]),
    ]
    return choices.of(mutations)()
  }

  #flipped(frame: Buffer): Buffer {
    const copy = Buffer.from(frame)
    for (let bits = 1 + this.#choices.below(4); bits > 0 && copy.length > 0; bits--) {
      const at = this.#choices.below(copy.length)
      copy[at] = copy[at]! ^ (1 << this.#choices.below(8))
    }
    return copy
  }

  /** The same body after a remaining length that is not its own. */
  #withLength(frame: Buffer): Buffer {
    const choices = this.#choices
    const body = frame.subarray(Math.min(headerBytes(frame), frame.length))
    const length = choices.of<readonly number[]>([
      [0],
      [Math.max(0, body.length - 1) & 0x7f],
      [(body.length + 1) & 0x7f],
      [choices.below(128)],
      [0x80, 0x00],
      [0x80 | (body.length & 0x7f), body.length >> 7],
      [0xff, 0xff, 0xff, 0x7f],
      [0xff, 0xff, 0x03],
      [0x80, 0x80, 0x80, 0x80, 0x01],
      [0xff, 0xff, 0xff, 0xff, 0x7f],
      [0x80],
    ])
    return Buffer.concat([Buffer.from([frame[0] ?? 0x30, ...length.map((byte) => byte & 0xff)]), body])
  }
}

/** Bytes of the type and the remaining length. */
function headerBytes(frame: Buffer): number {
  let at = 1
  while (at < 5 && (frame[at] ?? 0) >= 0x80) at++
  return at + 1
}

function framed(type: number, body: Buffer): Buffer {
  const length: number[] = []
  let left = body.length
  do {
    length.push((left % 128) | (left >= 128 ? 0x80 : 0))
    left = Math.floor(left / 128)
  } while (left > 0)
  return Buffer.concat([Buffer.from([type, ...length]), body])
}

function lengthOf(bytes: Buffer): Buffer {
  return Buffer.from([bytes.length >> 8, bytes.length & 0xff])
}

function with16(frame: Buffer, at: number, value: number): Buffer {
  return withBytes(frame, at, [value >> 8, value & 0xff])
}

function withBytes(frame: Buffer, at: number, bytes: readonly number[]): Buffer {
  const copy = Buffer.from(frame)
  copy.set(bytes.slice(0, Math.max(0, copy.length - at)), Math.min(at, copy.length))
  return copy
}
