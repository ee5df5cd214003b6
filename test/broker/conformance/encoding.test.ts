import { describe, expect, test } from 'vitest'
import { type LiveBroker, shareBroker } from '../live-broker.ts'
import { publish, type RawClient, serverSockets, upTo } from '../raw-client.ts'
import { answers, answersToFirst, frame, identified, names } from './frames.ts'

/** MQTT 3.1.1, chapters 1 and 2: UTF-8, fixed headers, packet identifiers. */
const live = shareBroker()
const newName = names('encoding')
const faces = ['device', 'admin'] as const
const connectAs = (face: (typeof faces)[number], broker: LiveBroker) =>
  face === 'device' ? broker.connect('d1') : broker.connect(newName(), { role: 'admin' })

describe('texts', () => {
  const illFormed: Readonly<Record<string, number[]>> = {
    'a byte that begins nothing': [0x61, 0x80],
    'a sequence cut short': [0xc3],
    'an overlong slash': [0xc0, 0xaf],
    'a surrogate': [0xed, 0xa0, 0x80],
    'a code point above U+10FFFF': [0xf4, 0x90, 0x80, 0x80],
  }
  const bad = Object.entries(illFormed).map(([name, bytes]) => ({ name, text: Buffer.from(bytes) }))
  const zero = [{ name: 'U+0000', text: Buffer.from('a\0b') }]
  const fields = (text: Buffer) => ({
    PUBLISH: frame(0x30, text, 0x78),
    'PUBLISH at QoS 1': frame(0x32, text, 0, 1),
    'PUBLISH at QoS 2': frame(0x34, text, 0, 1),
    SUBSCRIBE: identified(0x82, 1, 'a', 1, text, 1),
    UNSUBSCRIBE: identified(0xa2, 1, 'a', text),
  })
  const connects = (text: Buffer) => ({
    'client id': frame(0x10, 'MQTT', 4, 0xc2, 0, 0, text, 'api', 'admin-token'),
    'will topic': frame(0x10, 'MQTT', 4, 0xc6, 0, 0, 'c', text, 'gone', 'api', 'admin-token'),
    username: frame(0x10, 'MQTT', 4, 0xc2, 0, 0, 'c', text, 'admin-token'),
  })

  test.each(faces)(
    'ill-formed UTF-8 from a client that is connected ends the connection: %s',
    async (face) => {
      for (const { name, text } of bad)
        for (const [packet, bytes] of Object.entries(fields(text)))
          expect(await answers(await connectAs(face, live()), bytes), `${packet}, ${name}`).toEqual([
            'closed',
          ])
    },
  )

  test('ill-formed UTF-8 in a CONNECT ends the connection, without CONNACK', async () => {
    for (const { name, text } of bad)
      for (const [field, bytes] of Object.entries(connects(text)))
        expect(await answersToFirst(live().port, bytes), `${field}, ${name}`).toEqual(['closed'])
  })

  test('U+0000 ends the connection', async () => {
    for (const { text } of zero) {
      for (const [packet, bytes] of Object.entries(fields(text)))
        expect(await answers(await connectAs('admin', live()), bytes), packet).toEqual(['closed'])
      for (const [field, bytes] of Object.entries(connects(text)))
        expect(await answersToFirst(live().port, bytes), field).toEqual(['closed'])
    }
  })

  test('U+FEFF stays where it is in a topic', async () => {
    const client = await connectAs('admin', live())
    await client.subscribe({ '\ufeffmark': 0, mark: 0 })
    client.conn.write(frame(0x30, Buffer.from([0xef, 0xbb, 0xbf, ...Buffer.from('mark')])))
    await client.roundTrip()
    expect(client.of('publish').map(({ topic }) => topic)).toEqual(['\ufeffmark'])
  })
})

