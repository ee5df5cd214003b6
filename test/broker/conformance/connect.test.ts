import { describe, expect, test } from 'vitest'
import { shareBroker } from '../live-broker.ts'
import { connectPacket, isTaken, poll, publish, RawClient, returnCodeOf } from '../raw-client.ts'
import { answers, answersToFirst, frame, names } from './frames.ts'

/** MQTT 3.1.1, sections 3.1 and 3.2: CONNECT and CONNACK. */
const live = shareBroker({ deviceIds: ['d1', 'd2', 'Meter0123456789abcdefgh'] })
const newName = names('connect')
const api = { username: 'api', password: 'admin-token' }
const telemetry = 'v1/devices/me/telemetry'
/** A CONNECT of an administrator, with these flags besides username and password, and what follows them. */
const connect = (flags: number, ...fields: (number | string | Buffer)[]) =>
  frame(0x10, 'MQTT', 4, flags, 0, 0, ...fields)
const refused = ['closed']

test('a second CONNECT ends the connection', async () => {
  const device = await live().connect('d1')
  expect(await answers(device, connect(0xc2, 'd1', 'd1', live().secret('d1')))).toEqual(refused)
  const admin = await live().connect(newName(), { role: 'admin' })
  expect(await answers(admin, connect(0xc2, newName(), 'api', 'admin-token'))).toEqual(refused)
})

test('any other packet before CONNECT ends the connection', async () => {
  const packets = [
    frame(0x30, telemetry, 0x78),
    frame(0x82, 0, 1, '#', 0),
    frame(0xa2, 0, 1, '#'),
    frame(0x40, 0, 1),
    frame(0xc0),
    frame(0xe0),
  ]
  for (const bytes of packets) expect(await answersToFirst(live().port, bytes)).toEqual(refused)
})

describe('name and level of the protocol', () => {
  test.each(['mqtt', 'MQTX', 'MQIsdq', '', 'HTTP'])(
    'the name %j ends the connection, without CONNACK',
    async (name) => {
      const bytes = frame(0x10, name, 4, 0xc2, 0, 0, newName(), 'api', 'admin-token')
      expect(await answersToFirst(live().port, bytes)).toEqual(refused)
    },
  )

  test.each([
    ['MQTT', 0],
    ['MQTT', 3],
    ['MQTT', 5],
    ['MQTT', 6],
    ['MQTT', 127],
    ['MQIsdp', 4],
    ['MQIsdp', 5],
  ])('%s at level %i gets return code 1, and the connection ends', async (name, level) => {
    // As MQTT 5 has it, with a length of properties behind the keepalive.
    const properties = level === 5 ? [0] : []
    const client = RawClient.open(live().port)
    const bytes: Buffer[] = []
    client.conn.on('data', (chunk: Buffer) => bytes.push(chunk))
    client.conn.write(frame(0x10, name, level, 0xc2, 0, 0, ...properties, newName(), 'api', 'admin-token'))
    await client.expectClosed()
    expect(Buffer.concat(bytes)).toEqual(Buffer.from([0x20, 2, 0, 1]))
    expect(live().codes().at(-1)).toBe('TIDEMARK_PROTOCOL_LEVEL')
  })

  test('levels 3 and 4 are spoken', async () => {
    const old = { protocolId: 'MQIsdp', protocolVersion: 3 } as const
    for (const level of [{}, old])
      expect(await returnCodeOf(live().port, { ...api, ...level, clientId: newName() })).toBe(0)
  })
})

describe('flags', () => {
  /** Each with a payload that is right but for the flags. */
  const wrong: readonly [name: string, bytes: Buffer][] = [
    ['the reserved flag', connect(0xc3, 'c', 'api', 'admin-token')],
    ['a will QoS without a will', connect(0xca, 'c', 'api', 'admin-token')],
    ['a will to be retained without a will', connect(0xe2, 'c', 'api', 'admin-token')],
    ['a will at QoS 3', connect(0xde, 'c', 'w', 'gone', 'api', 'admin-token')],
    ['a will topic and message without a will', connect(0xc2, 'c', 'w', 'gone', 'api', 'admin-token')],
    ['a will without its topic', connect(0x06, 'c')],
    ['a will without its message', connect(0x06, 'c', 'w')],
    ['a username without the flag', connect(0x02, 'c', 'api')],
    ['the flag without a username', connect(0x82, 'c')],
    ['a password without the flag', connect(0x82, 'c', 'api', 'admin-token')],
    ['the flag without a password', connect(0xc2, 'c', 'api')],
    ['a password without a username', connect(0x42, 'c', 'admin-token')],
    ['no client id', connect(0x02)],
    ['a client id that is cut off', connect(0x02, 0, 9, 0x63)],
    ['bytes behind the payload', connect(0xc2, 'c', 'api', 'admin-token', 0)],
    ['no keepalive', frame(0x10, 'MQTT', 4, 2)],
    ['no flags', frame(0x10, 'MQTT', 4)],
    ['no level', frame(0x10, 'MQTT')],
    ['nothing', frame(0x10)],
  ]

  test.each(wrong)('%s: the connection ends, without CONNACK', async (_name, bytes) => {
    expect(await answersToFirst(live().port, bytes)).toEqual(refused)
  })

  test('the fields of the payload are read in their order', async () => {
    const [id, topic] = [newName(), newName()]
    const watcher = await live().connect(newName(), { role: 'admin' })
    await watcher.subscribe({ [topic]: 2 })
    const client = RawClient.open(live().port)
    client.conn.write(connect(0xd6, id, topic, 'gone', 'api', 'admin-token'))
    expect((await client.next('connack')).returnCode).toBe(0)
    client.conn.destroy()
    const will = await watcher.next('publish')
    expect([will.topic, will.payload.toString(), will.qos]).toEqual([topic, 'gone', 2])
  })
})

