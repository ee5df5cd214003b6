import net from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { startInfluxd } from '../../bench/services/influxd.ts'
import { delay } from '../../lib/clock.ts'
import { brokenBuild } from '../support/broken-build.ts'
import { tellFigures } from '../support/figures.ts'
import { HealthyClient, healthyTimeOf, p99, settledLedger, storedOf } from '../support/healthy-client.ts'
import { type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import { anonymousMib, cpuSeconds } from '../support/process-figures.ts'
import { judgesFigures, newSeed, sizeOf } from '../support/promises.ts'
import { tempDir } from '../support/temp-dir.ts'
import { Choices, FrameMutator, type FrameSubject } from './mutated-frames.ts'

/** R5: malformed MQTT brings nothing down and disturbs nobody. The same seed makes the same frames, but for the secrets in them. */
const framesMax = sizeOf('TIDEMARK_FUZZ_FRAMES')
const seed = newSeed()
const lanes = 16
/** Few, because what follows the frame for which a connection is closed is not looked at. */
const framesPerConnectionMax = 16
const strangers = 400
const warmingFramesMax = 200_000
/** Of the healthy client, 99 of 100. */
const roundTripMsMax = 50
const grownMibMax = 32
/** A connection that its client has ended and that is still there after this hangs. */
const closeMsMax = 15_000
const pongMsMax = 50
const connack = Buffer.from([0x20, 2, 0, 0])
/** Of the last message of the prologue. */
const puback = Buffer.from([0x40, 2, 0, 3])
const pingreq = Buffer.from([0xc0, 0])
const pingresp = Buffer.from([0xd0, 0])

test(
  `${framesMax} mutated frames before and after CONNECT: the platform goes on, and a healthy client misses nothing`,
  async () => {
    process.stdout.write(`TIDEMARK_FUZZ_SEED=${seed}\n`)
    const platform = await startPlatform(judgesFigures ? await influxFlags() : [])
    const { sent, connections, opened, healthy, figures } = await attack(platform, framesMax)
    const ledger = await settledLedger(platform)
    tellFigures({ seed, sent, connections, opened: sum(opened), healthy, ...ledger, ...figures })
    expect(sent).toBe(framesMax)
    expect(healthy).toBeGreaterThan(0)
    expect(await storedOf(platform, 'healthy')).toBe(healthy)
    const stored = await Promise.all(opened.map((_, lane) => storedOf(platform, `device-${lane}`)))
    expect(stored).toEqual(opened)
    expect(ledger.acknowledged).toBe(ledger.stored + ledger.deadLettered)
    // The attack reached every part: messages of it are stored, and others among the dead letters.
    expect(ledger.stored).toBeGreaterThan(healthy + 2 * sum(opened))
    expect(ledger.deadLettered).toBeGreaterThan(0)
    expect(platform.stderr()).toBe('')
    expect(await platform.end('SIGTERM')).toBe(0)
    if (!judgesFigures) return
    expect(figures.p99Ms).toBeLessThanOrEqual(roundTripMsMax)
    expect(figures.grownMib).toBeLessThanOrEqual(grownMibMax)
  },
  Math.max(180_000, framesMax * 2),
)

test('the same check reports a broker that a malformed frame brings down', async () => {
  const dir = tempDir()
  const main = brokenBuild(
    dir,
    'broker/frame-splitter.js',
    'return malformed;',
    "throw new Error('malformed');",
  )
  const platform = await startPlatform([], main)
  await expect(attack(platform, 20_000)).rejects.toThrow()
  expect(platform.stderr()).toContain('malformed')
}, 60_000)

/** A database of its own where memory is judged: the embedded one's grows with what it has stored, to a limit of its own. */
async function influxFlags(): Promise<string[]> {
  const influxd = await startInfluxd()
  onTestFinished(() => influxd.remove())
  return ['--store', 'influxdb', '--influx-url', influxd.url]
}

async function startPlatform(store: readonly string[], main?: string): Promise<PlatformProcess> {
  const flags = ['--device-rate-max', '0', '--log-level', 'error', ...store]
  const platform = await startPlatformProcess(tempDir(), flags, main)
  onTestFinished(async () => void (await platform.end('SIGKILL')))
  return platform
}

/** Sends `frames` mutated frames over some connections at once, beside a healthy client. */
async function attack(platform: PlatformProcess, frames: number) {
  const id = (kind: string, n: number) => `${kind}-${n}`
  const ids = [
    'healthy',
    ...Array.from({ length: lanes }, (_, n) => id('device', n)),
    ...Array.from({ length: strangers }, (_, n) => id('stranger', n)),
  ]
  const credentials = await platform.api.provision(ids.map((own) => ({ id: own, type: 'room_sensor' })))
  const subject = (own: string): FrameSubject => ({ id: own, secret: credentials.get(own)!.password })

  /** Once every part has worked for a while: what a process takes to come to its size is no growth. */
  let warm: { readonly memoryMib: number; readonly roundTrips: number } | undefined
  const healthy = new HealthyClient(platform, 'healthy', subject('healthy').secret)
  await healthy.start()
  const totals = { sent: 0, connections: 0 }
  /** Connections that each lane opened, with one acknowledged message each. */
  const opened = Array.from({ length: lanes }, () => 0)
  let taken = 0
  const runLane = async (lane: number) => {
    const choices = new Choices(seed + lane * 7_919)
    const mutator = new FrameMutator(choices)
    while (!healthy.hasFailed) {
      const count = Math.min(1 + choices.below(framesPerConnectionMax), frames - taken)
      if (count <= 0) return
      taken += count
      // Half of them are connected devices; of the others many become one by a CONNECT among their frames.
      const opens = choices.once(2)
      const own = subject(opens ? id('device', lane) : id('stranger', choices.below(strangers)))
      const batch = Array.from({ length: count }, () => mutator.frame(own))
      const pieces = cut(Buffer.concat(batch), choices)
      const opening = opens
        ? { connect: mutator.connect(own), prologue: mutator.prologue(own, healthyTimeOf(opened[lane]!++)) }
        : undefined
      const result = await send(platform, batch, pieces, opening)
      // What a closed connection did not take goes again over another one.
      taken -= count - result.sent
      totals.sent += result.sent
      totals.connections++
      if (totals.sent >= Math.min(warmingFramesMax, frames / 2))
        warm ??= { memoryMib: anonymousMib(platform.pid), roundTrips: healthy.roundTripsMs.length }
    }
  }
  const startedAt = performance.now()
  const [ownCpu, platformCpu] = [process.cpuUsage(), cpuSeconds(platform.pid)]
  const ended = await Promise.allSettled(Array.from({ length: lanes }, (_, lane) => runLane(lane)))
  const seconds = (performance.now() - startedAt) / 1_000
  const { user, system } = process.cpuUsage(ownCpu)
  const speed = {
    framesPerSecond: Math.round(totals.sent / seconds),
    attackerCpuSeconds: Math.round((user + system) / 1e5) / 10,
    platformCpuSeconds: Math.round(10 * (cpuSeconds(platform.pid) - platformCpu)) / 10,
  }
  const acknowledged = await healthy.stop()
  for (const lane of ended) if (lane.status === 'rejected') throw lane.reason
  const figures = {
    ...speed,
    p99Ms: p99(healthy.roundTripsMs.slice(warm?.roundTrips)),
    grownMib: anonymousMib(platform.pid) - (warm?.memoryMib ?? 0),
  }
  return { ...totals, opened, healthy: acknowledged, figures }
}

/**
 * One connection: where wanted a CONNECT and a prologue with an acknowledged message, then the frames, cut into random
 * pieces. Resolves when the platform has closed it.
 */
async function send(
  { mqttUrl }: PlatformProcess,
  frames: readonly Buffer[],
  pieces: readonly Buffer[],
  opening: { connect: Buffer; prologue: Buffer } | undefined,
): Promise<{ sent: number }> {
  const { hostname, port } = new URL(mqttUrl)
  const socket = net.connect({ host: hostname, port: Number(port), noDelay: true })
  let failure: Error | undefined
  socket.on('error', (error: NodeJS.ErrnoException) => {
    // The platform may close at any byte.
    if (error.code !== 'EPIPE' && error.code !== 'ECONNRESET') failure = error
  })
  const hangs = setTimeout(() => socket.destroy(new Error('the platform does not close it')), closeMsMax)
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.resume()
  try {
    if (opening !== undefined) {
      await answered(socket, closed, opening.connect, connack)
      await answered(socket, closed, opening.prologue, puback)
    }
    const written = await writePieces(socket, pieces)
    if (opening !== undefined && !socket.destroyed)
      await Promise.race([
        answered(socket, closed, pingreq, pingresp).catch(() => undefined),
        delay(pongMsMax),
      ])
    socket.end()
    await closed
    if (failure !== undefined) throw failure
    let sent = 0
    for (let end = 0; sent < frames.length; sent++) {
      end += frames[sent]!.length
      if (end > written) break
    }
    return { sent }
  } finally {
    clearTimeout(hangs)
    socket.destroy()
  }
}

/** `bytes` in random pieces, which the platform most often reads one by one. */
function cut(bytes: Buffer, choices: Choices): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = choices.once(3) ? at + 1 + choices.below(40) : bytes.length
    pieces.push(bytes.subarray(at, end))
    at = end
  }
  return pieces
}

/** Writes the pieces until the connection closes; returns how many bytes of them were written. */
async function writePieces(socket: net.Socket, pieces: readonly Buffer[]): Promise<number> {
  let written = 0
  for (const piece of pieces) {
    if (socket.destroyed) break
    const isWritten = await new Promise((resolve) => socket.write(piece, (error) => resolve(error == null)))
    if (!isWritten) break
    written += piece.length
  }
  return written
}

/** Writes `bytes` and resolves when `answer` comes; rejects when the connection closes before. */
function answered(socket: net.Socket, closed: Promise<void>, bytes: Buffer, answer: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0)
    const onData = (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      if (!received.includes(answer)) return
      socket.off('data', onData)
      resolve()
    }
    socket.on('data', onData)
    void closed.then(() => reject(new Error(`closed before ${answer.toString('hex')} came`)))
    socket.write(bytes)
  })
}

const sum = (counts: readonly number[]) => counts.reduce((total, n) => total + n, 0)
