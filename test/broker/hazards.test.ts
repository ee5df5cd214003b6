import { generate } from 'mqtt-packet'
import { describe, expect, test } from 'vitest'
import { startBareAedes } from './bare-aedes.ts'
import { startBroker } from './live-broker.ts'
import { connectPacket, poll, publish, RawClient, serverSockets, upTo } from './raw-client.ts'

/**
 * Hazards of aedes 1.2.0, each with our broker and, as the control, with aedes alone: it happens there, so the test can
 * fail. The frozen subscriber has a file of its own.
 */
const telemetry = 'v1/devices/me/telemetry'
type Done = (error?: Error | null) => void

describe('held messages of one socket', () => {
  test('what it may pile up while the log is held is bounded, and acknowledged in order afterwards', async () => {
    const { connect, gate, log } = await startBroker()
    let device!: RawClient
    const [socket] = await serverSockets(async () => {
      device = await connect('d1')
    })
    const other = await connect('d2')
    gate.hold()
    const payloadBytes = 1_000
    device.send(...upTo(5_000).map((id) => publish(telemetry, 'x'.repeat(payloadBytes), id)))
    await expect.poll(() => socket!.bytesRead, poll).toBeGreaterThan(500 * payloadBytes)
    for (let i = 0; i < 100; i++) await other.roundTrip()
    expect(socket!.bytesRead).toBeLessThan(700 * payloadBytes)
    expect(device.of('puback')).toEqual([])
    gate.release()
    await device.expectCount('puback', 5_000)
    expect(device.idsOf('puback')).toEqual(upTo(5_000))
    expect(log.end('ingress')).toBe(5_000)
  })

  test('control: aedes reads on, however many it holds', async () => {
    let held = 0
    const bare = await startBareAedes({ authorizePublish: () => void held++ })
    const client = await bare.connect()
    for (let sent = 0; held < 1_000 && sent < 50_000; sent++) {
      client.send(publish('t', 'x', 1 + (sent % 65_535)))
      await new Promise(setImmediate)
    }
    expect(held).toBeGreaterThanOrEqual(1_000)
  })

  test('a PINGREQ behind held messages is answered', async () => {
    const { connect, gate } = await startBroker()
    const device = await connect('d1')
    gate.hold()
    device.send(...upTo(50).map((id) => publish(telemetry, 'x', id)))
    await expect.poll(() => gate.asked, poll).toBe(1)
    await device.roundTrip()
    expect(device.of('puback')).toEqual([])
    gate.release()
    await device.expectCount('puback', 50)
  })

  test('control: aedes leaves it unanswered and closes a client that keeps pinging', async () => {
    const bare = await startBareAedes({ authorizePublish: () => undefined })
    const client = await bare.connect({ keepalive: 1 })
    client.send(...upTo(50).map((id) => publish('t', 'x', id)))
    const pinging = setInterval(() => client.send({ cmd: 'pingreq' }), 200)
    await client.expectClosed().finally(() => clearInterval(pinging))
    expect(client.of('pingresp')).toEqual([])
  })
})

describe('a SUBSCRIBE with an allowed and a refused filter, of a persistent session', () => {
  const persistent = { clean: false }

  test('the refused one delivers nothing: not at once, and not from the queue after reconnecting', async () => {
    const { connect } = await startBroker()
    const filters = { 'devices/d1/commands/#': 1, 'devices/d2/commands/#': 1 } as const
    const operator = await connect('operator', { role: 'operate' })
    const send = async (round: string) => {
      const from = operator.of('puback').length
      operator.send(publish('devices/d2/commands/c', `other ${round}`, from + 1))
      operator.send(publish('devices/d1/commands/c', `own ${round}`, from + 2))
      await operator.expectCount('puback', from + 2)
    }
    const first = await connect('d1', persistent)
    expect(await first.subscribe(filters)).toEqual([1, 128])
    await send('now')
    await first.expectCount('publish', 1)
    first.send({ cmd: 'puback', messageId: first.idsOf('publish')[0]! }, { cmd: 'disconnect' })
    await first.expectClosed()
    await send('meanwhile')
    const second = await connect('d1', persistent)
    await second.expectCount('publish', 1)
    await send('later')
    await second.expectCount('publish', 2)
    expect([...first.payloads(), ...second.payloads()]).toEqual(['own now', 'own meanwhile', 'own later'])
  })

  test('control: aedes delivers what was queued for the refused one', async () => {
    const bare = await startBareAedes({
      authorizeSubscribe: (_client, subscription, done) =>
        done(null, subscription.topic.startsWith('secret') ? null : subscription),
    })
    const client = await bare.connect(persistent)
    expect(await client.subscribe({ 'open/#': 1, 'secret/#': 1 })).toEqual([1, 128])
    client.send({ cmd: 'disconnect' })
    await client.expectClosed()
    const publisher = await bare.connect({ clientId: 'publisher' })
    publisher.send(publish('secret/x', 'secret', 1))
    await publisher.roundTrip()
    const again = await bare.connect(persistent)
    await again.expectCount('publish', 1)
    expect(again.payloads()).toEqual(['secret'])
  })

  test('an invalid filter beside a valid one does not keep the session from connecting again', async () => {
    const { connect } = await startBroker()
    const client = await connect('admin', { role: 'admin', ...persistent })
    const subscriptions = [
      { topic: 'a', qos: 1 as const },
      { topic: 'a/#/b', qos: 1 as const },
    ]
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions })
    await client.expectClosed()
    await (await connect('admin', { role: 'admin', ...persistent })).roundTrip()
  })

  test('control: aedes never lets it in again', async () => {
    const bare = await startBareAedes()
    const client = await bare.connect(persistent)
    const subscriptions = [
      { topic: 'a', qos: 1 as const },
      { topic: 'a/#/b', qos: 1 as const },
    ]
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions })
    await client.expectClosed()
    await expect(bare.connect(persistent)).rejects.toThrow('a connack before the connection ended')
  })
})