describe('client ids', () => {
  test('23 characters of letters and digits are allowed, for a device and for an operator', async () => {
    const id = 'Meter0123456789abcdefgh'
    expect(id).toHaveLength(23)
    await (await live().connect(id)).roundTrip()
    expect(await returnCodeOf(live().port, { ...api, clientId: 'ABCDEFGHIJKLMNOPQRSTUVW' })).toBe(0)
    expect(await returnCodeOf(live().port, { ...api, clientId: 'x' })).toBe(0)
  })

  test('each of two clients without a client id is given its own', async () => {
    const anonymous = { ...api, clientId: '', clean: true }
    const clients = [
      await RawClient.connect(live().port, anonymous),
      await RawClient.connect(live().port, anonymous),
    ]
    const topic = newName()
    for (const client of clients) await client.subscribe({ [topic]: 1 })
    clients[0]!.send(publish(topic, 'for both', 1))
    for (const client of clients) await client.expectCount('publish', 1)
  })

  test('without a client id a session that is to stay is refused with return code 2, and the connection ends', async () => {
    const client = RawClient.open(live().port)
    client.conn.write(connect(0xc0, '', 'api', 'admin-token'))
    const { returnCode, sessionPresent } = await client.next('connack')
    expect([returnCode, sessionPresent]).toEqual([2, false])
    await client.expectClosed()
    expect(live().codes()).toContain('TIDEMARK_CLIENT_ID')
  })

  test('one that MQTT 3.1 does not allow is refused with return code 2, and the connection ends', async () => {
    const client = RawClient.open(live().port)
    client.conn.write(frame(0x10, 'MQIsdp', 3, 0xc2, 0, 0, 'x'.repeat(65), 'api', 'admin-token'))
    expect((await client.next('connack')).returnCode).toBe(2)
    await client.expectClosed()
  })
})

describe('the answer', () => {
  test('a client that connects under an id in use takes its place, and the first is disconnected', async () => {
    const id = newName()
    const [first, device] = [await live().connect(id, { role: 'admin' }), await live().connect('d1')]
    const [second, again] = [await live().connect(id, { role: 'admin' }), await live().connect('d1')]
    for (const old of [first, device]) await old.expectClosed()
    for (const client of [second, again]) await client.roundTrip()
  })

  test('what follows a CONNECT that is refused is not processed', async () => {
    const topic = newName()
    const watcher = await live().connect(newName(), { role: 'admin' })
    await watcher.subscribe({ [topic]: 1 })
    const before = live().messages().length
    for (const [id, username, password] of [
      ['d2', 'd2', 'wrong'],
      [newName(), 'api', 'wrong'],
    ] as const) {
      const client = RawClient.open(live().port)
      client.send(connectPacket({ clientId: id, username, password }), publish(telemetry, 'x', 1))
      client.send(publish(topic, 'x', 2, { retain: true }), { cmd: 'pingreq' })
      await client.expectClosed()
      expect(client.received.map(({ cmd }) => cmd)).toEqual(['connack'])
    }
    await watcher.roundTrip()
    await watcher.subscribe({ [topic]: 0 })
    await watcher.roundTrip()
    expect([watcher.payloads(), live().messages().length]).toEqual([[], before])
  })

  test('CONNACK is the first packet, also where a session has messages waiting', async () => {
    const [id, topic] = [newName(), newName()]
    const first = await live().connect(id, { role: 'admin', clean: false })
    await first.subscribe({ [topic]: 1 })
    first.conn.destroy()
    const publisher = await live().connect(newName(), { role: 'admin' })
    publisher.send(publish(topic, 'x', 1))
    await publisher.expectCount('puback', 1)
    const second = await live().connect(id, { role: 'admin', clean: false })
    await second.expectCount('publish', 1)
    expect(second.received[0]?.cmd).toBe('connack')
  })

  test('a refusal has session present 0, and the connection ends', async () => {
    const id = newName()
    const kept = await live().connect(id, { role: 'admin', clean: false })
    await kept.subscribe({ a: 1 })
    kept.conn.destroy()
    const client = RawClient.open(live().port)
    const answer = await client.login({ clientId: id, clean: false, username: 'api', password: 'wrong' })
    expect([answer.returnCode, answer.sessionPresent]).toEqual([5, false])
    await client.expectClosed()
  })

  test('a client that is not known and one that may not are told with return code 5', async () => {
    for (const credentials of [{}, { username: 'nobody', password: 'x' }, { username: 'api', password: 'x' }])
      expect(await returnCodeOf(live().port, { clientId: newName(), ...credentials })).toBe(5)
  })

  test('packets that come with CONNECT are processed after CONNACK', async () => {
    const client = RawClient.open(live().port)
    client.send(connectPacket({ ...api, clientId: newName() }), publish(newName(), 'x', 9), {
      cmd: 'pingreq',
    })
    await client.expectCount('pingresp', 1)
    expect(client.received.map(({ cmd }) => cmd)).toEqual(['connack', 'puback', 'pingresp'])
  })
})

test('a PINGREQ is answered, for a device and for an operator', async () => {
  for (const client of [await live().connect('d1'), await live().connect(newName(), { role: 'read' })])
    expect(await answers(client, Buffer.alloc(0))).toEqual([])
})

test('the connection of a client that has sent DISCONNECT is closed', async () => {
  const device = await live().connect('d1')
  expect(await isTaken(device, telemetry)).toBe(true)
  device.send({ cmd: 'disconnect' })
  await device.expectClosed()
  await expect.poll(() => live().broker.connections.isOnline('d1'), poll).toBe(false)
})
