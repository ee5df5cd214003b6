import { describe, expect, test } from 'vitest'
import { keepaliveSeconds } from '../../broker/admission.ts'
import { shareBroker, startBroker } from './live-broker.ts'
import { isTaken, publish, RawClient, returnCodeOf } from './raw-client.ts'

const telemetry = 'v1/devices/me/telemetry'
const inherited = Object.getOwnPropertyNames(Object.prototype)
const api = { username: 'api', password: 'admin-token' }

describe('CONNECT', () => {
  test('an unknown device and a wrong secret get the same answer, and the same line in the log', async () => {
    const live = await startBroker()
    for (const clientId of ['d1', 'nobody'])
      expect(await returnCodeOf(live.port, { clientId, username: clientId, password: 'wrong' })).toBe(5)
    expect(await returnCodeOf(live.port, { clientId: 'd1' })).toBe(5)
    expect(live.codes()).toEqual(Array(3).fill('TIDEMARK_NOT_AUTHORIZED'))
  })

  test('a device may connect with its secret as username, as on ThingsBoard, and publish', async () => {
    const live = await startBroker()
    const device = await RawClient.connect(live.port, { clientId: 'd1', username: live.secret('d1') })
    expect(await isTaken(device, telemetry)).toBe(true)
    expect(live.messages()[0]?.device).toBe('d1')
  })

  test('after 5 failures the device is locked out, from the same address', async () => {
    const live = await startBroker()
    for (let i = 0; i < 5; i++)
      await returnCodeOf(live.port, { clientId: 'd1', username: 'd1', password: 'wrong' })
    expect(
      await returnCodeOf(live.port, { clientId: 'd1', username: 'd1', password: live.secret('d1') }),
    ).toBe(5)
    await live.connect('d2')
  })

  test('MQTT 3.1 is spoken, with ids of up to 64 characters; others are refused', async () => {
    const live = await startBroker()
    const id = 'x'.repeat(64)
    const { secret } = (await live.devices.create({ id, type: 'generic' }))!
    const old = { protocolId: 'MQIsdp', protocolVersion: 3 } as const
    const device = await RawClient.connect(live.port, {
      ...old,
      clientId: id,
      username: id,
      password: secret,
    })
    expect(await isTaken(device, telemetry)).toBe(true)
    expect(await returnCodeOf(live.port, { ...old, ...api, clientId: 'y'.repeat(65) })).toBe(2)
    const five = { protocolVersion: 5, clientId: id, username: id, password: secret } as const
    const client = RawClient.open(live.port)
    client.send({ cmd: 'connect', protocolId: 'MQTT', clean: true, keepalive: 60, ...five } as never)
    await client.expectClosed()
    expect(live.broker.connections.isOnline(id)).toBe(true)
  })

  test('a socket that says nothing, or only half of a CONNECT, is closed within 5 s', async () => {
    const live = await startBroker()
    const [silent, slow] = [RawClient.open(live.port), RawClient.open(live.port)]
    slow.conn.write(Buffer.from([0x10, 0x20, 0x00]))
    await Promise.all([silent.expectClosed(), slow.expectClosed()])
    expect([silent.received, slow.received]).toEqual([[], []])
  })
})

describe('odd client ids', () => {
  const shared = shareBroker()

  test.each(inherited)('the client id %s is one like any other', async (name) => {
    const live = shared()
    expect(await returnCodeOf(live.port, { clientId: name, username: name, password: 'x' })).toBe(5)
    const operator = await live.connect(name, { role: 'admin', clean: false })
    expect(await operator.subscribe({ [name]: 1, [`a/${name}/#`]: 1 })).toEqual([1, 1])
    operator.send(publish(name, 'one', 1), publish(`a/${name}/b`, 'two', 2))
    await operator.expectCount('publish', 2)
    operator.send({ cmd: 'disconnect' })
    await operator.expectClosed()
    expect(
      (await RawClient.open(live.port).login({ ...api, clientId: name, clean: false })).sessionPresent,
    ).toBe(true)
  })

  test.each(['+', '#', '/', 'd1/', '+/#', 'd1/../d2', ' d1', 'd1\u0001'])(
    'no device is called %j',
    async (id) => {
      const live = shared()
      expect(await returnCodeOf(live.port, { clientId: id, username: id, password: live.secret('d1') })).toBe(
        5,
      )
      await (await live.connect(id, { role: 'read' })).roundTrip()
    },
  )
})

test.each([
  ['d1', 0, 1_200],
  ['d1', 1, 10],
  ['d1', 10, 10],
  ['d1', 60, 60],
  ['d1', 1_200, 1_200],
  ['d1', 65_535, 1_200],
  [undefined, 0, 1_200],
  ['api', 0, 0],
  ['api', 1, 1],
  ['api', 65_535, 65_535],
])('for username %s a keepalive of %i s is %i s', (username, asked, expected) => {
  expect(keepaliveSeconds(username, asked)).toBe(expected)
})