describe('an error beside successes', () => {
  test('a forbidden publish behind good ones: those are acknowledged, then the connection ends', async () => {
    const { connect, gate, messages, codes } = await startBroker()
    const device = await connect('d1')
    gate.hold()
    const good = upTo(5).map((id) => publish(telemetry, `good ${id}`, id))
    device.send(...good, publish('devices/d2/telemetry', 'forbidden', 6))
    await expect.poll(() => codes(), poll).toEqual(['TIDEMARK_TOPIC_FORBIDDEN'])
    expect(device.isClosed).toBe(false)
    gate.release()
    await device.expectClosed()
    expect(device.idsOf('puback')).toEqual(upTo(5))
    expect(messages().map(({ payload }) => payload)).toEqual(upTo(5).map((id) => `good ${id}`))
  })

  test('the same for publishes that aedes acknowledges', async () => {
    const { connect } = await startBroker()
    const device = await connect('d1')
    const good = upTo(5).map((id) => publish('devices/d1/commands/c/response', 'x', id))
    device.send(...good, publish('devices/d2/telemetry', 'forbidden', 6))
    await device.expectClosed()
    expect(device.idsOf('puback')).toEqual(upTo(5))
  })

  test('control: aedes discards the acknowledgements of that tick', async () => {
    const held: Done[] = []
    const bare = await startBareAedes({ authorizePublish: (_client, _packet, done) => void held.push(done) })
    const client = await bare.connect()
    client.send(...upTo(6).map((id) => publish('t', 'x', id)))
    await expect.poll(() => held.length, poll).toBe(6)
    for (const done of held.slice(0, 5)) done(null)
    held[5]!(new Error('forbidden'))
    await client.expectClosed()
    expect(client.of('puback')).toEqual([])
  })
})

describe('a QoS 1 event directly before a QoS 0 message', () => {
  const rounds = upTo(50)

  test('reaches its subscriber', async () => {
    const { broker, connect } = await startBroker()
    const client = await connect('watcher', { role: 'read' })
    await client.subscribe({ 'events/#': 1 })
    for (const round of rounds) {
      await Promise.all([
        broker.publish('events/health/x', `event ${round}`, 1),
        broker.publish('events/health/y', `note ${round}`, 0),
      ])
    }
    await client.expectCount('publish', 100)
    expect(client.payloads().sort()).toEqual(rounds.flatMap((n) => [`event ${n}`, `note ${n}`]).sort())
  })

  test('control: aedes loses it', async () => {
    const { aedes, connect } = await startBareAedes()
    const client = await connect()
    await client.subscribe({ 'events/#': 1 })
    const send = (topic: string, payload: string, qos: 0 | 1) =>
      new Promise<void>((resolve) => {
        aedes.publish({ cmd: 'publish', topic, payload, qos, retain: false, dup: false }, () => resolve())
      })
    for (const round of rounds) {
      await Promise.all([send('events/x', `event ${round}`, 1), send('events/y', `note ${round}`, 0)])
    }
    await client.roundTrip()
    expect(client.payloads()).toEqual(rounds.map((n) => `note ${n}`))
  })
})

