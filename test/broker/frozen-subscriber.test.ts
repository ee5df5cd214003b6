import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import type net from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { delay } from '../../lib/clock.ts'
import { tellFigures } from '../support/figures.ts'
import { HealthyClient, p99 } from '../support/healthy-client.ts'
import { adminToken, startPlatformProcess } from '../support/platform-process.ts'
import { anonymousMib } from '../support/process-figures.ts'
import { judgesFigures, sizeOf } from '../support/promises.ts'
import { publishAll } from '../support/publish-all.ts'
import { tempDir } from '../support/temp-dir.ts'
import { type LiveBroker, startBroker } from './live-broker.ts'
import { poll, publish, RawClient, serverSockets, upTo } from './raw-client.ts'

/** R8: a subscriber that stops reading. aedes alone grows without bound and does not survive its end (the control). */
const telemetry = 'v1/devices/me/telemetry'
const payload = 'x'.repeat(4_000)
const megabyte = 1_000_000
const publishersMax = 5
/** Of 4 KB: what the sockets of both sides hold is a few MB. */
const fillingMax = 2_000
const measuredMs = 3_000
/** aedes alone would keep all that they do not take: 8 MB for each. */
const grownMibMax = 64
const frozenMax = sizeOf('TIDEMARK_FROZEN_SUBSCRIBERS')

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
async function freeze(
  live: LiveBroker,
  filter: string,
  role: 'read' | 'admin',
  { clean = true, id = 'frozen' } = {},
) {
  let client!: RawClient
  const [socket] = await serverSockets(async () => {
    client = await live.connect(id, { role, clean, keepalive: 0 })
  })
  await client.subscribe({ [filter]: 1 })
  client.conn.pause()
  return { client, socket: socket! }
}

describe('a frozen subscriber', () => {
  test(`of telemetry, ${frozenMax} of them: neither holds up the publisher nor piles up, and is cut off within 10 s`, async () => {
    const live = await startBroker()
    const sockets: net.Socket[] = []
    for (const n of upTo(frozenMax)) {
      const { socket } = await freeze(live, 'devices/+/telemetry', 'read', { id: `frozen-${n}` })
      sockets.push(socket)
    }
    const device = await live.connect('d1')
    const areFull = () => sockets.every((socket) => socket.destroyed || socket.writableNeedDrain)
    await publishUntil(device, telemetry, areFull)
    expect(areFull()).toBe(true)
    const copies = live.broker.connections.copiesInFlight()
    const queued = sockets.map(({ writableLength }) => writableLength)
    const before = device.of('puback').length
    device.send(...upTo(2_000).map((n) => publish(telemetry, payload, n)))
    await device.expectCount('puback', before + 2_000)
    const left = sockets.map((socket, n) => (socket.destroyed ? 0 : socket.writableLength - queued[n]!))
    expect(Math.max(...left)).toBeLessThanOrEqual(megabyte)
    if (left.every((bytes) => bytes > 0))
      expect(live.broker.connections.copiesInFlight()).toBeLessThanOrEqual(copies + frozenMax)
    const areCutOff = () => sockets.every(({ destroyed }) => destroyed)
    await expect.poll(areCutOff, { timeout: 10_000 }).toBe(true)
    await expect.poll(() => live.broker.connections.copiesInFlight(), poll).toBe(0)
    await device.roundTrip()
    await (await live.connect('d2')).roundTrip()
  })

  test('of events is cut off, and gets every one of them when it comes back', async () => {
    const live = await startBroker()
    const { socket } = await freeze(live, 'events/#', 'read', { clean: false })
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

  // Where nothing runs beside: elsewhere a latency says nothing.
  if (judgesFigures)
    test(`of telemetry, ${frozenMax} of them at a running platform: publishers wait at most twice as long, and memory stays`, async () => {
      const platform = await startPlatformProcess(tempDir(), [
        '--device-rate-max',
        '0',
        '--log-level',
        'error',
      ])
      onTestFinished(async () => void (await platform.end('SIGKILL')))
      const ids = [
        'filling',
        ...upTo(publishersMax).flatMap((n) => [`warming-${n}`, `before-${n}`, `beside-${n}`]),
      ]
      const credentials = await platform.api.provision(ids.map((id) => ({ id, type: 'generic' })))
      const large = JSON.stringify(Object.fromEntries(upTo(16).map((n) => [`text_${n}`, 'x'.repeat(240)])))
      const fill = () =>
        publishAll(platform, 'filling', credentials.get('filling')!.password, Array(fillingMax).fill(large))
      const p99Of = async (kind: string, until: () => Promise<unknown>) => {
        const clients = upTo(publishersMax).map(
          (n) => new HealthyClient(platform, `${kind}-${n}`, credentials.get(`${kind}-${n}`)!.password),
        )
        for (const client of clients) await client.start()
        await until()
        for (const client of clients) await client.stop()
        return p99(clients.flatMap(({ roundTripsMs }) => roundTripsMs))
      }
      await fill()
      await p99Of('warming', () => delay(measuredMs))
      const beforeMs = await p99Of('before', () => delay(measuredMs))
      const memoryBefore = anonymousMib(platform.pid)
      const descriptors = () => readdirSync(`/proc/${platform.pid}/fd`).length
      const descriptorsBefore = descriptors()
      const port = Number(new URL(platform.mqttUrl).port)
      for (const n of upTo(frozenMax)) {
        const login = { clientId: `frozen-${n}`, username: 'api', password: adminToken, keepalive: 0 }
        const client = await RawClient.connect(port, login)
        await client.subscribe({ 'devices/+/telemetry': 1 })
        client.conn.pause()
      }
      await fill()
      // By now none of them takes anything any more.
      const startedAt = performance.now()
      const areCutOff = () =>
        expect.poll(descriptors, { timeout: 15_000 }).toBeLessThanOrEqual(descriptorsBefore + publishersMax)
      const besideMs = await p99Of('beside', areCutOff)
      const cutOffMs = Math.round(performance.now() - startedAt)
      const grownMib = anonymousMib(platform.pid) - memoryBefore
      tellFigures({ frozen: frozenMax, beforeMs, besideMs, cutOffMs, grownMib })
      expect(besideMs).toBeLessThanOrEqual(2 * beforeMs)
      expect(cutOffMs).toBeLessThanOrEqual(10_000)
      expect(grownMib).toBeLessThanOrEqual(grownMibMax)
      expect(platform.stderr()).toBe('')
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
