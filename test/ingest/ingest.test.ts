import { expect, onTestFinished, test, vi } from 'vitest'
import type { DeadLetter } from '../../domain/dead-letter.ts'
import type { DeviceRecord } from '../../domain/device.ts'
import type { Profile } from '../../domain/profile.ts'
import { readingsOf } from '../../domain/reading-batch.ts'
import { Ingest } from '../../ingest/ingest.ts'
import { TidemarkError } from '../../lib/errors.ts'
import { silentLogger } from '../../lib/logger.ts'
import { encodedMessageBytes, encodeIngressGroup, topicCodes } from '../../log/ingress-codec.ts'
import { type LmdbLog, openLmdbLog } from '../../log/lmdb-log.ts'
import { consumers, type Log } from '../../log/log.ts'
import { decodeReadingBatch } from '../../log/reading-batch-codec.ts'
import { tempDir } from '../support/temp-dir.ts'

const receivedAt = Date.UTC(2026, 10, 23, 12)
const everything = { entriesMax: 100_000, bytesMax: 100_000_000 }
const device = (id: string, type = 'generic'): DeviceRecord => ({
  id,
  type,
  labels: {},
  createdAt: '2026-01-01T00:00:00Z',
  secretHash: '',
})

async function newLog(): Promise<LmdbLog> {
  const log = await openLmdbLog({ path: tempDir() })
  onTestFinished(() => log.close())
  await log.transaction((tx) => {
    for (const id of ['a', 'b']) tx.put('devices', id, device(id))
    tx.put('devices', 'odd', device('odd', 'no_such_type'))
  })
  return log
}

type Message = readonly [device: string, payload: unknown]

async function append(log: LmdbLog, messages: readonly Message[], at = receivedAt): Promise<void> {
  const group = messages.map(([id, payload]) => ({
    device: id,
    topic: topicCodes.telemetry,
    payload: Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)),
  }))
  const bytes = group.reduce((sum, { device: id, payload }) => sum + encodedMessageBytes(id, payload), 0)
  await log.appendIngress(encodeIngressGroup(at, group, bytes), group.length)
}

/** Runs a new Ingest, as after a restart, until it has read everything. */
async function ingestAll(log: LmdbLog): Promise<void> {
  const ingest = new Ingest({ log, logger: silentLogger })
  ingest.start()
  await allIngested(log)
  await ingest.stop()
}

const allIngested = (log: LmdbLog) =>
  vi.waitFor(() => expect(log.offset(consumers.ingest)).toBe(log.end('ingress')), { timeout: 10_000 })

const readingsIn = (log: LmdbLog) =>
  log
    .read('readings', 0, everything)
    .flatMap(({ value }) => [...readingsOf(decodeReadingBatch(value))])
    .map(({ device: id, time, values }) => ({ id, time: time - receivedAt, values }))
const lettersIn = (log: LmdbLog) =>
  log.read('dead-letters', 0, everything).map(({ value }) => JSON.parse(value.toString()) as DeadLetter)

const groups: readonly (readonly Message[])[] = [
  [
    ['a', { v: 1 }],
    ['a', { v: 2 }],
    ['b', { v: 1.5, on: true }],
  ],
  [
    ['a', { v: 'text' }],
    ['b', 'no json'],
    ['a', { v: 3 }],
  ],
  [
    ['gone', { v: 1 }],
    ['odd', { v: 1 }],
    ['b', [{ v: 1 }, { note: 'x' }]],
  ],
  [
    ['a', { note: 5 }],
    ['a', { v: 4 }],
  ],
]

test('a restart after any group gives the same readings and dead letters as one run', async () => {
  const [once, restarted] = [await newLog(), await newLog()]
  for (const group of groups) await append(once, group)
  await ingestAll(once)
  for (const group of groups) {
    await append(restarted, group)
    await ingestAll(restarted)
  }
  expect(readingsIn(restarted)).toEqual(readingsIn(once))
  expect(lettersIn(restarted)).toEqual(lettersIn(once))
  expect(readingsIn(once).filter(({ id }) => id === 'a')).toEqual([
    { id: 'a', time: 0, values: { v: 1 } },
    { id: 'a', time: 1, values: { v: 2 } },
    { id: 'a', time: 2, values: { v: 3 } },
    { id: 'a', time: 3, values: { v: 4 } },
  ])
  expect(lettersIn(once).map(({ device: id, reason, stage }) => [id, reason, stage])).toEqual([
    ['a', 'value.wrong_type', 'validate'],
    ['b', 'payload.not_json', 'decode'],
    ['gone', 'device.unknown_type', 'validate'],
    ['odd', 'device.unknown_type', 'validate'],
    ['a', 'value.wrong_type', 'validate'],
  ])
})

