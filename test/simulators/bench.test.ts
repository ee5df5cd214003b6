import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { freePort } from '../../bench/services/free-port.ts'
import { delay } from '../../lib/clock.ts'
import { type BenchOptions, type BenchReport, bench } from '../../simulators/bench.ts'
import type { LedgerEntry } from '../../simulators/ledger.ts'
import { tempDir } from '../support/temp-dir.ts'
import { type RawBroker, startRawBroker } from './raw-broker.ts'

let broker: RawBroker

beforeEach(async () => {
  broker = await startRawBroker()
})
afterEach(() => broker.close())

const load = (options: Partial<BenchOptions> = {}) =>
  bench({
    url: broker.url,
    devices: 4,
    rate: 1_000,
    durationMs: 500,
    inFlight: 10,
    qos: 1,
    reconnectMsMax: 20,
    signal: new AbortController().signal,
    ...options,
  })

function expectPercentiles({ ackMs, generatorLateMs }: BenchReport) {
  expect(ackMs.p50).toBeGreaterThan(0)
  expect([ackMs.p50, ackMs.p90, ackMs.p99, ackMs.max]).toEqual(
    [ackMs.p50, ackMs.p90, ackMs.p99, ackMs.max].sort((a, b) => a - b),
  )
  expect(generatorLateMs.max).toBeGreaterThanOrEqual(generatorLateMs.p99)
}

