import { describe, expect, test } from 'vitest'
import { shareBroker, startBroker } from './live-broker.ts'
import { isTaken, poll, publish, returnCodeOf, serverSockets, upTo } from './raw-client.ts'

const telemetry = 'v1/devices/me/telemetry'
const topicOf = (levels: number) => Array(levels).fill('a').join('/')

describe('rights on the wire', () => {
  const shared = shareBroker()
  const filters = [
    '#',
    '$SYS/#',
    'events/#',
    'devices/+/telemetry',
    'devices/d1/commands/#',
    'devices/d2/commands/#',
  ]

  test.each([
    ['d1', undefined, [128, 128, 128, 128, 1, 128]],
    ['reader', 'read', [128, 128, 1, 1, 128, 128]],
    ['operator', 'operate', [128, 128, 1, 1, 128, 128]],
    ['admin', 'admin', [1, 128, 1, 1, 1, 1]],
  ] as const)('what %s may subscribe to', async (id, role, expected) => {
    const live = shared()
    const client = await live.connect(id, role === undefined ? {} : { role })
    expect(await client.subscribe(Object.fromEntries(filters.map((filter) => [filter, 1])))).toEqual(expected)
  })

  test.each([
    ['d1', undefined, 'devices/d2/telemetry'],
    ['d1', undefined, 'events/health/d1'],
    ['d1', undefined, 'devices/d1/commands/c'],
    ['reader', 'read', 'devices/d1/commands/c'],
    ['reader', 'read', 'devices/d1/telemetry'],
    ['operator', 'operate', 'events/health/d1'],
    ['operator', 'operate', 'devices/d1/telemetry'],
    ['admin', 'admin', '$SYS/x'],
    ['admin', 'admin', topicOf(101)],
    ['d1', undefined, `devices/d1/commands/${topicOf(10)}/response`],
    ['d1', undefined, `devices/d1/commands/${'x'.repeat(300)}/response`],
  ] as const)('%s may not publish: the connection ends', async (id, role, topic) => {
    const live = shared()
    const watcher = await live.connect('watcher', { role: 'admin' })
    await watcher.subscribe({ '#': 1 })
    const client = await live.connect(id, role === undefined ? {} : { role })
    expect(await isTaken(client, topic)).toBe(false)
    await watcher.roundTrip()
    expect([watcher.payloads(), live.messages()]).toEqual([[], []])
  })

  test('only an administrator may retain: a device and an operator are disconnected', async () => {
    const live = await startBroker()
    const retain = { retain: true }
    expect(await isTaken(await live.connect('d1'), telemetry, retain)).toBe(false)
    const operator = await live.connect('operator', { role: 'operate' })
    expect(await isTaken(operator, 'devices/d1/commands/c', retain)).toBe(false)
    expect(await isTaken(await live.connect('admin', { role: 'admin' }), 'note', retain)).toBe(true)
    const later = await live.connect('later', { role: 'admin' })
    await later.subscribe({ '#': 1 })
    expect((await later.next('publish')).retain).toBe(true)
    expect(live.messages()).toEqual([])
  })

  test('what waits for a session that an administrator left is not for who resumes it with less rights', async () => {
    const live = await startBroker()
    const left = await live.connect('panel', { role: 'admin', clean: false })
    await left.subscribe({ '#': 1 })
    left.send({ cmd: 'disconnect' })
    await left.expectClosed()
    const admin = await live.connect('admin', { role: 'admin' })
    admin.send(publish('devices/d1/commands/c', 'not theirs', 1), publish('events/health/d1', 'theirs', 2))
    await admin.expectCount('puback', 2)
    const resumed = await live.connect('panel', { role: 'read', clean: false })
    // In the order in which it was queued: what is not theirs would have come first.
    await expect.poll(() => resumed.payloads(), poll).toContain('theirs')
    expect(resumed.payloads()).toEqual(['theirs'])
  })

  test('a command reaches its device, and the answer whoever may see it', async () => {
    const live = await startBroker()
    const [device, operator] = [await live.connect('d1'), await live.connect('operator', { role: 'operate' })]
    const admin = await live.connect('admin', { role: 'admin' })
    await device.subscribe({ 'devices/d1/commands/+': 1 })
    await admin.subscribe({ 'devices/+/commands/+/response': 1 })
    operator.send(publish('devices/d1/commands/reboot', 'now', 1))
    expect((await device.next('publish')).payload.toString()).toBe('now')
    device.send(publish('devices/d1/commands/reboot/response', 'done', 1))
    expect((await admin.next('publish')).payload.toString()).toBe('done')
  })

  test('telemetry reaches its watchers once and at QoS 0, on one topic, at whatever QoS it came', async () => {
    const live = await startBroker()
    const watcher = await live.connect('watcher', { role: 'read' })
    await watcher.subscribe({ 'devices/+/telemetry': 1 })
    const device = await live.connect('d1')
    device.send(
      publish(telemetry, '0'),
      publish('devices/d1/telemetry', '1', 1),
      publish(telemetry, '2', 2, { qos: 2 }),
      publish('devices/d1/telemetry', '3', 3),
    )
    await device.expectCount('pubrec', 1)
    await watcher.expectCount('publish', 4)
    await watcher.roundTrip()
    const seen = watcher.of('publish').map(({ topic, qos, payload }) => [topic, qos, payload.toString()])
    expect(seen).toEqual(upTo(4).map((n) => ['devices/d1/telemetry', 0, `${n - 1}`]))
  })

  test('telemetry is not kept for a persistent session that is away', async () => {
    const live = await startBroker()
    const watcher = await live.connect('watcher', { role: 'admin', clean: false })
    await watcher.subscribe({ '#': 2 })
    watcher.send({ cmd: 'disconnect' })
    await watcher.expectClosed()
    const device = await live.connect('d1')
    device.send(publish(telemetry, 'x', 1, { qos: 2 }), publish(telemetry, 'y', 2))
    await device.expectCount('puback', 1)
    const again = await live.connect('watcher', { role: 'admin', clean: false })
    await again.roundTrip()
    expect(again.payloads()).toEqual([])
  })
})

