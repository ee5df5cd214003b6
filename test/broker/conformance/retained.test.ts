import { expect, test } from 'vitest'
import { shareBroker } from '../live-broker.ts'
import { isTaken, publish, type RawClient } from '../raw-client.ts'
import { names } from './frames.ts'

/** MQTT 3.1.1, section 3.3.1.3: retained messages. */
const live = shareBroker()
const newName = names('retained')
const newAdmin = () => live().connect(newName(), { role: 'admin' })
const retain = { retain: true }

async function retained(topic: string, payload: string, qos: 0 | 1 | 2 = 1): Promise<void> {
  const client = await newAdmin()
  client.send(publish(topic, payload, qos === 0 ? undefined : 1, { qos, ...retain }))
  await client.roundTrip()
  client.send({ cmd: 'disconnect' })
}

/** What a new subscriber is sent: payload, QoS and RETAIN of each. */
async function newcomer(filter: string, qos: 0 | 1 | 2 = 2): Promise<unknown[]> {
  const client = await newAdmin()
  await client.subscribe({ [filter]: qos })
  await client.roundTrip()
  return seenBy(client)
}

const seenBy = (client: RawClient) =>
  client.of('publish').map(({ payload, qos, retain }) => [payload.toString(), qos, retain])

test('the last one is kept with its QoS and sent to each new subscription that matches, with RETAIN', async () => {
  const topic = newName()
  await retained(topic, 'old', 2)
  await retained(topic, 'new', 1)
  await retained(`${topic}/below`, 'other', 2)
  expect(await newcomer(topic)).toEqual([['new', 1, true]])
  expect((await newcomer(`${topic}/#`)).sort()).toEqual([
    ['new', 1, true],
    ['other', 2, true],
  ])
  expect(await newcomer(`${topic}/+`)).toEqual([['other', 2, true]])
})

test('it is sent at no more than the QoS of the subscription, by a wildcard too', async () => {
  const topic = newName()
  await retained(`${topic}/a`, 'x', 2)
  for (const filter of [`${topic}/a`, `${topic}/+`, `${topic}/#`])
    for (const qos of [0, 1, 2] as const) expect(await newcomer(filter, qos)).toEqual([['x', qos, true]])
})

test('one at QoS 0 takes the place of what was retained', async () => {
  const topic = newName()
  await retained(topic, 'one', 1)
  await retained(topic, 'zero', 0)
  expect(await newcomer(topic)).toEqual([['zero', 0, true]])
})

test('an established subscription gets it without RETAIN, one of a session that is away too', async () => {
  const [topic, id] = [newName(), newName()]
  const established = await newAdmin()
  await established.subscribe({ [topic]: 1 })
  const away = await live().connect(id, { role: 'admin', clean: false })
  await away.subscribe({ [topic]: 1 })
  away.conn.destroy()
  await retained(topic, 'x')
  const back = await live().connect(id, { role: 'admin', clean: false })
  for (const client of [established, back]) {
    await client.expectCount('publish', 1)
    expect(seenBy(client)).toEqual([['x', 1, false]])
  }
})

test('one without payload is passed on, and takes away what was retained', async () => {
  const topic = newName()
  const established = await newAdmin()
  await established.subscribe({ [topic]: 1 })
  await retained(topic, 'x')
  await retained(topic, '')
  await established.expectCount('publish', 2)
  expect(seenBy(established)).toEqual([
    ['x', 1, false],
    ['', 1, false],
  ])
  expect(await newcomer(topic)).toEqual([])
})

test('one without payload is not kept where there was none', async () => {
  const topic = newName()
  await retained(topic, '')
  expect(await newcomer(topic)).toEqual([])
})

test('a message without RETAIN neither is kept nor takes the place of one that is', async () => {
  const [topic, other] = [newName(), newName()]
  await retained(topic, 'kept')
  const client = await newAdmin()
  client.send(publish(topic, 'passing', 1), publish(topic, '', 2), publish(other, 'passing', 3))
  await client.expectCount('puback', 3)
  expect([await newcomer(topic), await newcomer(other)]).toEqual([[['kept', 1, true]], []])
})

test('subscribing again brings it again', async () => {
  const topic = newName()
  await retained(topic, 'x')
  const client = await newAdmin()
  for (const count of [1, 2, 3]) {
    await client.subscribe({ [topic]: 1 })
    await client.expectCount('publish', count)
  }
  expect(seenBy(client)).toEqual(Array(3).fill(['x', 1, true]))
})

test('it stays when the session of its publisher ends', async () => {
  const [topic, id] = [newName(), newName()]
  const publisher = await live().connect(id, { role: 'admin', clean: false })
  publisher.send(publish(topic, 'x', 1, retain))
  await publisher.expectCount('puback', 1)
  publisher.conn.destroy()
  await (await live().connect(id, { role: 'admin', clean: true })).roundTrip()
  expect(await newcomer(topic)).toEqual([['x', 1, true]])
})

test('one that a persistent session has not acknowledged is sent again, with RETAIN', async () => {
  const [topic, id] = [newName(), newName()]
  await retained(topic, 'x')
  const first = await live().connect(id, { role: 'admin', clean: false })
  await first.subscribe({ [topic]: 1 })
  await first.expectCount('publish', 1)
  first.conn.destroy()
  const second = await live().connect(id, { role: 'admin', clean: false })
  await second.expectCount('publish', 1)
  expect(second.of('publish')[0]).toMatchObject({
    dup: true,
    retain: true,
    messageId: first.idsOf('publish')[0],
  })
  second.send({ cmd: 'puback', messageId: second.idsOf('publish')[0]! })
  await second.roundTrip()
  second.conn.destroy()
  const third = await live().connect(id, { role: 'admin', clean: false })
  await third.roundTrip()
  expect(third.payloads()).toEqual([])
})

test('a resumed session is sent none', async () => {
  const [topic, id] = [newName(), newName()]
  const first = await live().connect(id, { role: 'admin', clean: false })
  await first.subscribe({ [topic]: 0 })
  first.conn.destroy()
  await retained(topic, 'x')
  const second = await live().connect(id, { role: 'admin', clean: false })
  await second.roundTrip()
  expect(second.payloads()).toEqual([])
})

test('of a device, and of an operator who is no administrator, it ends the connection', async () => {
  expect(await isTaken(await live().connect('d1'), 'devices/d1/telemetry', retain)).toBe(false)
  const operator = await live().connect(newName(), { role: 'operate' })
  expect(await isTaken(operator, 'devices/d1/commands/c', retain)).toBe(false)
})
