import { describe, expect, test } from 'vitest'
import { shareBroker } from '../live-broker.ts'
import { publish, type RawClient, upTo } from '../raw-client.ts'
import { answers, frame, identified, names } from './frames.ts'

/** MQTT 3.1.1, sections 3.8 to 3.11: SUBSCRIBE, UNSUBSCRIBE and their answers. */
const live = shareBroker()
const newName = names('subscribe')
const newAdmin = () => live().connect(newName(), { role: 'admin' })
const faces = ['device', 'admin'] as const
const connectAs = (face: (typeof faces)[number]) => (face === 'device' ? live().connect('d1') : newAdmin())

async function send(topic: string, payload: string, qos: 0 | 1 | 2): Promise<void> {
  const client = await newAdmin()
  client.send(publish(topic, payload, qos === 0 ? undefined : 1, { qos }))
  await client.roundTrip()
  if (qos === 2) await client.expectCount('pubrec', 1)
}

const seenBy = (client: RawClient) =>
  client.of('publish').map(({ payload, qos }) => [payload.toString(), qos])

describe('SUBSCRIBE', () => {
  test.each(faces)('what is malformed ends the connection: %s', async (face) => {
    const packets = {
      'no filter': identified(0x82, 1),
      'a filter cut off': identified(0x82, 1, 0, 5, 0x61),
      'a filter without QoS': identified(0x82, 1, 'a', 0, 'b'),
      'QoS 3': identified(0x82, 1, 'a', 3),
      'a reserved bit': identified(0x82, 1, 'a', 0x04),
      'the highest reserved bit': identified(0x82, 1, 'a', 0x81),
      'one that is right, and QoS 3': identified(0x82, 1, 'a', 1, 'b', 3),
      nothing: frame(0x82),
    }
    for (const [name, bytes] of Object.entries(packets))
      expect(await answers(await connectAs(face), bytes), name).toEqual(['closed'])
  })

  test('is answered with the identifier and a return code for each filter, in their order', async () => {
    const client = await live().connect('d1')
    const own = 'devices/d1/commands'
    client.conn.write(
      identified(
        0x82,
        300,
        `${own}/a`,
        2,
        'x/#',
        1,
        `${own}/b`,
        0,
        'devices/d2/commands/#',
        2,
        `${own}/c`,
        1,
      ),
    )
    await client.expectCount('suback', 1)
    expect(client.of('suback')[0]).toMatchObject({ messageId: 300, granted: [2, 128, 0, 128, 1] })
  })

  test('a filter that stands twice has two return codes, and the last counts', async () => {
    const [client, topic] = [await newAdmin(), newName()]
    client.conn.write(identified(0x82, 7, topic, 2, '$x', 0, topic, 1, '$x', 1))
    await client.expectCount('suback', 1)
    expect(client.of('suback')[0]).toMatchObject({ messageId: 7, granted: [2, 128, 1, 128] })
    await send(topic, 'x', 2)
    await client.expectCount('publish', 1)
    await client.roundTrip()
    expect(seenBy(client)).toEqual([['x', 1]])
  })

  test('many filters in one packet are as many packets', async () => {
    const [client, topic] = [await newAdmin(), newName()]
    await client.subscribe({ [`${topic}/a`]: 0, [`${topic}/b`]: 1, [`${topic}/c`]: 2 })
    for (const level of ['a', 'b', 'c', 'd']) await send(`${topic}/${level}`, level, 2)
    await client.expectCount('publish', 3)
    await client.roundTrip()
    expect(seenBy(client)).toEqual([
      ['a', 0],
      ['b', 1],
      ['c', 2],
    ])
  })

  test.each([0, 1, 2] as const)('at QoS %i messages come at the lower of both', async (granted) => {
    const [client, topic] = [await newAdmin(), newName()]
    // By the topic, and by both wildcards.
    const filters = [`${topic}/a/b`, `${topic}/b/+`, `${topic}/c/#`]
    await client.subscribe(Object.fromEntries(filters.map((filter) => [filter, granted])))
    for (const level of ['a', 'b', 'c'])
      for (const qos of [0, 1, 2] as const) await send(`${topic}/${level}/b`, level, qos)
    await client.expectCount('publish', 9)
    expect(seenBy(client)).toEqual(
      ['a', 'b', 'c'].flatMap((level) => [0, 1, 2].map((qos) => [level, Math.min(qos, granted)])),
    )
  })

  test('the same filter again takes the place of the first, and nothing is missed or doubled', async () => {
    const [client, topic] = [await newAdmin(), newName()]
    const publisher = await newAdmin()
    for (const qos of [1, 0, 2, 2] as const) {
      client.conn.write(identified(0x82, 1, topic, qos))
      publisher.send(...upTo(20).map((n) => publish(topic, 'x', n)))
    }
    await client.expectCount('suback', 4)
    await publisher.expectCount('puback', 80)
    await send(topic, 'last', 2)
    await client.roundTrip()
    const last = seenBy(client).filter(([payload]) => payload === 'last')
    expect(last).toEqual([['last', 2]])
    expect(client.of('publish').length).toBeLessThanOrEqual(81)
    expect(client.of('publish').length).toBeGreaterThanOrEqual(61)
  })

  test('of filters that overlap, a message comes at the highest QoS of those that match', async () => {
    const topic = newName()
    for (const [narrow, wide] of [
      [0, 2],
      [2, 0],
      [1, 2],
      [1, 1],
    ] as const) {
      const client = await newAdmin()
      await client.subscribe({ [`${topic}/a`]: narrow, [`${topic}/#`]: wide, [`${topic}/+`]: 0 })
      await send(`${topic}/a`, 'x', 2)
      await client.expectCount('publish', 1)
      await client.roundTrip()
      expect(seenBy(client), `${narrow} and ${wide}`).toEqual([['x', Math.max(narrow, wide)]])
    }
  })

  test('the same of a session that is away, which has one copy to acknowledge', async () => {
    const [id, topic] = [newName(), newName()]
    const session = { role: 'admin', clean: false } as const
    const first = await live().connect(id, session)
    await first.subscribe({ [`${topic}/a`]: 1, [`${topic}/#`]: 2 })
    first.conn.destroy()
    await send(`${topic}/a`, 'away', 2)
    const second = await live().connect(id, session)
    await second.expectCount('publish', 1)
    await send(`${topic}/a`, 'there', 1)
    await second.expectCount('publish', 2)
    expect(seenBy(second)).toEqual([
      ['away', 2],
      ['there', 1],
    ])
    const [away, there] = second.idsOf('publish') as [number, number]
    second.send({ cmd: 'pubrec', messageId: away }, { cmd: 'pubcomp', messageId: away })
    second.send({ cmd: 'puback', messageId: there })
    await second.roundTrip()
    second.conn.destroy()
    const third = await live().connect(id, session)
    await third.roundTrip()
    expect(third.received.map(({ cmd }) => cmd)).toEqual(['connack', 'pingresp'])
  })
})

