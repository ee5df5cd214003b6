import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import type { DeadLetter } from '../../domain/dead-letter.ts'
import type { DeviceRecord } from '../../domain/device.ts'
import type { Value } from '../../domain/profile.ts'
import { readingsOf } from '../../domain/reading-batch.ts'
import { Ingest } from '../../ingest/ingest.ts'
import { silentLogger } from '../../lib/logger.ts'
import { encodedMessageBytes, encodeIngressGroup, type TopicCode } from '../../log/ingress-codec.ts'
import { openLmdbLog } from '../../log/lmdb-log.ts'
import { consumers, type Log } from '../../log/log.ts'
import { decodeReadingBatch } from '../../log/reading-batch-codec.ts'
import { tellFigures } from '../support/figures.ts'
import { pages } from '../support/pages.ts'
import { type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import { newSeed, sizeOf } from '../support/promises.ts'
import { publishAll } from '../support/publish-all.ts'
import { tempDir } from '../support/temp-dir.ts'
import { hostilePayload, profile } from './hostile-payloads.ts'
import { PayloadOracle } from './payload-oracle.ts'

/** R6 through the real parts: everything acknowledged is stored as it was sent, or dead-lettered whole with a reason. */
const messagesMax = sizeOf('TIDEMARK_FUZZ_MESSAGES')
const seed = newSeed()
const hourMs = 3_600_000
const all = { entriesMax: 1e9, bytesMax: 1e9 }

/** Two of them are names that a plain object has by itself. */
const devices = ['room-1', 'constructor', 'toString']

interface Message {
  readonly device: string
  readonly topic: TopicCode
  readonly payload: Buffer
}

function hostileMessages(): Message[] {
  tellFigures({ seed, messages: messagesMax })
  const message = fc.record({
    device: fc.constantFrom(...devices),
    topic: fc.constantFrom<TopicCode>(0, 1),
    payload: hostilePayload.map((bytes) => Buffer.from(bytes)),
  })
  return fc.sample(message, { numRuns: messagesMax, seed })
}

test(
  `${messagesMax} hostile messages from the log through ingest, stopped and started again: readings and dead letters are the oracle's`,
  async () => {
    const log = await openLmdbLog({ path: tempDir() })
    onTestFinished(() => log.close())
    await log.transaction((tx) => {
      tx.put('profiles', profile.type, profile)
      for (const id of devices) tx.put('devices', id, deviceRecord(id))
    })
    const messages = hostileMessages()
    const expected = new Expected()
    let receivedAt = 1_760_000_000_000
    for (let at = 0, n = 0; at < messages.length; n++) {
      const group = messages.slice(at, at + 1 + ((n * 37) % 60))
      const bytes = group.reduce((sum, { device, payload }) => sum + encodedMessageBytes(device, payload), 0)
      await log.appendIngress(encodeIngressGroup(receivedAt, group, bytes), group.length)
      for (const message of group) expected.add(message, receivedAt)
      at += group.length
      // Every third group comes in the same millisecond as the one before it.
      if (n % 3 > 0) receivedAt += 20
      if (n % 25 === 24 || at === messages.length) await ingestAll(log)
    }
    const points = new Map<string, Value>()
    for (const { value } of log.read('readings', 0, all)) {
      for (const { device, time, values } of readingsOf(decodeReadingBatch(value))) {
        for (const [metric, own] of Object.entries(values)) points.set(`${device} ${time} ${metric}`, own)
      }
    }
    expect(points).toEqual(expected.points)
    const letters = log.read('dead-letters', 0, all).map(({ value }) => JSON.parse(value.toString()))
    expected.compareLetters(letters)
    expect(log.end('readings') + letters.length).toBe(messages.length)
  },
  Math.max(60_000, messagesMax * 12),
)

test(`${messagesMax} hostile messages published to a running platform: each is in the database or among the dead letters`, async () => {
  const platform = await startPlatformProcess(tempDir(), ['--device-rate-max', '0', '--log-level', 'error'])
  onTestFinished(async () => void (await platform.end('SIGKILL')))
  await platform.api.request('PUT', `/profiles/${profile.type}`, profile)
  const credentials = await platform.api.provision(devices.map((id) => ({ id, type: profile.type })))
  const messages = hostileMessages()
  const startedAt = Date.now()
  for (const device of devices) {
    const own = messages.filter((message) => message.device === device).map(({ payload }) => payload)
    await publishAll(platform, device, credentials.get(device)?.password, own)
  }
  const ledger = await settled(platform)
  const expected = new Expected()
  for (const device of devices) {
    // As they were published, one device after the other; times received are not known here.
    for (const message of messages) {
      if (message.device === device) expected.add({ ...message, topic: 0 }, startedAt)
    }
  }
  for (const device of devices) {
    const stored = await pages<StoredReading>(platform, `/readings?device=${device}`)
    compareReadings(stored, expected.readingsOf(device, startedAt + hourMs), startedAt)
  }
  const letters = await pages<DeadLetter>(platform, '/dead-letters?')
  expected.compareLetters(letters)
  expect(ledger).toMatchObject({ acknowledged: messages.length, deadLettered: letters.length, pending: 0 })
  expect(ledger.stored).toBe(messages.length - letters.length)
  expect(platform.stderr()).toBe('')
}, 120_000)

/** What the contract makes of messages, in the order in which they were received. */
class Expected {
  /** Value of each point, by device, time and metric. */
  readonly points = new Map<string, Value>()
  readonly #oracle = new PayloadOracle(profile)
  readonly #lastReceived = new Map<string, number>()
  readonly #letters: (Message & { readonly receivedAt: number; readonly reasons: ReadonlySet<string> })[] = []

  add(message: Message, receivedAt: number): void {
    const { device, payload } = message
    const { reasons, readings } = this.#oracle.judge(payload)
    if (reasons.size > 0) this.#letters.push({ ...message, receivedAt, reasons })
    for (const { ts, values } of readings) {
      // No two readings without `ts` share a millisecond.
      const received = Math.max(receivedAt, (this.#lastReceived.get(device) ?? 0) + 1)
      if (ts === undefined) this.#lastReceived.set(device, received)
      for (const [metric, value] of values) this.points.set(`${device} ${ts ?? received} ${metric}`, value)
    }
  }

  /** As HTTP shows them, by time; those after `now` are of the future. */
  readingsOf(device: string, now: number): StoredReading[] {
    const byTime = new Map<number, Record<string, Value>>()
    for (const [point, value] of this.points) {
      const [owner, time, metric] = point.split(' ')
      if (owner !== device) continue
      const values = byTime.get(Number(time)) ?? (Number(time) > now ? { quality: 'future' } : {})
      // JSON has no −0.
      values[metric!] = value === 0 ? 0 : value
      byTime.set(Number(time), values)
    }
    return [...byTime]
      .sort(([a], [b]) => a - b)
      .map(([time, values]) => ({ time: new Date(time).toISOString().replace('.000Z', 'Z'), values }))
  }

  compareLetters(letters: readonly DeadLetter[]): void {
    expect(letters).toHaveLength(this.#letters.length)
    this.#letters.forEach(({ device, topic, payload, reasons }, i) => {
      const letter = letters[i]!
      const bytes = Buffer.from(letter.payload, letter.encoding)
      const decoding = letter.reason.startsWith('payload.') || letter.reason === 'ts.invalid'
      const found = {
        device: letter.device,
        topic: letter.topic,
        stage: letter.stage,
        isWhole: bytes.equals(payload),
        isReason: reasons.has(letter.reason) || [...reasons],
      }
      expect(found).toEqual({
        device,
        topic: topic === 0 ? `devices/${device}/telemetry` : 'v1/devices/me/telemetry',
        stage: decoding ? 'decode' : 'validate',
        isWhole: true,
        isReason: true,
      })
      expect(letter.detail).not.toBe('')
    })
  }
}

interface StoredReading {
  readonly time: string
  readonly values: Record<string, Value>
}

interface Ledger {
  readonly acknowledged: number
  readonly stored: number
  readonly deadLettered: number
  readonly pending: number
}

/** Readings with `ts` are at their time; the others in their order, at times that only the platform knows. */
function compareReadings(
  stored: readonly StoredReading[],
  wanted: readonly StoredReading[],
  startedAt: number,
): void {
  const isTimed = ({ time }: StoredReading) => Math.abs(Date.parse(time) - startedAt) > hourMs
  const untimed = (readings: readonly StoredReading[]) =>
    readings.filter((reading) => !isTimed(reading)).map(({ values }) => values)
  expect(stored.filter(isTimed)).toEqual(wanted.filter(isTimed))
  expect(untimed(stored)).toEqual(untimed(wanted))
}

function deviceRecord(id: string): DeviceRecord {
  return { id, type: profile.type, labels: {}, createdAt: '2026-01-01T00:00:00Z', secretHash: '' }
}

/** Runs ingest, as if just started, until it has read everything. */
async function ingestAll(log: Log): Promise<void> {
  const ingest = new Ingest({ log, logger: silentLogger })
  ingest.start()
  await expect.poll(() => log.offset(consumers.ingest), { timeout: 20_000 }).toBe(log.end('ingress'))
  await ingest.stop()
}

async function settled({ api }: PlatformProcess): Promise<Ledger> {
  const messages = async () => (await api.request<{ messages: Ledger }>('GET', '/stats')).messages
  await expect.poll(async () => (await messages()).pending, { timeout: 30_000 }).toBe(0)
  return messages()
}
