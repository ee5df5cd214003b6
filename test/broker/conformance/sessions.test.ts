import type { Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { shareBroker, startBroker } from '../live-broker.ts'
import { poll, publish, RawClient, serverSockets, upTo } from '../raw-client.ts'
import { answers, names } from './frames.ts'

/** MQTT 3.1.1, sections 3.1.2.4, 3.2.2.2, 4.1 and 4.4 to 4.6: sessions, and what they are sent again. */
const live = shareBroker()
const newName = names('session')
const api = { username: 'api', password: 'admin-token' }
const kept = { role: 'admin', clean: false } as const
const newAdmin = () => live().connect(newName(), { role: 'admin' })

/** Whether CONNACK says that there is a session. */
async function sessionPresent(clientId: string, clean = false): Promise<boolean | undefined> {
  const client = RawClient.open(live().port)
  const { sessionPresent } = await client.login({ ...api, clientId, clean })
  client.send({ cmd: 'disconnect' })
  await client.expectClosed()
  return sessionPresent
}

async function send(
  topic: string,
  payloads: readonly (string | number)[],
  qos: 0 | 1 | 2 = 1,
): Promise<void> {
  const client = await newAdmin()
  client.send(
    ...payloads.map((payload, i) => publish(topic, `${payload}`, qos === 0 ? undefined : i + 1, { qos })),
  )
  await client.roundTrip()
  if (qos === 2) await client.expectCount('pubrec', payloads.length)
}

describe('session present', () => {
  test('is 1 where there is a session, with subscriptions or without, and 0 where there is none', async () => {
    const id = newName()
    expect(await sessionPresent(id)).toBe(false)
    expect(await sessionPresent(id)).toBe(true)
    const client = await live().connect(id, kept)
    await client.subscribe({ a: 1 })
    client.conn.destroy()
    expect(await sessionPresent(id)).toBe(true)
    const again = await live().connect(id, kept)
    again.send({ cmd: 'unsubscribe', messageId: 1, unsubscriptions: ['a'] })
    await again.expectCount('unsuback', 1)
    again.conn.destroy()
    expect(await sessionPresent(id)).toBe(true)
  })

  test('is 0 for a clean session, which ends the one before it', async () => {
    const id = newName()
    const client = await live().connect(id, kept)
    await client.subscribe({ a: 1 })
    client.conn.destroy()
    expect(await sessionPresent(id, true)).toBe(false)
    expect(await sessionPresent(id)).toBe(false)
  })

  test('of a device too', async () => {
    const connect = async (clean: boolean) => {
      const client = RawClient.open(live().port)
      const login = { clientId: 'd2', username: 'd2', password: live().secret('d2'), clean }
      const { sessionPresent } = await client.login(login)
      client.conn.destroy()
      return sessionPresent
    }
    expect([await connect(true), await connect(false), await connect(false)]).toEqual([false, false, true])
    expect([await connect(true), await connect(false)]).toEqual([false, false])
  })
})

describe('a persistent session', () => {
  test('keeps its subscriptions, and the messages at QoS 1 and 2 that match them while it is away', async () => {
    const [id, topic] = [newName(), newName()]
    const first = await live().connect(id, kept)
    await first.subscribe({ [`${topic}/+`]: 2, [`${topic}/low/#`]: 0 })
    first.send({ cmd: 'disconnect' })
    await first.expectClosed()
    for (const qos of [0, 1, 2] as const) await send(`${topic}/a`, [qos], qos)
    await send(`${topic}/low/x`, ['not kept'])
    const second = await live().connect(id, kept)
    await second.expectCount('publish', 2)
    await send(`${topic}/a`, ['now'], 0)
    await second.expectCount('publish', 3)
    expect(second.of('publish').map(({ payload, qos }) => [payload.toString(), qos])).toEqual([
      ['1', 1],
      ['2', 2],
      ['now', 0],
    ])
  })

  test('has what matches by a wildcard of an empty level, as a client that is there has', async () => {
    const [id, topic] = [newName(), newName()]
    const filters = { [`${topic}/+`]: 1, [`${topic}/+/b`]: 1, [`+/${topic}`]: 1 } as const
    const topics = [`${topic}/`, `${topic}//b`, `/${topic}`]
    const there = await newAdmin()
    const first = await live().connect(id, kept)
    for (const client of [there, first]) await client.subscribe(filters)
    first.conn.destroy()
    for (const name of topics) await send(name, [name])
    const second = await live().connect(id, kept)
    for (const client of [there, second]) {
      await client.expectCount('publish', 3)
      expect(client.payloads()).toEqual(topics)
    }
  })

  test('is not reused by a clean one: neither subscriptions nor messages, nor open QoS 2 identifiers', async () => {
    const [id, topic] = [newName(), newName()]
    const watcher = await newAdmin()
    await watcher.subscribe({ [`${topic}/out`]: 0 })
    const first = await live().connect(id, kept)
    await first.subscribe({ [topic]: 1 })
    first.send(publish(`${topic}/out`, 'a', 7, { qos: 2 }))
    await first.expectCount('pubrec', 1)
    first.conn.destroy()
    await send(topic, ['waiting'])
    const clean = await live().connect(id, { role: 'admin', clean: true })
    await send(topic, ['meanwhile'])
    clean.send(publish(`${topic}/out`, 'b', 7, { qos: 2, dup: true }))
    await clean.expectCount('pubrec', 1)
    await watcher.expectCount('publish', 2)
    expect([clean.payloads(), watcher.payloads()]).toEqual([[], ['a', 'b']])
    clean.conn.destroy()
    const third = await live().connect(id, kept)
    await third.roundTrip()
    expect(third.payloads()).toEqual([])
  })

  test('belongs to its client id', async () => {
    const [id, other, topic] = [newName(), newName(), newName()]
    const first = await live().connect(id, kept)
    await first.subscribe({ [topic]: 1 })
    first.conn.destroy()
    await send(topic, ['x'])
    const stranger = await live().connect(other, kept)
    await stranger.roundTrip()
    expect(stranger.payloads()).toEqual([])
    await (await live().connect(id, kept)).expectCount('publish', 1)
  })

  test('that is taken over by a new connection goes on there', async () => {
    const [id, topic] = [newName(), newName()]
    const first = await live().connect(id, kept)
    await first.subscribe({ [topic]: 1 })
    await send(topic, ['a'])
    await first.expectCount('publish', 1)
    const second = await live().connect(id, kept)
    await first.expectClosed()
    await send(topic, ['b'])
    await second.expectCount('publish', 2)
    expect(second.of('publish').map(({ payload, dup }) => [payload.toString(), dup])).toEqual([
      ['a', true],
      ['b', false],
    ])
  })

  test('ends with the broker: what it had is in memory', async () => {
    const before = await startBroker()
    const client = await before.connect('one', kept)
    await client.subscribe({ a: 1 })
    client.send(publish('a', 'x', 1, { retain: true }))
    await client.expectCount('publish', 1)
    await before.stop()
    const after = await startBroker()
    const login = await RawClient.open(after.port).login({ ...api, clientId: 'one', clean: false })
    const newcomer = await after.connect('two', { role: 'admin' })
    await newcomer.subscribe({ '#': 1 })
    await newcomer.roundTrip()
    expect([login.sessionPresent, newcomer.payloads()]).toEqual([false, []])
  })
})

describe('what is sent again', () => {
  test('PUBLISH and PUBREL that are not acknowledged, in their order, under their identifiers', async () => {
    const [id, topic] = [newName(), newName()]
    const first = await live().connect(id, kept)
    await first.subscribe({ [topic]: 2 })
    await send(topic, ['a', 'b', 'c'])
    await send(topic, ['d', 'e', 'f'], 2)
    await first.expectCount('publish', 6)
    const ids = first.idsOf('publish') as number[]
    // `b` is done, `d` is done, `e` has been received.
    first.send({ cmd: 'puback', messageId: ids[1]! }, { cmd: 'pubrec', messageId: ids[3]! })
    first.send({ cmd: 'pubrec', messageId: ids[4]! })
    await first.expectCount('pubrel', 2)
    first.send({ cmd: 'pubcomp', messageId: ids[3]! })
    await first.roundTrip()
    first.conn.destroy()
    const second = await live().connect(id, kept)
    await second.expectCount('publish', 3)
    await second.roundTrip()
    const again = second.received.filter(({ cmd }) => cmd === 'publish' || cmd === 'pubrel')
    expect(again.map(({ cmd, messageId }) => [cmd, messageId])).toEqual([
      ['publish', ids[0]],
      ['publish', ids[2]],
      ['pubrel', ids[4]],
      ['publish', ids[5]],
    ])
    expect(second.of('publish').every(({ dup }) => dup)).toBe(true)
  })

  test('has DUP, and what waited and was never sent has not', async () => {
    const [id, topic] = [newName(), newName()]
    const first = await live().connect(id, kept)
    await first.subscribe({ [topic]: 1 })
    await send(topic, ['sent'])
    await first.expectCount('publish', 1)
    first.conn.destroy()
    await send(topic, ['waited'])
    const second = await live().connect(id, kept)
    await second.expectCount('publish', 2)
    expect(second.of('publish').map(({ payload, dup }) => [payload.toString(), dup])).toEqual([
      ['sent', true],
      ['waited', false],
    ])
    expect(new Set(second.idsOf('publish')).size).toBe(2)
  })

  test('only a connection that begins is sent anything again', async () => {
    const { id, topic } = { id: newName(), topic: newName() }
    const client = await live().connect(id, kept)
    await client.subscribe({ [topic]: 2 })
    await send(topic, ['a'])
    await send(topic, ['b'], 2)
    await client.expectCount('publish', 2)
    await client.subscribe({ [topic]: 2 })
    await send(topic, ['c'])
    await client.expectCount('publish', 3)
    expect(await answers(client, Buffer.alloc(0))).toEqual([])
  })

  test('what is published while a session resumes comes after what had waited', async () => {
    const [id, topic] = [newName(), newName()]
    const first = await live().connect(id, kept)
    await first.subscribe({ [topic]: 1 })
    first.conn.destroy()
    await send(topic, upTo(500))
    const second = RawClient.open(live().port)
    // From CONNACK on, when the first of them are on their way.
    let next = 500
    second.conn.on('data', () => {
      if (next < 520) void live().broker.publish(topic, `${++next}`, 1)
    })
    await second.login({ ...api, clientId: id, clean: false })
    await expect.poll(() => second.of('publish').length, poll).toBeGreaterThan(500)
    await second.expectCount('publish', next)
    expect(second.payloads()).toEqual(upTo(next).map(String))
  })

  test('what waits is given identifiers that are not in use', async () => {
    const [id, topic] = [newName(), newName()]
    const first = await live().connect(id, kept)
    await first.subscribe({ [topic]: 1 })
    await send(topic, ['sent'])
    await first.expectCount('publish', 1)
    const [used] = first.idsOf('publish') as [number]
    first.conn.destroy()
    await send(topic, upTo(5))
    let second!: RawClient
    const [socket] = await serverSockets(async () => {
      second = RawClient.open(live().port)
      await expect.poll(() => (second.conn as Socket).readyState, poll).toBe('open')
    })
    // The random number that it begins with.
    const server = socket as unknown as { client?: { _nextId: number } }
    await expect.poll(() => server.client, poll).toBeDefined()
    server.client!._nextId = used
    await second.login({ ...api, clientId: id, clean: false })
    await second.expectCount('publish', 6)
    expect(second.idsOf('publish')[0]).toBe(used)
    expect(new Set(second.idsOf('publish')).size).toBe(6)
  })
})
