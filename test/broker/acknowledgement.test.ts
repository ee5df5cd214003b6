import { describe, expect, test } from 'vitest'
import { TidemarkError } from '../../lib/errors.ts'
import { startBroker } from './live-broker.ts'
import { connectPacket, poll, publish, RawClient, upTo } from './raw-client.ts'

const telemetry = 'v1/devices/me/telemetry'

describe('acknowledgement', () => {
  test('a PUBACK comes only after the append is on disk', async () => {
    const { connect, gate, messages } = await startBroker()
    const device = await connect('d1')
    gate.hold()
    device.send(publish(telemetry, 'one', 1))
    await expect.poll(() => gate.asked, poll).toBe(1)
    for (let i = 0; i < 20; i++) await device.roundTrip()
    expect([device.idsOf('puback'), messages()]).toEqual([[], []])
    gate.release()
    await device.expectCount('puback', 1)
    expect(messages()).toEqual([{ device: 'd1', topic: 1, payload: 'one' }])
  })

  test('a PUBREC too, and PUBCOMP follows PUBREL', async () => {
    const { connect, gate, messages } = await startBroker()
    const device = await connect('d1')
    gate.hold()
    device.send(publish('devices/d1/telemetry', 'one', 1, { qos: 2 }))
    await expect.poll(() => gate.asked, poll).toBe(1)
    for (let i = 0; i < 20; i++) await device.roundTrip()
    expect(device.idsOf('pubrec')).toEqual([])
    gate.release()
    await device.expectCount('pubrec', 1)
    device.send({ cmd: 'pubrel', messageId: 1 })
    await device.expectCount('pubcomp', 1)
    expect(messages()).toEqual([{ device: 'd1', topic: 0, payload: 'one' }])
  })

  test('acknowledgements of each kind leave in the order of the publishes, whichever way those go', async () => {
    const { connect, messages } = await startBroker()
    const device = await connect('d1')
    const qosOf = (id: number) => (id % 7 === 0 ? 2 : 1)
    device.send(...upTo(400).map((id) => publish(telemetry, `${id}`, id, { qos: qosOf(id) })))
    await device.expectCount('puback', 400 - 57)
    await device.expectCount('pubrec', 57)
    expect(device.idsOf('puback')).toEqual(upTo(400).filter((id) => qosOf(id) === 1))
    expect(device.idsOf('pubrec')).toEqual(upTo(400).filter((id) => qosOf(id) === 2))
    expect(messages().map(({ payload }) => payload)).toEqual(upTo(400).map(String))
  })

  test('messages directly before DISCONNECT are logged', async () => {
    const { connect, messages } = await startBroker()
    const device = await connect('d1')
    device.send(publish(telemetry, 'zero'), publish(telemetry, 'one', 1), { cmd: 'disconnect' })
    await device.expectClosed()
    await expect.poll(() => messages().map(({ payload }) => payload), poll).toEqual(['zero', 'one'])
  })

  test('messages that come with CONNECT in one segment are taken', async () => {
    const { port, secret, messages } = await startBroker()
    const device = RawClient.open(port)
    const sent = upTo(200).map((id) => publish(telemetry, `${id}`, id))
    device.send(connectPacket({ clientId: 'd1', username: 'd1', password: secret('d1') }), ...sent)
    await device.expectCount('puback', 200)
    expect(device.idsOf('puback')).toEqual(upTo(200))
    expect(messages()).toHaveLength(200)
  })
})

