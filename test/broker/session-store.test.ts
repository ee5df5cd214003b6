import { describe, expect, test } from 'vitest'
import { MessageIds } from '../../broker/message-ids.ts'
import { type QueuedPacket, type SessionPersistence, SessionStore } from '../../broker/session-store.ts'
import { silentLogger } from '../../lib/logger.ts'
import { startBroker } from './live-broker.ts'
import { type ConnectOptions, poll, publish, returnCodeOf, upTo } from './raw-client.ts'

describe('sessions', () => {
  test('a second connection of a device takes the place of the first', async () => {
    const live = await startBroker()
    const first = await live.connect('d1')
    const second = await live.connect('d1')
    await first.expectClosed()
    await second.roundTrip()
    expect([live.broker.connections.isOnline('d1'), live.broker.connections.count()]).toEqual([true, 1])
  })

  test("neither another device's secret nor an operator takes it over", async () => {
    const live = await startBroker()
    const device = await live.connect('d1')
    const attempts: ConnectOptions[] = [
      { clientId: 'd1', username: 'd1', password: live.secret('d2') },
      { clientId: 'd1', username: 'd2', password: live.secret('d2') },
      { clientId: 'd1', username: live.secret('d2') },
      { clientId: 'd1', username: 'api', password: 'admin-token' },
    ]
    for (const attempt of attempts) expect(await returnCodeOf(live.port, attempt)).toBe(5)
    await device.roundTrip()
  })

  test('a device that is removed, or whose secret is changed, is disconnected', async () => {
    const live = await startBroker()
    const [first, second] = [await live.connect('d1'), await live.connect('d2')]
    await live.devices.remove('d1')
    await live.devices.rotateSecret('d2')
    await expect.poll(() => first.isClosed && second.isClosed, { timeout: 1_000, interval: 5 }).toBe(true)
    expect(live.broker.connections.count()).toBe(0)
    for (const id of ['d1', 'd2'])
      expect(await returnCodeOf(live.port, { clientId: id, username: id, password: live.secret(id) })).toBe(5)
  })

  test('who is online, and when a device was last seen, is known', async () => {
    const { broker, connect } = await startBroker()
    const { connections } = broker
    expect([connections.isOnline('d1'), connections.lastSeenAt('d1')]).toEqual([false, undefined])
    const device = await connect('d1')
    await connect('operator', { role: 'read' })
    expect([connections.isOnline('d1'), connections.count()]).toEqual([true, 1])
    device.conn.destroy()
    await expect.poll(() => connections.isOnline('d1'), poll).toBe(false)
    expect(Date.now() - connections.lastSeenAt('d1')!).toBeLessThan(60_000)
  })

  test('a device that is away gets the newest 100 of its commands when it comes back', async () => {
    const live = await startBroker()
    const device = await live.connect('d1', { clean: false })
    await device.subscribe({ 'devices/d1/commands/#': 1 })
    device.send({ cmd: 'disconnect' })
    await device.expectClosed()
    const operator = await live.connect('operator', { role: 'operate' })
    operator.send(...upTo(150).map((n) => publish('devices/d1/commands/c', `${n}`, n)))
    await operator.roundTrip()
    await expect.poll(() => live.codes(), poll).toEqual(['TIDEMARK_SESSION_FULL'])
    const again = await live.connect('d1', { clean: false })
    await again.expectCount('publish', 100)
    await again.roundTrip()
    expect(again.payloads()).toEqual(upTo(150).slice(50).map(String))
  })

  test('what was not acknowledged is sent again with DUP, and what was is not', async () => {
    const live = await startBroker()
    const persistent = { clean: false }
    const operator = await live.connect('operator', { role: 'operate' })
    const first = await live.connect('d1', persistent)
    await first.subscribe({ 'devices/d1/commands/#': 1 })
    operator.send(publish('devices/d1/commands/c', 'a', 1), publish('devices/d1/commands/c', 'b', 2))
    await first.expectCount('publish', 2)
    first.send({ cmd: 'puback', messageId: first.idsOf('publish')[0]! })
    await first.roundTrip()
    first.conn.destroy()
    const second = await live.connect('d1', persistent)
    await second.expectCount('publish', 1)
    await second.roundTrip()
    const [packet] = second.of('publish')
    expect([packet?.payload.toString(), packet?.dup, packet?.messageId]).toEqual([
      'b',
      true,
      first.idsOf('publish')[1],
    ])
  })
})