describe('wills', () => {
  const forbidden = [
    ['of another device', 'devices/d2/telemetry', false],
    ['with a wildcard', 'devices/d1/commands/+/response', false],
    ['of the platform', 'events/health/d1', false],
    ['of the system', '$SYS/x', false],
    ['that is its own, but retained', 'devices/d1/telemetry', true],
  ] as const
  const willOf = (topic: string, retain = false) => ({
    will: { topic, payload: Buffer.from('gone'), qos: 1 as const, retain },
  })

  test.each(forbidden)('a will on a topic %s is refused at CONNECT', async (_name, topic, retain) => {
    const { port, secret, codes } = await startBroker()
    const client = RawClient.open(port)
    const login = { clientId: 'd1', username: 'd1', password: secret('d1') }
    expect((await client.login({ ...login, ...willOf(topic, retain) })).returnCode).toBe(5)
    await client.expectClosed()
    expect(codes()).toEqual(['TIDEMARK_TOPIC_FORBIDDEN'])
  })

  test("an administrator's will with a wildcard or of the system is refused too", async () => {
    const { port } = await startBroker()
    for (const topic of ['a/#', 'a/+', '$SYS/x', 'a/'.repeat(150)]) {
      const client = RawClient.open(port)
      const login = { username: 'api', password: 'admin-token' }
      expect((await client.login({ ...login, ...willOf(topic) })).returnCode, topic).toBe(5)
    }
  })

  test('a will on its own telemetry is logged when the connection breaks, and not after DISCONNECT', async () => {
    const { connect, messages } = await startBroker()
    const polite = await connect('d1', willOf('devices/d1/telemetry'))
    polite.send({ cmd: 'disconnect' })
    await polite.expectClosed()
    const broken = await connect('d2', willOf('devices/d2/telemetry'))
    broken.conn.destroy()
    await expect.poll(() => messages(), poll).toEqual([{ device: 'd2', topic: 0, payload: 'gone' }])
  })

  test('the will of a device that is revoked while connected is not published', async () => {
    const { connect, devices, messages } = await startBroker()
    const watcher = await connect('watcher', { role: 'admin' })
    await watcher.subscribe({ '#': 1 })
    const device = await connect('d1', willOf('devices/d1/commands/c/response'))
    await devices.remove('d1')
    await device.expectClosed()
    await watcher.roundTrip()
    expect([...watcher.payloads(), ...messages()]).toEqual([])
  })

  test('control: aedes takes a will on any topic, wildcards too, and publishes it', async () => {
    const bare = await startBareAedes()
    const watcher = await bare.connect({ clientId: 'watcher' })
    await watcher.subscribe({ '#': 1 })
    const client = await bare.connect(willOf('a/#'))
    client.conn.destroy()
    expect((await watcher.next('publish')).topic).toBe('a/#')
  })
})

describe('a header that declares 256 MiB before CONNECT', () => {
  const header = Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f])
  const mebibyte = Buffer.alloc(1024 * 1024)

  test('ends the connection at once; nothing behind it is kept', async () => {
    const { port, codes } = await startBroker()
    const clients: RawClient[] = []
    const sockets = await serverSockets(async () => {
      for (let i = 0; i < 20; i++) clients.push(RawClient.open(port))
      for (const client of clients) client.conn.write(Buffer.concat([header, mebibyte]))
      for (const client of clients) await client.expectClosed()
    })
    expect(codes()).toEqual(clients.map(() => 'TIDEMARK_PACKET_TOO_LARGE'))
    for (const { bytesRead } of sockets) expect(bytesRead).toBeLessThan(256 * 1024)
  })

  test('the same once connected, and for a length of five bytes', async () => {
    const { connect, port, codes } = await startBroker()
    const device = await connect('d1')
    device.conn.write(Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]))
    await device.expectClosed()
    const malformed = RawClient.open(port)
    malformed.conn.write(Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff, 0x01]))
    await malformed.expectClosed()
    expect(codes()).toEqual(['TIDEMARK_PACKET_TOO_LARGE', 'TIDEMARK_PACKET_MALFORMED'])
  })

  test('control: aedes reads on and keeps it all', async () => {
    const bare = await startBareAedes()
    let client!: RawClient
    const [socket] = await serverSockets(async () => {
      client = bare.open()
      client.conn.write(header)
      for (let i = 0; i < 16; i++) client.conn.write(mebibyte)
      await expect.poll(() => client.conn.writableLength, poll).toBe(0)
    })
    await expect.poll(() => socket!.bytesRead, poll).toBe(header.length + 16 * mebibyte.length)
    expect(client.isClosed).toBe(false)
  })
})

test('a CONNECT that comes byte by byte is answered as one that comes whole', async () => {
  const { port } = await startBroker()
  const client = RawClient.open(port)
  for (const byte of generate(connectPacket({ username: 'd1' }))) {
    client.conn.write(Buffer.from([byte]))
    await new Promise(setImmediate)
  }
  expect((await client.next('connack')).returnCode).toBe(5)
})
