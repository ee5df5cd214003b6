import { describe, expect, test } from 'vitest'
import { shareBroker } from '../live-broker.ts'
import { isTaken, poll, publish, type RawClient, upTo } from '../raw-client.ts'
import { answers, frame, names } from './frames.ts'

/** MQTT 3.1.1, sections 3.3 to 3.7 and 4.3: PUBLISH, its acknowledgements and the delivery of messages. */
const live = shareBroker()
const newName = names('publish')
const telemetry = 'v1/devices/me/telemetry'
const newAdmin = () => live().connect(newName(), { role: 'admin' })

/** An administrator who subscribed to a topic of its own at QoS 2. */
async function subscribed(qos: 0 | 1 | 2 = 2): Promise<{ client: RawClient; topic: string }> {
  const [client, topic] = [await newAdmin(), newName()]
  await client.subscribe({ [topic]: qos })
  return { client, topic }
}

describe('flags', () => {
  const wrong = {
    'both QoS bits': frame(0x36, telemetry, 0, 1, 0x78),
    'both QoS bits, and no identifier': frame(0x36, telemetry),
    'DUP at QoS 0': frame(0x38, telemetry, 0x78),
  }

  test.each(['device', 'admin'] as const)('QoS 3, and DUP at QoS 0, end the connection: %s', async (face) => {
    const before = live().messages().length
    for (const [name, bytes] of Object.entries(wrong)) {
      const client = face === 'device' ? await live().connect('d1') : await newAdmin()
      expect(await answers(client, bytes), name).toEqual(['closed'])
    }
    expect(live().messages()).toHaveLength(before)
  })

  test('DUP of what is published is not passed on', async () => {
    const { client, topic } = await subscribed()
    client.send(
      publish(topic, '1', 1, { dup: true }),
      publish(topic, '2', 2, { qos: 2, dup: true }),
      publish(topic, '0'),
    )
    await client.expectCount('publish', 3)
    const seen = client.of('publish').map(({ payload, qos, dup }) => [payload.toString(), qos, dup])
    expect(seen.sort()).toEqual([
      ['0', 0, false],
      ['1', 1, false],
      ['2', 2, false],
    ])
  })

  test('it is not kept for a session that is away either', async () => {
    const [id, topic] = [newName(), newName()]
    const away = await live().connect(id, { role: 'admin', clean: false })
    await away.subscribe({ [topic]: 2 })
    away.conn.destroy()
    const publisher = await newAdmin()
    publisher.send(publish(topic, '1', 1, { dup: true }), publish(topic, '2', 2, { qos: 2, dup: true }))
    await publisher.expectCount('pubrec', 1)
    const back = await live().connect(id, { role: 'admin', clean: false })
    await back.expectCount('publish', 2)
    expect(back.of('publish').map(({ dup }) => dup)).toEqual([false, false])
  })
})

describe('topics of messages', () => {
  test.each(['', 'a/+', 'a/#', '+', '#', 'a+', '#a'])('the topic %j ends the connection', async (topic) => {
    const client = await newAdmin()
    client.conn.write(frame(0x32, topic, 0, 1, 0x78))
    await client.expectClosed()
    expect(client.of('puback')).toEqual([])
  })

  test('what a subscriber gets has a topic that its filter matches, telemetry too', async () => {
    const { client, topic } = await subscribed()
    await client.subscribe({ [`${topic}/+/x`]: 1, 'devices/+/telemetry': 0 })
    for (const name of [topic, `${topic}/y/x`, `${topic}/y`, `${topic}/y/x/z`])
      client.send(publish(name, 'x', 1))
    expect(await isTaken(await live().connect('d1'), telemetry)).toBe(true)
    await client.expectCount('publish', 3)
    await client.roundTrip()
    expect(client.of('publish').map(({ topic }) => topic)).toEqual([
      topic,
      `${topic}/y/x`,
      'devices/d1/telemetry',
    ])
  })
})

