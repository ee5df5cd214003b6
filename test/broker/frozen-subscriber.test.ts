import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type LiveBroker, startBroker } from './live-broker.ts'
import { poll, publish, type RawClient, serverSockets, upTo } from './raw-client.ts'

/** A subscriber that stops reading. aedes alone grows without bound and does not survive its end (the control). */
const telemetry = 'v1/devices/me/telemetry'
const payload = 'x'.repeat(4_000)
const megabyte = 1_000_000

/** Publishes in steps, each acknowledged, until `isDone`; resolves with the number of messages. */
async function publishUntil(client: RawClient, topic: string, isDone: () => boolean): Promise<number> {
  const step = 250
  let sent = 0
  while (!isDone() && sent < 30_000) {
    client.send(...upTo(step).map((n) => publish(topic, payload, sent + n)))
    sent += step
    await client.expectCount('puback', sent)
  }
  return sent
}

/** An operator whose socket is no longer read, and the broker's side of it. */
async function freeze(live: LiveBroker, filter: string, role: 'read' | 'admin', clean = true) {
  let client!: RawClient
  const [socket] = await serverSockets(async () => {
    client = await live.connect('frozen', { role, clean, keepalive: 0 })
  })
  await client.subscribe({ [filter]: 1 })
  client.conn.pause()
  return { client, socket: socket! }
}

describe('a frozen subscriber', () => {
  test('of telemetry neither holds up the publisher nor piles up, and is cut off within 10 s', async () => {
    const live = await startBroker()
    const { socket } = await freeze(live, 'devices/+/telemetry', 'read')
    const device = await live.connect('d1')
    const isFull = () => socket.writableNeedDrain
    await publishUntil(device, telemetry, isFull)
    expect(isFull()).toBe(true)
    const [copies, bytes] = [live.broker.connections.copiesInFlight(), socket.writableLength]
    const before = device.of('puback').length
    device.send(...upTo(2_000).map((n) => publish(telemetry, payload, n)))
    await device.expectCount('puback', before + 2_000)
    if (!socket.destroyed) {
      expect(live.broker.connections.copiesInFlight()).toBeLessThanOrEqual(copies + 1)
      expect(socket.writableLength).toBeLessThanOrEqual(bytes + megabyte)
    }
    await expect.poll(() => socket.destroyed, { timeout: 10_000 }).toBe(true)
    await expect.poll(() => live.broker.connections.copiesInFlight(), poll).toBe(0)
    await device.roundTrip()
    await (await live.connect('d2')).roundTrip()
  })

  test('of events is cut off, and gets every one of them when it comes back', async () => {
    const live = await startBroker()
    const { socket } = await freeze(live, 'events/#', 'read', false)
    const sent: string[] = []
    // Large, so that the sockets are full before the session's queue is.
    const large = payload.repeat(10)
    while (!socket.destroyed && sent.length < 900) {
      sent.push(`${sent.length} ${large}`)
      await live.broker.publish('events/health/x', sent.at(-1)!, 1)
    }
    expect(live.codes()).toEqual(['TIDEMARK_SUBSCRIBER_SLOW'])
    for (let i = 0; i < 3; i++) {
      sent.push(`${sent.length} after`)
      await live.broker.publish('events/health/x', sent.at(-1)!, 1)
    }
    const again = await live.connect('frozen', { role: 'read', clean: false })
    await again.expectCount('publish', sent.length)
    expect(again.payloads()).toEqual(sent)
  })

  test('of any topic: an administrator who publishes in bursts goes on, and nothing piles up', async () => {
    const live = await startBroker()
    const { socket } = await freeze(live, 'load/#', 'admin')
    const publisher = await live.connect('publisher', { role: 'admin' })
    await publishUntil(publisher, 'load/x', () => socket.destroyed)
    expect(live.codes()).toEqual(['TIDEMARK_SUBSCRIBER_SLOW'])
    expect(socket.writableLength).toBeLessThan(4 * megabyte)
    const before = publisher.of('puback').length
    publisher.send(...upTo(5_000).map((n) => publish('load/x', 'x', n)))
    await publisher.expectCount('puback', before + 5_000)
    await publisher.roundTrip()
  })

  test('control: aedes queues without bound, and ends with the subscriber', () => {
    const script = join(import.meta.dirname, 'frozen-subscriber-control.mjs')
    const { status, stdout, stderr } = spawnSync(process.execPath, [script], {
      encoding: 'utf8',
      timeout: 30_000,
    })
    const { acknowledged, queued } = JSON.parse(stdout)
    expect(queued).toBeGreaterThanOrEqual(20_000)
    expect(acknowledged).toBeGreaterThan(queued)
    expect(stderr).toContain('Maximum call stack size exceeded')
    expect(status).not.toBe(0)
  })
})
