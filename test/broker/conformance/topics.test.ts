import { describe, expect, test } from 'vitest'
import { shareBroker } from '../live-broker.ts'
import { isTaken, poll, publish, returnCodeOf } from '../raw-client.ts'
import { frame, identified, names } from './frames.ts'

/** MQTT 3.1.1, section 4.7: topics and filters. */
const live = shareBroker({ packetBytesMax: 1024 * 1024 })
const newName = names('topic')
const newAdmin = () => live().connect(newName(), { role: 'admin' })

describe('matching', () => {
  test.each<[filter: string, topics: string[], others: string[]]>([
    [
      'sport/tennis/#',
      ['sport/tennis', 'sport/tennis/a', 'sport/tennis/a/b'],
      ['sport', 'sport/tennisx', 'x/sport/tennis'],
    ],
    ['sport/+', ['sport/a', 'sport/'], ['sport', 'sport/a/b']],
    ['+/x/#', ['a/x', '/x', 'a/x/y'], ['x', 'a/b/x']],
    ['+/+', ['/finance', 'a/b', '/'], ['finance', 'a/b/c', '//']],
    ['/+', ['/finance', '/'], ['finance', 'a/b']],
    ['+', ['finance', ' '], ['/finance', 'a/']],
    ['a//b', ['a//b'], ['a/b', 'a/x/b']],
    ['A', ['A'], ['a', 'A/', ' A', 'A ']],
    // U+00E9, and e with U+0301: the same to a reader, and not to a broker.
    ['caf\u00e9', ['caf\u00e9'], ['cafe\u0301', 'cafe']],
    ['a/\ufffd/b', ['a/\ufffd/b'], ['a/b']],
    ['a/%2F/b', ['a/%2F/b'], ['a///b']],
    ['a/../b', ['a/../b'], ['b']],
  ])(
    '%j matches the topics that it must, for who is there, who is away and who comes later',
    async (filter, topics, others) => {
      const prefix = newName()
      const client = await newAdmin()
      // The filters of a client that is away are looked up in another way.
      const away = newName()
      const session = await live().connect(away, { role: 'admin', clean: false })
      for (const one of [client, session]) await one.subscribe({ [filter]: 1 })
      session.conn.destroy()
      const publisher = await newAdmin()
      const sent = [...others, ...topics]
      publisher.send(...sent.map((topic, i) => publish(topic, prefix, i + 1)))
      await publisher.expectCount('puback', sent.length)
      const back = await live().connect(away, { role: 'admin', clean: false })
      for (const one of [client, back]) {
        await one.roundTrip()
        await one.expectCount('publish', topics.length)
        expect(one.of('publish').map(({ topic }) => topic)).toEqual(topics)
      }
      const retained = sent.map((topic, i) => publish(topic, prefix, i + 1, { retain: true }))
      publisher.send(...retained)
      await publisher.expectCount('puback', sent.length * 2)
      const newcomer = await newAdmin()
      await newcomer.subscribe({ [filter]: 1 })
      await newcomer.roundTrip()
      expect(
        newcomer
          .of('publish')
          .map(({ topic }) => topic)
          .sort(),
      ).toEqual([...topics].sort())
      publisher.send(...sent.map((topic, i) => publish(topic, '', i + 1, { retain: true })))
      await publisher.expectCount('puback', sent.length * 3)
    },
  )

  test('filters that begin with a wildcard match nothing that begins with $, and nobody else may either', async () => {
    const client = await newAdmin()
    const filters = { '#': 1, '+/#': 1, '+/+/+/+': 1 } as const
    await client.subscribe(filters)
    // The router tells of each of these on topics of $SYS.
    const other = await newAdmin()
    await other.subscribe({ a: 0 })
    other.send({ cmd: 'disconnect' })
    await other.expectClosed()
    await client.roundTrip()
    expect(client.of('publish')).toEqual([])
    expect(await client.subscribe({ '$SYS/#': 0, $x: 0, '$share/group/a': 0 })).toEqual([128, 128, 128])
    expect(await isTaken(await newAdmin(), '$SYS/x')).toBe(false)
  })
})

describe('what may not be', () => {
  test.each(['a/#/b', '#/a', 'a#', 'a/b#', '##', 'a+', '+a', 'a/+b', 'a/b+/c', '++', '+#', ''])(
    'the filter %j is refused: the connection ends, or the return code is 128',
    async (filter) => {
      const client = await newAdmin()
      client.conn.write(identified(0x82, 1, filter, 1))
      await expect.poll(() => client.isClosed || client.of('suback').length > 0, poll).toBe(true)
      expect(client.of('suback').flatMap(({ granted }) => granted)).toEqual(client.isClosed ? [] : [128])
    },
  )

  test('a topic without characters: in PUBLISH, in a will, and as a filter to unsubscribe', async () => {
    const publisher = await newAdmin()
    publisher.conn.write(frame(0x32, '', 0, 1, 0x78))
    const unsubscriber = await newAdmin()
    unsubscriber.conn.write(identified(0xa2, 1, ''))
    for (const client of [publisher, unsubscriber]) await client.expectClosed()
    const will = { topic: 'x', payload: Buffer.from('x'), qos: 0 as const, retain: false }
    const login = { clientId: newName(), username: 'api', password: 'admin-token' }
    expect(await returnCodeOf(live().port, { ...login, will })).toBe(0)
    expect(await returnCodeOf(live().port, { ...login, will: { ...will, topic: 'a/+' } })).toBe(5)
  })
})

test('a topic of 65,535 bytes is one like any other', async () => {
  const topic = 'x'.repeat(65_535)
  const client = await newAdmin()
  expect(await client.subscribe({ [topic]: 1 })).toEqual([1])
  client.send(publish(topic, 'long', 1))
  await client.expectCount('publish', 1)
})