describe('UNSUBSCRIBE', () => {
  test.each(faces)('what is malformed ends the connection: %s', async (face) => {
    const packets = {
      'no filter': identified(0xa2, 1),
      'a filter cut off': identified(0xa2, 1, 0, 5),
      nothing: frame(0xa2),
    }
    for (const [name, bytes] of Object.entries(packets))
      expect(await answers(await connectAs(face), bytes), name).toEqual(['closed'])
  })

  test.each(faces)('is answered with the identifier, also where nothing was subscribed: %s', async (face) => {
    const client = await connectAs(face)
    client.send({ cmd: 'unsubscribe', messageId: 515, unsubscriptions: ['never', 'a/+', '#'] })
    await client.expectCount('unsuback', 1)
    expect(client.idsOf('unsuback')).toEqual([515])
  })

  test('takes away the filters that are the same to the byte, and no others', async () => {
    const [client, topic] = [await newAdmin(), newName()]
    await client.subscribe({ [`${topic}/+`]: 1, [`${topic}/a/#`]: 1, [`${topic}/B`]: 1 })
    const unsubscriptions = [`${topic}/a`, `${topic}/#`, `${topic}/b`, `${topic}/a/#`]
    client.send({ cmd: 'unsubscribe', messageId: 1, unsubscriptions })
    await client.expectCount('unsuback', 1)
    for (const level of ['a/b', 'a', 'B']) await send(`${topic}/${level}`, level, 1)
    await client.expectCount('publish', 2)
    await client.roundTrip()
    expect(client.payloads()).toEqual(['a', 'B'])
  })

  test('many filters in one packet are as many packets, with one answer', async () => {
    const [client, topic] = [await newAdmin(), newName()]
    await client.subscribe({ [`${topic}/a`]: 1, [`${topic}/b`]: 1, [`${topic}/c`]: 1 })
    client.send({ cmd: 'unsubscribe', messageId: 1, unsubscriptions: [`${topic}/a`, `${topic}/c`] })
    await client.expectCount('unsuback', 1)
    for (const level of ['a', 'b', 'c']) await send(`${topic}/${level}`, level, 1)
    await client.roundTrip()
    expect([client.payloads(), client.of('unsuback').length]).toEqual([['b'], 1])
  })

  test('ends new messages, and what was begun is completed, after reconnecting too', async () => {
    const [id, topic] = [newName(), newName()]
    const session = { role: 'admin', clean: false } as const
    const client = await live().connect(id, session)
    await client.subscribe({ [topic]: 2 })
    await send(topic, 'begun at 1', 1)
    await send(topic, 'begun at 2', 2)
    await client.expectCount('publish', 2)
    client.send({ cmd: 'unsubscribe', messageId: 1, unsubscriptions: [topic] })
    await client.expectCount('unsuback', 1)
    await send(topic, 'new', 1)
    await client.roundTrip()
    client.conn.destroy()
    await send(topic, 'newer', 1)
    const back = await live().connect(id, session)
    await back.expectCount('publish', 2)
    await back.roundTrip()
    expect(seenBy(back)).toEqual([
      ['begun at 1', 1],
      ['begun at 2', 2],
    ])
    back.send({ cmd: 'pubrec', messageId: back.idsOf('publish')[1]! })
    await back.expectCount('pubrel', 1)
  })
})