describe('fixed headers', () => {
  const id = [0, 1] as const
  const right: Readonly<Record<string, [first: number, ...body: (number | string)[]]>> = {
    PUBACK: [0x40, ...id],
    PUBREC: [0x50, ...id],
    PUBREL: [0x62, ...id],
    PUBCOMP: [0x70, ...id],
    SUBSCRIBE: [0x82, ...id, 'a', 1],
    UNSUBSCRIBE: [0xa2, ...id, 'a'],
    PINGREQ: [0xc0],
    DISCONNECT: [0xe0],
  }
  /** All values of the four flags but the right one. */
  const wrongFlags = (first: number) =>
    upTo(16)
      .map((n) => (first & 0xf0) | (n - 1))
      .filter((byte) => byte !== first)

  test.each(faces)('reserved flags that are not as they must be end the connection: %s', async (face) => {
    for (const [packet, [first, ...body]] of Object.entries(right))
      for (const wrong of wrongFlags(first)) {
        const name = `${packet} 0x${wrong.toString(16)}`
        expect(await answers(await connectAs(face, live()), frame(wrong, ...body)), name).toEqual(['closed'])
      }
  })

  test('the same of CONNECT, without CONNACK', async () => {
    for (const wrong of wrongFlags(0x10))
      expect(await answersToFirst(live().port, frame(wrong, 'MQTT', 4, 2, 0, 0, 'c'))).toEqual(['closed'])
  })

  test('a DISCONNECT with a reserved flag is none: the will is published', async () => {
    const watcher = await connectAs('admin', live())
    await watcher.subscribe({ 'will/flags': 0 })
    const will = { topic: 'will/flags', payload: Buffer.from('gone'), qos: 0 as const, retain: false }
    const client = await live().connect(newName(), { role: 'admin', will })
    expect(await answers(client, frame(0xe1))).toEqual(['closed'])
    expect((await watcher.next('publish')).payload.toString()).toBe('gone')
  })

  test('a packet that only a server sends, or that MQTT 3.1.1 does not have, ends the connection', async () => {
    const packets = {
      reserved: frame(0x00),
      CONNACK: frame(0x20, 0, 0),
      SUBACK: frame(0x90, ...id, 0),
      UNSUBACK: frame(0xb0, ...id),
      PINGRESP: frame(0xd0),
      AUTH: frame(0xf0),
    }
    for (const [name, bytes] of Object.entries(packets))
      expect(await answers(await connectAs('admin', live()), bytes), name).toEqual(['closed'])
  })

  test.each(faces)(
    'a packet that is shorter or longer than its kind is ends the connection: %s',
    async (face) => {
      const packets = {
        'PUBACK without identifier': frame(0x40),
        'PUBACK of one byte': frame(0x40, 0),
        'PUBREC of three bytes': frame(0x50, 0, 1, 0),
        'PUBREL of three bytes': frame(0x62, 0, 1, 0),
        'PUBCOMP of three bytes': frame(0x70, 0, 1, 0),
        'PINGREQ of one byte': frame(0xc0, 0),
        'DISCONNECT of one byte': frame(0xe0, 0),
        'PUBLISH without topic': frame(0x30),
        'PUBLISH whose topic is cut off': frame(0x30, 0, 9, 0x61),
        'PUBLISH at QoS 1 without identifier': frame(0x32, 'v1/devices/me/telemetry'),
        'SUBSCRIBE without QoS': identified(0x82, 1, 'a'),
        'UNSUBSCRIBE whose filter is cut off': identified(0xa2, 1, 0, 9, 0x61),
      }
      for (const [name, bytes] of Object.entries(packets))
        expect(await answers(await connectAs(face, live()), bytes), name).toEqual(['closed'])
    },
  )

  test('flags of what the platform sends are as they must be', async () => {
    const topic = newName()
    const client = await connectAs('admin', live())
    const firsts = new Set<number>([0x20])
    client.conn.on('data', (bytes: Buffer) => {
      for (let at = 0; at < bytes.length; at += 2 + bytes[at + 1]!) firsts.add(bytes[at]!)
    })
    await client.subscribe({ [topic]: 2 })
    client.send(publish(topic, '0'), publish(topic, '1', 1), publish(topic, '2', 2, { qos: 2 }))
    await client.expectCount('publish', 3)
    const [id] = client.idsOf('publish').slice(2)
    client.send({ cmd: 'pubrec', messageId: id! }, { cmd: 'pubrel', messageId: 2 })
    client.send({ cmd: 'unsubscribe', messageId: 3, unsubscriptions: [topic] })
    await client.expectCount('pubrel', 1)
    await client.expectCount('pubcomp', 1)
    await client.expectCount('unsuback', 1)
    await client.roundTrip()
    expect([...firsts].sort((a, b) => a - b)).toEqual([
      0x20, 0x30, 0x32, 0x34, 0x40, 0x50, 0x62, 0x70, 0x90, 0xb0, 0xd0,
    ])
  })
})