describe('acknowledgements', () => {
  test.each(['device', 'admin'] as const)('each QoS has its own: %s', async (face) => {
    const client = face === 'device' ? await live().connect('d1') : await newAdmin()
    const topic = face === 'device' ? telemetry : newName()
    client.send(publish(topic, '0'), publish(topic, '1', 1), publish(topic, '2', 2, { qos: 2 }))
    await client.expectCount('puback', 1)
    await client.expectCount('pubrec', 1)
    client.send({ cmd: 'pubrel', messageId: 2 })
    await client.expectCount('pubcomp', 1)
    const kinds = client.received.map(({ cmd, messageId }) => [cmd, messageId])
    expect(kinds.slice(1).sort()).toEqual([
      ['puback', 1],
      ['pubcomp', 2],
      ['pubrec', 2],
    ])
  })

  test('a PUBREL of what is not known is answered too', async () => {
    const client = await newAdmin()
    client.send({ cmd: 'pubrel', messageId: 77 })
    await client.expectCount('pubcomp', 1)
  })

  test('a publish that is not allowed is not acknowledged: the connection ends', async () => {
    for (const qos of [1, 2] as const) {
      const client = await live().connect('d1')
      client.send(publish('devices/d2/telemetry', 'x', 1, { qos }))
      await client.expectClosed()
      expect(client.received.map(({ cmd }) => cmd)).toEqual(['connack'])
    }
  })

  test('after PUBACK the same identifier is another message, with DUP too', async () => {
    const { client, topic } = await subscribed(1)
    const device = await live().connect('d1')
    const before = live().messages().length
    for (const n of upTo(2)) {
      device.send(publish(telemetry, `${n}`, 9, { dup: n === 2 }))
      client.send(publish(topic, `${n}`, 9, { dup: n === 2 }))
      await device.expectCount('puback', n)
      await client.expectCount('puback', n)
    }
    await client.expectCount('publish', 2)
    expect(client.payloads()).toEqual(['1', '2'])
    expect(
      live()
        .messages()
        .slice(before)
        .map(({ payload }) => payload),
    ).toEqual(['1', '2'])
  })

  test('a QoS 2 message that is sent again before PUBREL is delivered once, in one segment too', async () => {
    const { client, topic } = await subscribed()
    const again = publish(topic, 'a', 7, { qos: 2, dup: true })
    client.send(publish(topic, 'a', 7, { qos: 2 }), again, again)
    await client.expectCount('pubrec', 3)
    client.send(again)
    await client.expectCount('pubrec', 4)
    client.send({ cmd: 'pubrel', messageId: 7 })
    await client.expectCount('pubcomp', 1)
    client.send(publish(topic, 'b', 7, { qos: 2 }))
    await client.expectCount('publish', 2)
    await client.roundTrip()
    expect([client.payloads(), client.idsOf('pubrec')]).toEqual([['a', 'b'], Array(5).fill(7)])
  })

  test("a device's answer to a command at QoS 2 is passed on, once", async () => {
    const watcher = await newAdmin()
    await watcher.subscribe({ 'devices/+/commands/+/response': 2 })
    const device = await live().connect('d1')
    const response = (more = {}) => publish('devices/d1/commands/c/response', 'done', 5, { qos: 2, ...more })
    device.send(response(), response({ dup: true }))
    await device.expectCount('pubrec', 2)
    device.send(response({ dup: true }), { cmd: 'pubrel', messageId: 5 })
    await device.expectCount('pubcomp', 1)
    await watcher.expectCount('publish', 1)
    await watcher.roundTrip()
    expect(watcher.payloads()).toEqual(['done'])
  })

  test('PUBRECs leave in the order of the publishes, whoever reads slowly', async () => {
    const slow = await newAdmin()
    const topic = newName()
    await slow.subscribe({ [`${topic}/slow`]: 1 })
    slow.conn.pause()
    const client = await newAdmin()
    const large = 'x'.repeat(60_000)
    const isSlow = (id: number) => id % 3 === 0
    client.send(
      ...upTo(60).map((id) =>
        publish(isSlow(id) ? `${topic}/slow` : topic, isSlow(id) ? large : '', id, { qos: 2 }),
      ),
    )
    // Some of them wait for the slow one's socket: it is read again once PUBRECs are held up by it, or all have left.
    await expect.poll(() => client.of('pubrec').length, poll).toBeGreaterThan(2)
    slow.conn.resume()
    await client.expectCount('pubrec', 60)
    expect(client.idsOf('pubrec')).toEqual(upTo(60))
  })

  test('PUBRECs of a device too, of telemetry and answers in turn', async () => {
    const device = await live().connect('d1')
    const topicOf = (id: number) => (id % 2 === 0 ? telemetry : 'devices/d1/commands/c/response')
    device.send(...upTo(60).map((id) => publish(topicOf(id), '{}', id, { qos: 2 })))
    await device.expectCount('pubrec', 60)
    expect(device.idsOf('pubrec')).toEqual(upTo(60))
  })
})

describe('messages to a subscriber', () => {
  test('at QoS 1 and 2 have an identifier that is not in use, and at QoS 2 PUBREL follows PUBREC', async () => {
    const { client, topic } = await subscribed()
    const publisher = await newAdmin()
    publisher.send(
      publish(topic, 'a', 1),
      publish(topic, 'b', 2, { qos: 2 }),
      publish(topic, 'c', 3, { qos: 2 }),
    )
    await client.expectCount('publish', 3)
    const ids = client.idsOf('publish') as number[]
    expect(new Set(ids).size).toBe(3)
    client.send({ cmd: 'pubrec', messageId: ids[2]! }, { cmd: 'pubrec', messageId: ids[1]! })
    await client.expectCount('pubrel', 2)
    expect(client.idsOf('pubrel')).toEqual([ids[2], ids[1]])
    client.send(...ids.slice(1).map((messageId) => ({ cmd: 'pubcomp' as const, messageId })))
    expect(await answers(client, Buffer.alloc(0))).toEqual([])
  })

  test('of one topic and QoS come in the order in which they were published', async () => {
    const { client, topic } = await subscribed()
    const publisher = await newAdmin()
    const qosOf = (n: number) => (n % 3) as 0 | 1 | 2
    publisher.send(
      ...upTo(300).map((n) => publish(topic, `${n}`, qosOf(n) === 0 ? undefined : n, { qos: qosOf(n) })),
    )
    await client.expectCount('publish', 300)
    for (const qos of [0, 1, 2])
      expect(
        client
          .of('publish')
          .filter((packet) => packet.qos === qos)
          .map(({ payload }) => Number(payload)),
      ).toEqual(upTo(300).filter((n) => qosOf(n) === qos))
  })
})