test('what the log refuses of a group is in the next run, wherever it refused', async () => {
  for (const taken of [0, 1, 2, 3]) {
    const log = await newLog()
    for (const group of groups) await append(log, group)
    const refusing = refusingAfter(log, taken)
    const cutOff = new Ingest({ log: refusing.log, logger: silentLogger })
    cutOff.start()
    await Promise.race([refusing.refused, allIngested(log)])
    await cutOff.stop()
    await ingestAll(log)
    const whole = await newLog()
    for (const group of groups) await append(whole, group)
    await ingestAll(whole)
    expect(readingsIn(log)).toEqual(readingsIn(whole))
    expect(lettersIn(log)).toEqual(lettersIn(whole))
  }
})

/** A log that takes so many transactions, and refuses all that follow, as a disk does that fails. */
function refusingAfter(log: LmdbLog, taken: number): { readonly log: Log; readonly refused: Promise<void> } {
  let left = taken
  let onRefused: () => void = () => undefined
  const refused = new Promise<void>((resolve) => {
    onRefused = resolve
  })
  const transaction: Log['transaction'] = async (work) => {
    if (left-- > 0) return log.transaction(work)
    onRefused()
    throw new TidemarkError('TIDEMARK_LOG_WRITE', 'refused')
  }
  const refusing = new Proxy(log, {
    get: (target, key) => {
      if (key === 'transaction') return transaction
      const member: unknown = Reflect.get(target, key)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
  return { log: refusing, refused }
}

test('a dead letter holds the message whole, as text or, where it is none, as base64', async () => {
  const log = await newLog()
  const binary = Buffer.from([0xff, 0x00, 0x7b])
  await append(log, [['a', '{"v": 1e999 }']])
  await log.appendIngress(
    encodeIngressGroup(
      receivedAt,
      [{ device: 'a', topic: topicCodes.ownTelemetry, payload: binary }],
      encodedMessageBytes('a', binary),
    ),
    1,
  )
  await ingestAll(log)
  expect(lettersIn(log)).toMatchObject([
    { topic: 'devices/a/telemetry', payload: '{"v": 1e999 }', encoding: 'utf8', reason: 'value.not_finite' },
    { topic: 'v1/devices/me/telemetry', payload: binary.toString('base64'), encoding: 'base64' },
  ])
})

test('an edited profile and a new device are seen with the next group', async () => {
  const log = await newLog()
  const ingest = new Ingest({ log, logger: silentLogger })
  ingest.start()
  onTestFinished(() => ingest.stop())
  const done = () =>
    vi.waitFor(() => expect(log.offset(consumers.ingest)).toBe(log.end('ingress')), { timeout: 10_000 })
  const profile: Profile = { type: 'no_such_type', strict: true, tags: [], metrics: { v: { kind: 'gauge' } } }
  await append(log, [['odd', { v: 1 }]])
  await done()
  await log.transaction((tx) => tx.put('profiles', profile.type, profile))
  await append(log, [
    ['odd', { v: 2 }],
    ['odd', { w: 2 }],
  ])
  await done()
  await log.transaction((tx) => {
    tx.put('profiles', profile.type, {
      ...profile,
      metrics: { ...profile.metrics, w: { kind: 'gauge', max: 1 } },
    })
    tx.put('devices', 'new', device('new'))
  })
  await append(log, [
    ['odd', { w: 1 }],
    ['odd', { w: 2 }],
    ['new', { v: 1 }],
  ])
  await done()
  expect(readingsIn(log).map(({ id, values }) => [id, values])).toEqual([
    ['odd', { v: 2 }],
    ['odd', { w: 1 }],
    ['new', { v: 1 }],
  ])
  expect(lettersIn(log).map(({ reason }) => reason)).toEqual([
    'device.unknown_type',
    'metric.bad_name',
    'value.out_of_range',
  ])
})