describe('packet identifiers', () => {
  test.each(faces)('the identifier 0 ends the connection: %s', async (face) => {
    const topic = face === 'device' ? 'v1/devices/me/telemetry' : 'a'
    const packets = {
      'PUBLISH at QoS 1': frame(0x32, topic, 0, 0, 0x78),
      'PUBLISH at QoS 2': frame(0x34, topic, 0, 0, 0x78),
      PUBACK: identified(0x40, 0),
      PUBREC: identified(0x50, 0),
      PUBREL: identified(0x62, 0),
      PUBCOMP: identified(0x70, 0),
      SUBSCRIBE: identified(0x82, 0, 'a', 1),
      UNSUBSCRIBE: identified(0xa2, 0, 'a'),
    }
    for (const [name, bytes] of Object.entries(packets))
      expect(await answers(await connectAs(face, live()), bytes), name).toEqual(['closed'])
  })

  test('one that a client has not acknowledged is not given to another message', async () => {
    const topic = newName()
    const publisher = await connectAs('admin', live())
    let subscriber!: RawClient
    const [socket] = await serverSockets(async () => {
      subscriber = await connectAs('admin', live())
    })
    await subscriber.subscribe({ [topic]: 1 })
    publisher.send(publish(topic, 'first', 1))
    await subscriber.expectCount('publish', 1)
    const [held] = subscriber.idsOf('publish')
    // As if it had counted around.
    const { client } = socket as unknown as { client: { _nextId: number } }
    client._nextId = held === 1 ? 65_535 : held! - 1
    publisher.send(...upTo(3).map((n) => publish(topic, `${n}`, n)))
    await subscriber.expectCount('publish', 4)
    expect(subscriber.idsOf('publish')).not.toContain(0)
    expect(new Set(subscriber.idsOf('publish')).size).toBe(4)
  })

  test('a PUBLISH at QoS 0 has none', async () => {
    const topic = newName()
    const client = await connectAs('admin', live())
    await client.subscribe({ [topic]: 2 })
    const bytes: Buffer[] = []
    client.conn.on('data', (chunk: Buffer) => bytes.push(chunk))
    client.conn.write(frame(0x30, topic, 0x78))
    await client.expectCount('publish', 1)
    expect(Buffer.concat(bytes)).toEqual(frame(0x30, topic, 0x78))
  })

  test.each(faces)('an acknowledgement has the identifier of what it answers: %s', async (face) => {
    const topic = face === 'device' ? 'devices/d1/commands/c/response' : newName()
    const filter = face === 'device' ? 'devices/d1/commands/#' : topic
    const client = await connectAs(face, live())
    client.send(publish(topic, 'x', 65_535), publish(topic, 'x', 256, { qos: 2 }))
    client.send({ cmd: 'pubrel', messageId: 256 })
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: filter, qos: 1 }] })
    client.send({ cmd: 'unsubscribe', messageId: 4_660, unsubscriptions: [filter] })
    for (const kind of ['puback', 'pubrec', 'pubcomp', 'suback', 'unsuback'] as const)
      await client.expectCount(kind, 1)
    expect([
      client.idsOf('puback'),
      client.idsOf('pubrec'),
      client.idsOf('pubcomp'),
      client.idsOf('suback'),
      client.idsOf('unsuback'),
    ]).toEqual([[65_535], [256], [256], [1], [4_660]])
  })
})