describe('a QoS 2 message that is sent again', () => {
  const again = { qos: 2, dup: true } as const

  test('is logged once while it is open, and anew after PUBCOMP', async () => {
    const { connect, messages } = await startBroker()
    const device = await connect('d1')
    device.send(publish(telemetry, 'a', 7, { qos: 2 }))
    await device.expectCount('pubrec', 1)
    device.send(publish(telemetry, 'a', 7, again), publish(telemetry, 'a', 7, again))
    await device.expectCount('pubrec', 3)
    device.send({ cmd: 'pubrel', messageId: 7 }, { cmd: 'pubrel', messageId: 7 })
    await device.expectCount('pubcomp', 2)
    device.send(publish(telemetry, 'b', 7, { qos: 2 }))
    await device.expectCount('pubrec', 4)
    expect(messages().map(({ payload }) => payload)).toEqual(['a', 'b'])
  })

  test('by a persistent session that reconnected, before and after the append ended', async () => {
    const { connect, gate, messages } = await startBroker()
    const persistent = { clean: false }
    const first = await connect('d1', persistent)
    gate.hold()
    first.send(publish(telemetry, 'a', 7, { qos: 2 }))
    await expect.poll(() => gate.asked, poll).toBe(1)
    first.conn.destroy()
    const second = await connect('d1', persistent)
    second.send(publish(telemetry, 'a', 7, again))
    await second.roundTrip()
    expect(second.idsOf('pubrec')).toEqual([])
    gate.release()
    await second.expectCount('pubrec', 1)
    second.conn.destroy()
    const third = await connect('d1', persistent)
    third.send(publish(telemetry, 'a', 7, again), { cmd: 'pubrel', messageId: 7 })
    await third.expectCount('pubcomp', 1)
    expect(messages().map(({ payload }) => payload)).toEqual(['a'])
  })

  test('by a clean session is another message', async () => {
    const { connect, messages } = await startBroker()
    for (const payload of ['a', 'b']) {
      const device = await connect('d1')
      device.send(publish(telemetry, payload, 7, { qos: 2 }))
      await device.expectCount('pubrec', 1)
      device.conn.destroy()
    }
    expect(messages().map(({ payload }) => payload)).toEqual(['a', 'b'])
  })

  test('a client with more than 1,000 open ones is disconnected, reconnecting or not', async () => {
    const { connect, messages } = await startBroker()
    const first = await connect('d1', { clean: false })
    first.send(...upTo(999).map((id) => publish(telemetry, 'x', id, { qos: 2 })))
    await first.expectCount('pubrec', 999)
    first.conn.destroy()
    const second = await connect('d1', { clean: false })
    second.send(...[1_000, 1_001, 1_002].map((id) => publish(telemetry, 'x', id, { qos: 2 })))
    await second.expectClosed()
    expect(second.idsOf('pubrec')).toEqual([1_000])
    expect(messages()).toHaveLength(1_000)
  })
})

describe('a log that refuses', () => {
  const full = new TidemarkError('TIDEMARK_LOG_FULL', 'full')

  test('holds acknowledgements, which come when it has space again', async () => {
    const { connect, gate, codes, messages } = await startBroker()
    const device = await connect('d1')
    gate.failure = full
    device.send(...upTo(10).map((id) => publish(telemetry, `${id}`, id)))
    await expect.poll(() => gate.asked, poll).toBeGreaterThan(2)
    expect([device.idsOf('puback'), device.isClosed]).toEqual([[], false])
    gate.failure = undefined
    await device.expectCount('puback', 10)
    expect(codes()).toEqual(['TIDEMARK_LOG_FULL'])
    expect(messages()).toHaveLength(10)
  })

  test('for longer than the hold disconnects the publishers and nobody else; nothing is acknowledged', async () => {
    const { connect, messages, codes } = await startBroker({ logOptions: { logBytesMax: 0 } })
    const idle = await connect('d2')
    const device = await connect('d1')
    device.send(publish(telemetry, 'a', 1), publish(telemetry, 'b', 2, { qos: 2 }), publish(telemetry, 'c'))
    await device.expectClosed()
    expect(device.received.map(({ cmd }) => cmd)).toEqual(['connack'])
    expect([messages(), codes()]).toEqual([[], ['TIDEMARK_LOG_FULL', 'TIDEMARK_LOG_FULL']])
    await idle.roundTrip()
  })

  test('what it refused is logged when it is sent again, QoS 2 as well', async () => {
    const { connect, gate, messages } = await startBroker()
    const first = await connect('d1', { clean: false })
    gate.failure = full
    first.send(publish(telemetry, 'a', 1, { qos: 2 }))
    await first.expectClosed()
    gate.failure = undefined
    const second = await connect('d1', { clean: false })
    second.send(publish(telemetry, 'a', 1, { qos: 2, dup: true }))
    await second.expectCount('pubrec', 1)
    expect(messages().map(({ payload }) => payload)).toEqual(['a'])
  })
})