describe('open loop', () => {
  test('sends rate times duration messages, evenly over the devices, whatever they take to send', async () => {
    const report = await load()
    expect(report).toMatchObject({ sent: 500, acknowledged: 500, reconnects: 0 })
    expectPercentiles(report)
    const sentBy = (device: string) => broker.publishes.filter(({ client }) => client === device).length
    expect([0, 1, 2, 3].map((i) => sentBy(`bench-${i}`))).toEqual([125, 125, 125, 125])
    expect(broker.disconnects).toHaveLength(4)
    // No faster than asked: the schedule's half second has passed.
    expect(report.seconds).toBeGreaterThan(0.49)
  })

  test('goes on sending while nothing is acknowledged', async () => {
    broker.isAcknowledging = false
    const finished = load()
    await expect.poll(() => broker.publishes.length, { timeout: 10_000 }).toBe(500)
    expect(broker.unacknowledgedPeak).toBe(125)
    broker.isAcknowledging = true
    broker.acknowledge()
    expect(await finished).toMatchObject({ sent: 500, acknowledged: 500 })
  })

  test('latency counts from the time at which a message was due', async () => {
    broker.isAcknowledging = false
    const heldMs = 300
    const finished = load({ rate: 1_000, durationMs: 100 })
    await expect.poll(() => broker.publishes.length).toBe(100)
    await delay(heldMs)
    broker.acknowledge()
    const { ackMs } = await finished
    // The first was due 100 ms before the last; a histogram of three digits rounds.
    expect(ackMs.p50).toBeGreaterThan(heldMs)
    expect(ackMs.max).toBeGreaterThan(heldMs + 50)
  })

  test('a generator that was held up says so, and does not make its messages look quick', async () => {
    let isHeldUp = false
    const { ackMs, generatorLateMs, sent } = await load({
      onProgress: () => {
        if (isHeldUp) return
        isHeldUp = true
        const until = performance.now() + 200
        while (performance.now() < until);
      },
    })
    expect(sent).toBe(500)
    expect(generatorLateMs.max).toBeGreaterThan(150)
    expect(ackMs.max).toBeGreaterThan(150)
  })

  test('every message has five values, its own time and the next number of its device', async () => {
    await load({ devices: 1, messagesMax: 20 })
    const messages = broker.publishes.map(({ payload }) => JSON.parse(payload))
    expect(messages.map(({ seq }) => seq)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
    expect(new Set(messages.map(({ ts }) => ts)).size).toBe(20)
    expect(Object.values(messages[4].values)).toEqual([1234.5, 230.1, 5.37, 50.01, 5])
  })

  test('--messages ends it sooner', async () => {
    expect(await load({ durationMs: 60_000, messagesMax: 40 })).toMatchObject({ sent: 40, acknowledged: 40 })
  })

  test('at QoS 0 it sends as many and waits for nothing', async () => {
    const report = await load({ qos: 0 })
    expect(report).toMatchObject({ sent: 500, acknowledged: 500 })
    await expect.poll(() => broker.publishes.length).toBe(500)
    expect(broker.publishes.every(({ qos }) => qos === 0)).toBe(true)
  })

  test('a connection that is lost comes back, and everything is acknowledged in the end', async () => {
    broker.isAcknowledging = false
    const finished = load({ durationMs: 300 })
    await expect.poll(() => broker.publishes.length).toBeGreaterThan(50)
    broker.isAcknowledging = true
    broker.cut()
    expect(await finished).toMatchObject({ sent: 300, acknowledged: 300, reconnects: 4 })
    expect(new Set(broker.publishes.map(({ payload, client }) => client + payload)).size).toBe(300)
  })
})

describe('closed loop', () => {
  const rate = Number.POSITIVE_INFINITY

  test('keeps its window full, and never more than that in flight', async () => {
    broker.isAcknowledging = false
    const finished = load({ rate, messagesMax: 400, durationMs: 60_000 })
    await expect.poll(() => broker.publishes.length).toBe(40)
    // An acknowledgement of half a window makes room for as many.
    broker.acknowledge(20)
    await expect.poll(() => broker.publishes.length).toBeGreaterThan(40)
    broker.isAcknowledging = true
    broker.acknowledge()
    const report = await finished
    expect(report).toMatchObject({ sent: 400, acknowledged: 400 })
    expectPercentiles(report)
    expect(broker.unacknowledgedPeak).toBe(10)
  })

  test('ends when its time is over, with everything acknowledged', async () => {
    const report = await load({ rate, durationMs: 200 })
    expect(report.sent).toBeGreaterThan(40)
    expect(report.acknowledged).toBe(report.sent)
  })

  test.each([
    ['at QoS 0, where no window closes', { qos: 0 as const }],
    ['with a window of more than the packet identifiers', { inFlight: 65_536 }],
  ])('is refused %s', async (_case, options) => {
    await expect(load({ rate, ...options })).rejects.toMatchObject({
      code: 'TIDEMARK_BENCH_INVALID',
      exitCode: 2,
    })
    expect(broker.connects).toHaveLength(0)
  })
})

test('the ledger has a line for each acknowledged message, and none for one that is not', async () => {
  broker.isAcknowledging = false
  const ledger = join(tempDir(), 'ledger.ndjson')
  const interruption = new AbortController()
  const finished = load({ devices: 1, ledger, messagesMax: 30, signal: interruption.signal })
  await expect.poll(() => broker.publishes.length).toBe(30)
  broker.acknowledge(12)
  interruption.abort()
  expect(await finished).toMatchObject({ sent: 30, acknowledged: 12 })
  const entries = readFileSync(ledger, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as LedgerEntry)
  const sent = broker.publishes.slice(0, 12).map(({ payload }) => JSON.parse(payload))
  expect(entries.map(({ seq, ts, values }) => ({ ts, seq, values }))).toEqual(sent)
  for (const { device, sentAt, ackedAt } of entries) {
    expect(device).toBe('bench-0')
    expect(ackedAt).toBeGreaterThanOrEqual(sentAt)
  }
})

test('interrupted, it sends no more but takes the acknowledgements that are on their way', async () => {
  broker.isAcknowledging = false
  const interruption = new AbortController()
  const finished = load({ durationMs: 60_000, signal: interruption.signal })
  await expect.poll(() => broker.publishes.length).toBeGreaterThan(20)
  interruption.abort()
  // Long enough for a bench that waits for nothing to have hung up.
  await delay(50)
  broker.isAcknowledging = true
  broker.acknowledge()
  const { sent, acknowledged } = await finished
  expect(sent).toBeLessThan(60_000)
  expect(acknowledged).toBe(sent)
})

test('a broker that is not there, or refuses: exit code 3, and no connection is left', async () => {
  const url = `mqtt://127.0.0.1:${await freePort()}`
  await expect(load({ url })).rejects.toMatchObject({ code: 'TIDEMARK_MQTT_UNREACHABLE', exitCode: 3 })
  broker.connack = 5
  await expect(load()).rejects.toMatchObject({ code: 'TIDEMARK_MQTT_REFUSED', exitCode: 3 })
})
