import net from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { freePort } from '../../bench/services/free-port.ts'
import {
  MqttPublisher,
  mqttTarget,
  type PublisherOptions,
  packetIdMax,
} from '../../simulators/mqtt-publisher.ts'
import { type RawBroker, startRawBroker } from './raw-broker.ts'

let broker: RawBroker
const publishers: MqttPublisher[] = []

beforeEach(async () => {
  broker = await startRawBroker()
})
afterEach(async () => {
  await Promise.all(publishers.splice(0).map((publisher) => publisher.close()))
  await broker.close()
})

function publisherOf(options: Partial<PublisherOptions> = {}) {
  const acknowledged: number[] = []
  const publisher = new MqttPublisher({
    url: broker.url,
    clientId: 'a',
    username: 'a',
    password: 'secret',
    topic: 'devices/a/telemetry',
    qos: 1,
    reconnectMsMax: 20,
    onAcknowledged: (tag) => acknowledged.push(tag),
    ...options,
  })
  publishers.push(publisher)
  const send = (...tags: number[]) => {
    for (const tag of tags) publisher.publish(Buffer.from(`{"n":${tag}}`), tag)
    publisher.flush()
  }
  return { publisher, acknowledged, send }
}
const payloads = () => broker.publishes.map(({ payload }) => payload)

describe('publishing', () => {
  test('connects with its id and its secret, and says DISCONNECT when it closes', async () => {
    const { publisher } = publisherOf()
    await publisher.connect()
    expect(broker.connects).toEqual([{ client: 'a', username: 'a', password: 'secret' }])
    await publisher.close()
    expect(broker.disconnects).toEqual(['a'])
  })

  test('each message has a packet identifier of its own, and its tag comes back with the acknowledgement', async () => {
    broker.isAcknowledging = false
    const { publisher, acknowledged, send } = publisherOf()
    await publisher.connect()
    send(10, 20, 30)
    await expect.poll(() => broker.publishes.length).toBe(3)
    expect(broker.publishes.map(({ id, qos, isDup }) => ({ id, qos, isDup }))).toEqual([
      { id: 1, qos: 1, isDup: false },
      { id: 2, qos: 1, isDup: false },
      { id: 3, qos: 1, isDup: false },
    ])
    expect(broker.publishes[0]!.topic).toBe('devices/a/telemetry')
    expect({ inFlight: publisher.inFlight, acknowledged }).toEqual({ inFlight: 3, acknowledged: [] })
    broker.acknowledge(2)
    await expect.poll(() => acknowledged).toEqual([10, 20])
    expect(publisher.inFlight).toBe(1)
  })

  test('an identifier is used again only when its message is acknowledged, and 0 never', async () => {
    broker.isAcknowledging = false
    const { publisher, acknowledged, send } = publisherOf()
    await publisher.connect()
    send(1, 2, 3)
    await expect.poll(() => broker.publishes.length).toBe(3)
    broker.acknowledge(2)
    await expect.poll(() => acknowledged.length).toBe(2)
    broker.isAcknowledging = true
    // Once around: 3 is still in flight, so that it is passed over.
    for (let tag = 4; tag < packetIdMax + 3; tag++) publisher.publish(Buffer.from('{}'), tag)
    publisher.flush()
    await expect.poll(() => broker.publishes.length, { timeout: 10_000 }).toBe(packetIdMax + 2)
    const ids = broker.publishes.map(({ id }) => id)
    expect(ids.slice(3)).toEqual([...Array.from({ length: packetIdMax - 3 }, (_, i) => i + 4), 1, 2])
  })

  test('with every identifier in flight it says that the broker does not acknowledge', async () => {
    broker.isAcknowledging = false
    const { publisher } = publisherOf()
    await publisher.connect()
    for (let tag = 1; tag <= packetIdMax; tag++) publisher.publish(Buffer.from('{}'), tag)
    expect(() => publisher.publish(Buffer.from('{}'), 0)).toThrow(
      expect.objectContaining({ code: 'TIDEMARK_MQTT_UNACKNOWLEDGED' }),
    )
  })

  // Beside it are 23 bytes, so that the remaining length takes one byte up to 104 and two up to 16,360.
  test.each([0, 104, 105, 16_360, 16_361, 70_000])('a payload of %d bytes arrives whole', async (size) => {
    const { publisher, acknowledged } = publisherOf()
    await publisher.connect()
    publisher.publish(Buffer.alloc(size, 'x'), 1)
    publisher.flush()
    await expect.poll(() => acknowledged).toEqual([1])
    expect(broker.publishes[0]!.payload).toBe('x'.repeat(size))
  })

  test('at QoS 0 a message has no identifier and counts when it is handed over', async () => {
    const { publisher, acknowledged, send } = publisherOf({ qos: 0 })
    await publisher.connect()
    send(1, 2)
    expect(acknowledged).toEqual([1, 2])
    await expect
      .poll(() => broker.publishes.map(({ qos, id }) => [qos, id]))
      .toEqual([
        [0, 0],
        [0, 0],
      ])
  })

  test('an acknowledgement of what was never sent is nothing, and one that comes in pieces is one', async () => {
    const acknowledged: number[] = []
    const server = net.createServer((socket) => {
      socket.on('error', () => socket.destroy())
      socket.once('data', () => {
        socket.write(Buffer.from([0x20, 2, 0, 0]))
        socket.once('data', () => {
          socket.setNoDelay(true)
          socket.write(Buffer.from([0x40, 2, 0, 99, 0x40]))
          setImmediate(() => socket.write(Buffer.from([2, 0])))
          setTimeout(() => socket.write(Buffer.from([1, 0xd0, 0])), 20)
        })
      })
    })
    const port = await freePort()
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    try {
      const { publisher, send } = publisherOf({
        url: `mqtt://127.0.0.1:${port}`,
        onAcknowledged: (tag) => acknowledged.push(tag),
      })
      await publisher.connect()
      send(7)
      await expect.poll(() => acknowledged).toEqual([7])
      await publisher.close()
    } finally {
      server.close()
    }
  })
})

