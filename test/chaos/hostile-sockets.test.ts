import net from 'node:net'
import { generate } from 'mqtt-packet'
import { afterEach, expect, onTestFinished, test } from 'vitest'
import { brokenBuild } from '../support/broken-build.ts'
import { tellFigures } from '../support/figures.ts'
import { HealthyClient, settledLedger, storedOf } from '../support/healthy-client.ts'
import { type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import { tempDir } from '../support/temp-dir.ts'

/** R7: sockets that mean harm are cut off, and the client beside them does not notice. */
const declaringMax = 200
const silentMax = 2_000
const takeOversMax = 200
/** What is not cut off after this stays: the limit for CONNECT is 5 s, and the machine may be busy. */
const closedMsMax = 20_000
/** PUBLISH with a remaining length of 268,435,455 bytes, the most there is. */
const declares256Mib = Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f])
/** Fewer than a listener's backlog. */
const atOnceMax = 100
const connackAccepted = Buffer.from([0x20, 2, 0, 0])

/** A little under the limit for CONNECT, since two clocks measure it. */
const silentMsMin = 4_900
const opened = new Set<net.Socket>()

afterEach(() => {
  for (const socket of opened) socket.destroy()
})

test(`${declaringMax} sockets that declare 256 MiB, ${silentMax} that say nothing and ${takeOversMax} take-overs of one id: each is cut off, and a healthy client misses nothing`, async () => {
  const { platform, healthy, takenSecret } = await startPlatform()
  const declaring = new Crowd(platform)
  const silent = new Crowd(platform)
  const [, , takeOvers] = await Promise.all([
    declaring.open(declaringMax, declares256Mib),
    silent.open(silentMax),
    takeOver(platform, takenSecret),
  ])
  await expect.poll(() => declaring.closed, { timeout: closedMsMax }).toBe(declaringMax)
  await expect.poll(() => silent.closed, { timeout: closedMsMax }).toBe(silentMax)
  const acknowledged = await healthy.stop()
  const ledger = await settledLedger(platform)
  const tooLarge = codesIn(platform.stderr()).filter((code) => code === 'TIDEMARK_PACKET_TOO_LARGE').length
  const counts = { tooLarge, silentToTheLimit: silent.livedAtLeast(silentMsMin), ...takeOvers }
  tellFigures({ ...counts, healthy: acknowledged, ...ledger })
  // One connection at a time has the id: each was accepted, and ended by the next.
  const ended = takeOversMax - 1
  expect(counts).toEqual({
    tooLarge: declaringMax,
    silentToTheLimit: silentMax,
    accepted: takeOversMax,
    ended,
  })
  expect(codesIn(platform.stderr())).toHaveLength(declaringMax)
  expect(acknowledged).toBeGreaterThan(0)
  expect(await storedOf(platform, 'healthy')).toBe(acknowledged)
  expect(ledger).toEqual({ acknowledged, stored: acknowledged, deadLettered: 0, pending: 0 })
  expect(await platform.end('SIGTERM')).toBe(0)
}, 120_000)

test('the same sockets are not cut off where the limit on packets is taken away', async () => {
  const code = 'if (end - start > packetBytesMax)'
  const main = brokenBuild(tempDir(), 'broker/frame-splitter.js', code, 'if (packetBytesMax < 0)')
  const { platform, healthy } = await startPlatform(main)
  const declaring = new Crowd(platform)
  await declaring.open(declaringMax, declares256Mib)
  // Cut off by the limit for CONNECT instead, which says nothing of packets.
  await expect.poll(() => declaring.closed, { timeout: closedMsMax }).toBe(declaringMax)
  expect(declaring.livedAtLeast(silentMsMin)).toBe(declaringMax)
  expect(codesIn(platform.stderr())).toEqual([])
  expect(await healthy.stop()).toBeGreaterThan(0)
}, 60_000)

async function startPlatform(main?: string) {
  const flags = ['--device-rate-max', '0', '--log-level', 'warn']
  const platform = await startPlatformProcess(tempDir(), flags, main)
  onTestFinished(async () => void (await platform.end('SIGKILL')))
  const devices = ['healthy', 'taken'].map((id) => ({ id, type: 'room_sensor' }))
  const credentials = await platform.api.provision(devices)
  const healthy = new HealthyClient(platform, 'healthy', credentials.get('healthy')!.password)
  await healthy.start()
  return { platform, healthy, takenSecret: credentials.get('taken')!.password }
}

/** Connections that wait to be cut off. */
class Crowd {
  readonly #port: number
  readonly #lifetimesMs: number[] = []

  constructor({ mqttUrl }: PlatformProcess) {
    this.#port = Number(new URL(mqttUrl).port)
  }

  get closed(): number {
    return this.#lifetimesMs.length
  }

  /** How many were open for so long before the platform closed them. */
  livedAtLeast(ms: number): number {
    return this.#lifetimesMs.filter((lifetimeMs) => lifetimeMs >= ms).length
  }

  /** Opens `count` of them that send `bytes`; resolves when all are connected. */
  async open(count: number, bytes?: Buffer): Promise<void> {
    for (let left = count; left > 0; left -= atOnceMax)
      await Promise.all(Array.from({ length: Math.min(left, atOnceMax) }, () => this.#openOne(bytes)))
  }

  async #openOne(bytes: Buffer | undefined): Promise<void> {
    const startedAt = performance.now()
    const socket = await connected(this.#port)
    socket.once('close', () => this.#lifetimesMs.push(performance.now() - startedAt))
    socket.resume()
    if (bytes !== undefined) socket.write(bytes)
  }
}

/** Connects with one id again and again, each time with its right secret, and closes none of the connections. */
async function takeOver({ mqttUrl }: PlatformProcess, secret: string) {
  const connect = generate({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    keepalive: 60,
    clientId: 'taken',
    username: 'taken',
    password: Buffer.from(secret),
  })
  let accepted = 0
  let ended = 0
  for (let n = 0; n < takeOversMax; n++) {
    const socket = await connected(Number(new URL(mqttUrl).port))
    socket.once('close', () => ended++)
    const answer = new Promise<Buffer | undefined>((resolve) => {
      socket.once('data', resolve)
      socket.once('close', () => resolve(undefined))
    })
    socket.write(connect)
    if ((await answer)?.equals(connackAccepted)) accepted++
  }
  await expect.poll(() => ended, { timeout: closedMsMax }).toBeGreaterThanOrEqual(takeOversMax - 1)
  return { accepted, ended }
}

/** Ends with the test, if it is not cut off before. */
async function connected(port: number): Promise<net.Socket> {
  const socket = net.connect({ host: '127.0.0.1', port, noDelay: true })
  opened.add(socket)
  socket.once('close', () => opened.delete(socket))
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  // Reset instead of closed where it had sent more than was read.
  socket.on('error', () => undefined)
  return socket
}

/** Codes of the log lines, in order. */
function codesIn(stderr: string): string[] {
  const lines = stderr.split('\n').filter((line) => line !== '')
  return lines.map((line) => (JSON.parse(line) as { code: string }).code)
}
