import fc from 'fast-check'
import { generate, type Packet, parser } from 'mqtt-packet'
import { expect, test } from 'vitest'
import { ParserBytes } from '../../broker/parser-bytes.ts'
import { connectPacket, publish } from './raw-client.ts'

const packets: readonly Packet[] = [
  connectPacket(),
  publish('devices/d1/telemetry', 'x'.repeat(200), 7),
  publish('v1/devices/me/telemetry', ''),
  { cmd: 'publish', topic: 'é/ü', payload: 'ß', qos: 2, messageId: 65_535, retain: true, dup: true },
  { cmd: 'subscribe', messageId: 2, subscriptions: [{ topic: 'a/#', qos: 1 }] },
  { cmd: 'unsubscribe', messageId: 3, unsubscriptions: ['a/#', 'b'] },
  { cmd: 'puback', messageId: 4 },
  { cmd: 'pubrel', messageId: 5 },
  { cmd: 'pingreq' },
  { cmd: 'disconnect' },
]

test('the parser reads from it what it reads from its own list, however the bytes are cut, broken ones too', () => {
  const anyBytes = fc
    .array(
      fc.oneof(
        fc.constantFrom(...packets).map((packet) => generate(packet)),
        fc.uint8Array({ maxLength: 9 }),
      ),
    )
    .map((parts) => Buffer.concat(parts))
  fc.assert(
    fc.property(anyBytes, fc.array(fc.nat(400)), (bytes, lengths) => {
      const pieces: Buffer[] = []
      let at = 0
      for (const length of [...lengths, bytes.length]) {
        pieces.push(bytes.subarray(at, at + length))
        at += length
      }
      const wanted = read(pieces, undefined)
      // The parser's own list takes ill-formed texts, and U+0000 in them.
      fc.pre(!/\ufffd|\\u0000/.test(JSON.stringify(wanted)))
      expect(read(pieces, new ParserBytes())).toEqual(wanted)
    }),
    { numRuns: 300 },
  )
})

test.each<[string, number[], string | null]>([
  ['well-formed', [0xc3, 0xa9], 'é'],
  ['U+FFFD as it was sent', [0xef, 0xbf, 0xbd], '\ufffd'],
  ['U+FEFF', [0xef, 0xbb, 0xbf, 0x61], '\ufeffa'],
  ['ill-formed', [0x61, 0xff], null],
  ['ill-formed beside U+FFFD', [0xef, 0xbf, 0xbd, 0xff], null],
  ['a surrogate', [0xed, 0xa0, 0x80], null],
  ['U+0000', [0x61, 0x00], null],
])('a text that is %s', (_name, bytes, expected) => {
  const list = new ParserBytes()
  list.append(Buffer.from([1, ...bytes, 1]))
  expect(list.toString('utf8', 1, 1 + bytes.length)).toBe(expected)
})

test('nothing of a packet stays once it is read, the memory that it came in neither', () => {
  const list = new ParserBytes()
  const bytes = generate(packets[1]!)
  read([bytes], list)
  expect(list.length).toBe(0)
  expect(list.slice(0, 1).buffer).not.toBe(bytes.buffer)
})

/** What a parser tells of `pieces`, up to the first error. */
function read(pieces: readonly Buffer[], list: ParserBytes | undefined): unknown[] {
  const told: unknown[] = []
  const reading = parser() as ReturnType<typeof parser> & { _list: unknown }
  if (list !== undefined) reading._list = list
  let hasFailed = false
  reading.on('packet', (packet) => told.push(packet))
  reading.on('error', (error) => {
    hasFailed = true
    told.push(error.message)
  })
  for (const piece of pieces) {
    if (hasFailed) break
    if (piece.length > 0) reading.parse(piece)
  }
  return told
}