describe('bounds of the store itself', () => {
  /** The store in the place of the queues of a persistence that keeps nothing. */
  function setUp(connected: string[] = [], devices: string[] = []) {
    const persistence = {} as SessionPersistence
    const ports = {
      isDevice: (id: string) => devices.includes(id),
      isConnected: (id: string) => connected.includes(id),
      mayKeep: () => true,
      ids: new MessageIds(),
      onAcknowledged: () => undefined,
      logger: silentLogger,
    }
    new SessionStore(ports).attachTo(persistence)
    let counter = 0
    const enqueue = (clientId: string, payload: string, qos = 1) => {
      const packet = { cmd: 'publish', topic: 't', payload, qos, brokerId: 'b', brokerCounter: ++counter }
      return persistence.outgoingEnqueue({ clientId, qos: 2 }, packet)
    }
    const queued = async (id: string) => {
      const packets: QueuedPacket[] = []
      for await (const packet of persistence.outgoingStream({ id, _nextId: 1 })) packets.push(packet)
      return packets
    }
    return { persistence, enqueue, queued }
  }

  test.each([
    ['a device that is away', [], ['c'], 100],
    ['an operator who is away', [], [], 1_000],
    ['a device that is connected and does not acknowledge', ['c'], ['c'], 1_000],
  ])('%s has at most so many queued', async (_name, connected, devices, max) => {
    const { enqueue, queued } = setUp(connected, devices)
    for (const n of upTo(1_500)) await enqueue('c', `${n}`)
    expect((await queued('c')).map(({ payload }) => payload)).toEqual(upTo(1_500).slice(-max).map(String))
  })

  test('all sessions together hold at most 64 MiB', async () => {
    const { enqueue, queued } = setUp()
    const payload = 'x'.repeat(1024 * 1024)
    for (const n of upTo(100)) await enqueue(`c${n}`, payload)
    const kept = await Promise.all(upTo(100).map(async (n) => (await queued(`c${n}`)).length))
    expect(kept.reduce((sum, length) => sum + length, 0)).toBe(63)
  })

  test('what is acknowledged or dropped makes room', async () => {
    const { enqueue, queued, persistence } = setUp()
    const payload = 'x'.repeat(40 * 1024 * 1024)
    await enqueue('a', payload)
    await persistence.cleanSubscriptions({ id: 'a' })
    await enqueue('b', payload)
    const [packet] = await queued('b')
    await persistence.outgoingClearMessageId({ id: 'b', _nextId: 1 }, { ...packet!, cmd: 'puback' })
    await enqueue('c', payload)
    expect([(await queued('a')).length, (await queued('b')).length, (await queued('c')).length]).toEqual([
      0, 0, 1,
    ])
  })

  test('what was never sent is not taken out by an acknowledgement without an identifier', async () => {
    const { enqueue, queued, persistence } = setUp()
    await enqueue('c', 'kept')
    await persistence.outgoingClearMessageId({ id: 'c', _nextId: 1 }, { cmd: 'publish' })
    expect(await queued('c')).toHaveLength(1)
  })

  test('a QoS 2 message that was received is sent again as PUBREL', async () => {
    const { enqueue, queued, persistence } = setUp()
    await enqueue('c', 'x', 2)
    const [packet] = await queued('c')
    const { messageId } = packet!
    await persistence.outgoingUpdate({ id: 'c' }, { cmd: 'pubrel', messageId })
    expect(await queued('c')).toEqual([{ cmd: 'pubrel', messageId }])
  })
})
