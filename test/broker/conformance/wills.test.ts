import { describe, expect, test } from 'vitest'
import { shareBroker } from '../live-broker.ts'
import { poll, publish, RawClient } from '../raw-client.ts'
import { frame, names } from './frames.ts'

/** MQTT 3.1.1, sections 3.1.2.5 to 3.1.2.7 and 3.14: wills, and DISCONNECT, which takes them away. */
const live = shareBroker()
const newName = names('will')
const admin = { role: 'admin' } as const
type Will = { qos?: 0 | 1 | 2; retain?: boolean }

const willTo = (topic: string, { qos = 1, retain = false }: Will = {}) => ({
  will: { topic, payload: Buffer.from('gone'), qos, retain },
})

/** A client with a will, and one that watches its topic. */
async function setUp(options: Will & { keepalive?: number } = {}) {
  const topic = newName()
  const { keepalive = 60, ...will } = options
  const watcher = await live().connect(newName(), admin)
  await watcher.subscribe({ [topic]: 2 })
  const id = newName()
  const client = await live().connect(id, { ...admin, ...willTo(topic, will), keepalive })
  return { topic, watcher, client, id }
}

const seenBy = (watcher: RawClient) =>
  watcher.of('publish').map(({ payload, qos, retain }) => [payload.toString(), qos, retain])

describe('a will', () => {
  test.each<[string, (client: RawClient, id: string) => unknown]>([
    ['when the connection breaks', ({ conn }) => conn.destroy()],
    ['when the client ends it without DISCONNECT', ({ conn }) => conn.end()],
    ['after a packet that is malformed', ({ conn }) => conn.write(frame(0xc1))],
    ['after a publish that is not allowed', (client) => client.send(publish('$SYS/x', 'x', 1))],
    ['after a second CONNECT', ({ conn }) => conn.write(frame(0x10, 'MQTT', 4, 2, 0, 0, 'c'))],
    ['when another connection takes its place', (_client, id) => live().connect(id, admin)],
  ])('is published %s', async (_name, end) => {
    const { watcher, client, id } = await setUp()
    await end(client, id)
    await client.expectClosed()
    await watcher.expectCount('publish', 1)
    expect(seenBy(watcher)).toEqual([['gone', 1, false]])
  })

  test('is published when nothing comes for one and a half times the keepalive', async () => {
    const { watcher, client } = await setUp({ keepalive: 1 })
    await watcher.expectCount('publish', 1)
    await client.expectClosed()
  })

  test.each([0, 1, 2] as const)('is published at its QoS, %i', async (qos) => {
    const { watcher, client } = await setUp({ qos })
    client.conn.destroy()
    await watcher.expectCount('publish', 1)
    expect(seenBy(watcher)).toEqual([['gone', qos, false]])
  })

  test.each([true, false])('is published retained as its flag says: %s', async (retain) => {
    const { watcher, client, topic } = await setUp({ retain })
    client.conn.destroy()
    await watcher.expectCount('publish', 1)
    const later = await live().connect(newName(), admin)
    await later.subscribe({ [topic]: 2 })
    await later.roundTrip()
    expect(seenBy(later)).toEqual(retain ? [['gone', 1, true]] : [])
  })

  test('is published once: it is no part of the session', async () => {
    const [topic, id] = [newName(), newName()]
    const watcher = await live().connect(newName(), admin)
    await watcher.subscribe({ [topic]: 1 })
    const first = await live().connect(id, { ...admin, clean: false, ...willTo(topic) })
    first.conn.destroy()
    await watcher.expectCount('publish', 1)
    const second = await live().connect(id, { ...admin, clean: false })
    second.conn.destroy()
    await second.expectClosed()
    await watcher.roundTrip()
    expect(watcher.payloads()).toEqual(['gone'])
  })

  test("is published into the log, a device's", async () => {
    const before = live().messages().length
    const device = await live().connect('d1', willTo('devices/d1/telemetry'))
    device.conn.destroy()
    await expect.poll(() => live().messages().length, poll).toBe(before + 1)
    expect(live().messages().at(-1)).toEqual({ device: 'd1', topic: 0, payload: 'gone' })
  })

  test('is not published after DISCONNECT, for an operator and for a device', async () => {
    const before = live().messages().length
    const { watcher, client } = await setUp()
    const device = await live().connect('d1', willTo('devices/d1/telemetry'))
    for (const polite of [client, device]) {
      polite.send({ cmd: 'disconnect' })
      await polite.expectClosed()
    }
    await expect.poll(() => live().broker.connections.isOnline('d1'), poll).toBe(false)
    await watcher.roundTrip()
    expect([watcher.payloads(), live().messages().length]).toEqual([[], before])
  })

  test('is not published of a CONNECT that is refused', async () => {
    const topic = newName()
    const watcher = await live().connect(newName(), admin)
    await watcher.subscribe({ [topic]: 1 })
    const client = RawClient.open(live().port)
    const login = { clientId: newName(), username: 'api', password: 'wrong' }
    expect((await client.login({ ...login, ...willTo(topic) })).returnCode).toBe(5)
    await client.expectClosed()
    await watcher.roundTrip()
    expect(watcher.payloads()).toEqual([])
  })

  test('is not published where there was none', async () => {
    const watcher = await live().connect(newName(), admin)
    await watcher.subscribe({ '#': 0 })
    const client = await live().connect(newName(), admin)
    client.conn.destroy()
    await client.expectClosed()
    await watcher.roundTrip()
    // What other tests have retained comes too.
    expect(watcher.of('publish').filter(({ retain }) => !retain)).toEqual([])
  })
})