describe('topics of many levels, and many filters', () => {
  const shared = shareBroker({ packetBytesMax: 1024 * 1024 })

  test.each([1, 8, 100, 101, 1_000, 32_000, 65_535])(
    '%i levels, everywhere a topic may stand',
    async (levels) => {
      const live = shared()
      const topic = topicOf(levels).slice(0, 65_535)
      const admin = await live.connect('admin', { role: 'admin' })
      expect(await isTaken(admin, topic)).toBe(levels <= 100)
      const subscriber = await live.connect('subscriber', { role: 'admin' })
      subscriber.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos: 1 }] })
      const other = await live.connect('other', { role: 'admin' })
      other.send({ cmd: 'unsubscribe', messageId: 1, unsubscriptions: [topic] })
      const device = await live.connect('d1')
      expect(await isTaken(device, topic)).toBe(false)
      const will = { topic, payload: Buffer.from('x'), qos: 1 as const, retain: false }
      const connack = await returnCodeOf(live.port, {
        clientId: 'w',
        username: 'api',
        password: 'admin-token',
        will,
      })
      expect(connack).toBe(levels <= 100 ? 0 : 5)
      await expect.poll(() => subscriber.isClosed || subscriber.of('suback').length > 0, poll).toBe(true)
      await expect.poll(() => other.isClosed || other.of('unsuback').length > 0, poll).toBe(true)
      expect([subscriber.isClosed, other.isClosed]).toEqual([levels > 100, levels > 100])
      await (await live.connect('d2')).roundTrip()
    },
  )

  test('the 101st subscription of a device is refused', async () => {
    const live = await startBroker()
    const device = await live.connect('d1')
    const granted: unknown[] = []
    for (const n of upTo(101)) granted.push(...(await device.subscribe({ [`devices/d1/commands/${n}`]: 1 })))
    expect(granted).toEqual([...Array(100).fill(1), 128])
  })
})

test('a connection keeps nothing of its CONNECT, and shares what is the same for all', async () => {
  const live = await startBroker()
  const sockets = await serverSockets(async () => {
    await live.connect('d1')
    await live.connect('d2')
  })
  const [first, second] = sockets.map((socket) => (socket as unknown as { client: RoutersClient }).client)
  expect(first!._parser.settings).toEqual({ protocolVersion: 4 })
  expect(second!._parser.settings).toBe(first!._parser.settings)
  expect(second!.duplicates).toBe(first!.duplicates)
})

interface RoutersClient {
  readonly duplicates: Record<string, number>
  readonly _parser: { readonly settings: object }
}