describe('after a lost connection', () => {
  test('what is unacknowledged goes again, in order, under its identifier and with DUP', async () => {
    broker.isAcknowledging = false
    let reconnects = 0
    const { publisher, acknowledged, send } = publisherOf({ onReconnect: () => reconnects++ })
    await publisher.connect()
    send(1, 2, 3, 4)
    await expect.poll(() => broker.publishes.length).toBe(4)
    broker.acknowledge(1)
    await expect.poll(() => acknowledged).toEqual([1])
    broker.cut()
    await expect.poll(() => broker.publishes.length).toBe(7)
    const again = broker.publishes.slice(4)
    expect(again.map(({ connection, id, isDup, payload }) => [connection, id, isDup, payload])).toEqual([
      [2, 2, true, '{"n":2}'],
      [2, 3, true, '{"n":3}'],
      [2, 4, true, '{"n":4}'],
    ])
    broker.acknowledge()
    await expect.poll(() => acknowledged).toEqual([1, 2, 3, 4])
    expect(reconnects).toBe(1)
  })

  test('what was published meanwhile follows, without DUP: it was never sent', async () => {
    broker.isAcknowledging = false
    const { publisher, send } = publisherOf({ onReconnect: () => send(2, 3) })
    await publisher.connect()
    send(1)
    await expect.poll(() => broker.publishes.length).toBe(1)
    broker.cut()
    await expect.poll(() => broker.publishes.length).toBe(4)
    expect(broker.publishes.slice(1).map(({ payload, isDup }) => [payload, isDup])).toEqual([
      ['{"n":1}', true],
      ['{"n":2}', false],
      ['{"n":3}', false],
    ])
  })

  test('it tries until it is let in again', async () => {
    const { publisher, acknowledged, send } = publisherOf()
    await publisher.connect()
    broker.connack = 3
    broker.cut()
    await expect.poll(() => broker.connects.length).toBeGreaterThan(3)
    send(1)
    broker.connack = 0
    await expect.poll(() => acknowledged).toEqual([1])
  })

  test('a message at QoS 0 is lost and not counted', async () => {
    const { publisher, acknowledged, send } = publisherOf({ qos: 0, onReconnect: () => send(1) })
    await publisher.connect()
    broker.cut()
    await expect.poll(() => broker.connects.length).toBe(2)
    await expect.poll(() => publisher.isOpen).toBe(true)
    send(2)
    await expect.poll(payloads).toEqual(['{"n":2}'])
    expect(acknowledged).toEqual([2])
  })

  test('once closed it stays away', async () => {
    const { publisher } = publisherOf()
    await publisher.connect()
    await publisher.close()
    expect(publisher.isOpen).toBe(false)
    expect(broker.connects).toHaveLength(1)
  })
})

describe('connecting', () => {
  const could = (publisher: MqttPublisher) =>
    publisher.connect().then(
      () => undefined,
      ({ code, exitCode, message }) => ({ code, exitCode, message }),
    )

  test.each([
    [4, 'wrong user name or password'],
    [5, 'not authorized'],
  ])('a refusal with return code %d is said in words: exit code 3', async (connack, reason) => {
    broker.connack = connack
    const { publisher } = publisherOf()
    expect(await could(publisher)).toMatchObject({
      code: 'TIDEMARK_MQTT_REFUSED',
      exitCode: 3,
      message: `a was refused with return code ${connack}: ${reason}`,
    })
    expect(broker.connects).toHaveLength(1)
  })

  test('nobody listening: exit code 3', async () => {
    const port = await freePort()
    const { publisher } = publisherOf({ url: `mqtt://127.0.0.1:${port}` })
    expect(await could(publisher)).toMatchObject({ code: 'TIDEMARK_MQTT_UNREACHABLE', exitCode: 3 })
  })

  test('a server that hangs up instead of answering: exit code 3', async () => {
    broker.connack = 'silent'
    const { publisher } = publisherOf()
    const outcome = could(publisher)
    await expect.poll(() => broker.connects.length).toBe(1)
    broker.cut()
    expect(await outcome).toMatchObject({ code: 'TIDEMARK_MQTT_UNREACHABLE', exitCode: 3 })
  })

  test.each(['localhost:1883', 'http://a', 'ws://a/mqtt', 'mqtt://', '', 'nonsense'])(
    '%j is no broker: exit code 2',
    (url) => {
      expect(mqttTarget(url)).toBeUndefined()
      expect(() => publisherOf({ url })).toThrow(
        expect.objectContaining({ code: 'TIDEMARK_MQTT_URL_INVALID', exitCode: 2 }),
      )
    },
  )

  test.each([
    ['mqtt://127.0.0.1', { host: '127.0.0.1', port: 1883, isTls: false }],
    ['mqtts://broker.example:8884', { host: 'broker.example', port: 8884, isTls: true }],
    ['mqtts://broker.example', { host: 'broker.example', port: 8883, isTls: true }],
    ['mqtt://[::1]:1884', { host: '::1', port: 1884, isTls: false }],
  ])('%s is understood', (url, target) => expect(mqttTarget(url)).toEqual(target))
})

