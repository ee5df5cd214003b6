import fc from 'fast-check'
import { generate, type Packet, parser } from 'mqtt-packet'
import { expect, test } from 'vitest'
import { frameAt } from '../../broker/frame-splitter.ts'
import { foreignLevel, packetFault } from '../../broker/packet-fault.ts'
import { connectPacket, publish } from './raw-client.ts'

const will = { topic: 'w', payload: Buffer.from('gone'), qos: 2 as const, retain: true }
const right: readonly Packet[] = [
  connectPacket(),
  connectPacket({ username: 'u' }),
  connectPacket({ username: 'u', password: 'p', will, clean: false }),
  connectPacket({ protocolId: 'MQIsdp', protocolVersion: 3, username: 'u', password: 'p', will }),
  publish('t', 'x'),
  publish('t', 'x', 1, { dup: true, retain: true }),
  publish('t', '', 65_535, { qos: 2 }),
  { cmd: 'puback', messageId: 1 },
  { cmd: 'pubrec', messageId: 1 },
  { cmd: 'pubrel', messageId: 1 },
  { cmd: 'pubcomp', messageId: 1 },
  { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 't', qos: 1 }] },
  { cmd: 'unsubscribe', messageId: 1, unsubscriptions: ['t'] },
  { cmd: 'pingreq' },
  { cmd: 'disconnect' },
]

function boundsOf(bytes: Buffer) {
  const bounds = frameAt(bytes, 0, 1_000)
  return bounds.kind === 'packet' ? bounds : undefined
}

test('a packet that is right has no fault and no foreign level', () => {
  for (const packet of right) {
    const bytes = generate(packet)
    const bounds = boundsOf(bytes)!
    expect([packetFault(bytes, bounds), foreignLevel(bytes, bounds)], packet.cmd).toEqual([
      undefined,
      undefined,
    ])
  }
})

test('whatever the bytes are, it throws nothing, and has no fault only where the parser reads as many', () => {
  const mutated = fc.tuple(fc.constantFrom(...right), fc.nat(20), fc.nat(7)).map(([packet, at, bit]) => {
    const bytes = Buffer.from(generate(packet))
    if (at !== 1 && at < bytes.length) bytes[at]! ^= 1 << bit
    return bytes
  })
  fc.assert(
    fc.property(
      fc.oneof(
        mutated,
        fc.uint8Array({ minLength: 2 }).map((bytes) => Buffer.from(bytes)),
      ),
      (bytes) => {
        const bounds = boundsOf(bytes)
        if (bounds === undefined) return
        foreignLevel(bytes, bounds)
        const fault = packetFault(bytes, bounds)
        if (fault !== undefined || bytes[0]! >> 4 !== 1) return
        const read: Packet[] = []
        const reading = parser()
        reading.on('packet', (packet) => read.push(packet))
        reading.on('error', () => undefined)
        reading.parse(bytes.subarray(0, bounds.end))
        const [connect] = read
        if (connect?.cmd !== 'connect' || connect.protocolVersion === 5) return
        const { clientId, username, password, will, protocolId } = connect
        const fields = [clientId, will?.topic, will?.payload, username, password].filter(
          (one) => one !== undefined,
        )
        const sum = fields.reduce((bytes, one) => bytes + 2 + (one as Buffer | string).length, 0)
        // As many bytes as characters, but for what is ill-formed.
        if (!/[^\0-\x7f]/.test(`${clientId}${will?.topic}${username}`))
          expect(2 + protocolId!.length + 4 + sum).toBe(bounds.end - bounds.body)
      },
    ),
    { numRuns: 3_000 },
  )
})