describe('at QoS 2', () => {
  const held = async () => {
    broker.isAcknowledging = false
    const made = publisherOf({ qos: 2 })
    await made.publisher.connect()
    made.send(1, 2, 3)
    await expect.poll(() => broker.publishes.length).toBe(3)
    return made
  }

  test('a message is acknowledged at PUBCOMP and not at PUBREC, which PUBREL answers', async () => {
    const { publisher, acknowledged } = await held()
    expect(broker.publishes.map(({ id, qos, isDup }) => [id, qos, isDup])).toEqual([
      [1, 2, false],
      [2, 2, false],
      [3, 2, false],
    ])
    broker.acknowledge(2)
    await expect.poll(() => broker.pubrels.map(({ id }) => id)).toEqual([1, 2])
    expect({ inFlight: publisher.inFlight, acknowledged }).toEqual({ inFlight: 3, acknowledged: [] })
    // The PUBREC of the third, then the PUBCOMPs of the first two.
    broker.acknowledge(3)
    await expect.poll(() => acknowledged).toEqual([1, 2])
    expect(publisher.inFlight).toBe(1)
  })

  test('after a lost connection PUBREL goes again where PUBREC had come, and PUBLISH with DUP where not', async () => {
    const { acknowledged, send } = await held()
    broker.acknowledge(1)
    await expect.poll(() => broker.pubrels.length).toBe(1)
    const before = { connections: broker.connects.length, publishes: broker.publishes.length }
    broker.cut()
    await expect.poll(() => broker.connects.length).toBe(before.connections + 1)
    await expect.poll(() => broker.pubrels.length).toBe(2)
    await expect.poll(() => broker.publishes.length).toBe(before.publishes + 2)
    const [first, again] = broker.pubrels
    expect(again).toEqual({ connection: first!.connection + 1, id: 1 })
    expect(broker.publishes.slice(3).map(({ id, isDup, payload }) => [id, isDup, payload])).toEqual([
      [2, true, '{"n":2}'],
      [3, true, '{"n":3}'],
    ])
    broker.isAcknowledging = true
    broker.acknowledge()
    await expect.poll(() => acknowledged.toSorted()).toEqual([1, 2, 3])
    send(4)
    await expect.poll(() => acknowledged.includes(4)).toBe(true)
  })

  test('PUBREC of what is known no more is answered too, so that the broker can forget it', async () => {
    const { acknowledged } = await held()
    broker.isAcknowledging = true
    broker.acknowledge()
    await expect.poll(() => acknowledged).toEqual([1, 2, 3])
    broker.answer({ cmd: 'pubrec', messageId: 77 })
    await expect.poll(() => broker.pubrels.at(-1)?.id).toBe(77)
    expect(acknowledged).toEqual([1, 2, 3])
  })

  test('its session outlives a lost connection; one of before is ended first, and its own at the end', async () => {
    const { publisher } = await held()
    expect(broker.cleanSessions).toEqual([true, false])
    broker.cut()
    await expect.poll(() => broker.cleanSessions).toEqual([true, false, false])
    await expect.poll(() => publisher.isOpen).toBe(true)
    await publisher.close()
    expect(broker.cleanSessions).toEqual([true, false, false, true])
  })
})

test('acknowledgements that come together are announced once', async () => {
  broker.isAcknowledging = false
  let announced = 0
  const { publisher, acknowledged, send } = publisherOf({ onAcknowledgements: () => announced++ })
  await publisher.connect()
  send(1, 2, 3)
  await expect.poll(() => broker.publishes.length).toBe(3)
  broker.answer({ cmd: 'puback', messageId: 1 }, { cmd: 'puback', messageId: 2 })
  await expect.poll(() => announced).toBe(1)
  expect(acknowledged).toEqual([1, 2])
  broker.answer({ cmd: 'puback', messageId: 2 })
  broker.answer({ cmd: 'puback', messageId: 3 })
  await expect.poll(() => acknowledged).toEqual([1, 2, 3])
  expect(announced).toBe(2)
})
