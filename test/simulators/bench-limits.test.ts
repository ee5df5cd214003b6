import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type BenchOptions, bench } from '../../simulators/bench.ts'
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
    durationMs: 300,
    inFlight: 10,
    qos: 1,
    reconnectMsMax: 20,
    signal: new AbortController().signal,
    ...options,
  })

function blockFor(ms: number) {
  const until = performance.now() + ms
  while (performance.now() < until);
}

describe('the report says who was the limit', () => {
  const rate = Number.POSITIVE_INFINITY

  test('without a schedule the broker, when the generator waits for its acknowledgements', async () => {
    broker.isAcknowledging = false
    const interruption = new AbortController()
    const finished = load({ rate, durationMs: 60_000, signal: interruption.signal })
    // Each time the windows are full, and only then, the broker answers.
    for (let filled = 40; filled <= 200; filled += 40) {
      await expect.poll(() => broker.publishes.length).toBe(filled)
      broker.acknowledge()
    }
    await expect.poll(() => broker.publishes.length).toBe(240)
    interruption.abort()
    broker.acknowledge()
    const { boundBy, generatorBusy, acknowledged } = await finished
    expect({ boundBy, acknowledged }).toEqual({ boundBy: 'broker', acknowledged: 240 })
    expect(generatorBusy).toBeGreaterThan(0)
    expect(generatorBusy).toBeLessThan(0.95)
  })

  test('without a schedule the generator, when it has no time to wait', async () => {
    const { boundBy, generatorBusy } = await load({ rate, onProgress: () => blockFor(100) })
    expect(boundBy).toBe('generator')
    expect(generatorBusy).toBeGreaterThanOrEqual(0.95)
  })

  test('on a schedule the generator, when it was late', async () => {
    expect((await load({ onProgress: () => blockFor(50) })).boundBy).toBe('generator')
  })

  test('on a schedule the broker, when it did not acknowledge', async () => {
    broker.isAcknowledging = false
    const interruption = new AbortController()
    const finished = load({ rate: 100, messagesMax: 30, signal: interruption.signal })
    await expect.poll(() => broker.publishes.length).toBe(30)
    interruption.abort()
    const { boundBy, generatorLateMs } = await finished
    // A machine that is busy with other things may hold up the generator too.
    expect(boundBy).toBe(generatorLateMs.p99 > 10 ? 'generator' : 'broker')
  })

  test('nobody, when both kept to it', async () => {
    const { boundBy, generatorLateMs, acknowledged } = await load({ rate: 100, kneeMs: 10_000 })
    expect(acknowledged).toBe(30)
    expect(boundBy).toBe(generatorLateMs.p99 > 10 ? 'generator' : 'schedule')
  })
})

describe('steps of rate', () => {
  test('each is sent in turn over the same connections, and the report lists them', async () => {
    const report = await load({ steps: [200, 400], stepDurationMs: 250, kneeMs: 10_000 })
    expect(report.steps?.map(({ rate, sent, holds }) => ({ rate, sent, holds }))).toEqual([
      { rate: 200, sent: 50, holds: true },
      { rate: 400, sent: 100, holds: true },
    ])
    expect(report).toMatchObject({ sent: 150, acknowledged: 150, knee: 400 })
    expect(broker.connects).toHaveLength(4)
    for (const { acknowledgedRate, rate } of report.steps!) {
      expect(acknowledgedRate).toBeGreaterThan(0)
      expect(acknowledgedRate).toBeLessThanOrEqual(rate)
    }
  })

  test('one whose messages waited too long does not hold, though all were acknowledged with it', async () => {
    broker.isAcknowledging = false
    const finished = load({ steps: [40], stepDurationMs: 1_000, kneeMs: 500 })
    // The first was due 975 ms before the last, so that it waited longer than 500.
    await expect.poll(() => broker.publishes.length, { interval: 5, timeout: 10_000 }).toBe(40)
    broker.acknowledge()
    const report = await finished
    expect(report).toMatchObject({ sent: 40, acknowledged: 40, knee: null })
    expect(report.steps).toMatchObject([{ rate: 40, holds: false }])
  })

  test('one that the broker leaves unanswered ends before its time, with so much in flight and no more', async () => {
    broker.isAcknowledging = false
    const finished = load({ steps: [50_000], stepDurationMs: 600_000, kneeMs: 1 })
    // Its bound is 2,000 messages, and one turn may send as many again.
    await expect.poll(() => broker.publishes.length, { timeout: 10_000 }).toBeGreaterThan(2_000)
    broker.isAcknowledging = true
    broker.acknowledge()
    const { steps, sent, acknowledged } = await finished
    expect(steps).toMatchObject([{ holds: false }])
    expect(sent).toBeLessThanOrEqual(4_000)
    expect(acknowledged).toBe(sent)
  })

  test('the search for the knee ends with the interruption, and reports what it tried', async () => {
    const interruption = new AbortController()
    const finished = load({ steps: 'knee', stepDurationMs: 60_000, signal: interruption.signal })
    await expect.poll(() => broker.publishes.length).toBeGreaterThan(10)
    interruption.abort()
    const { steps, knee, sent, acknowledged } = await finished
    expect({ steps, knee }).toEqual({ steps: [], knee: null })
    expect(sent).toBeGreaterThan(10)
    expect(acknowledged).toBe(sent)
  })

  test('are refused at QoS 0, where nothing is acknowledged', async () => {
    await expect(load({ steps: [100], qos: 0 })).rejects.toMatchObject({ code: 'TIDEMARK_BENCH_INVALID' })
    expect(broker.connects).toHaveLength(0)
  })
})

describe('connections', () => {
  test('the load goes over those that are let in, and the refused are counted', async () => {
    broker.connack = (client) => (client === 'bench-1' ? 3 : 0)
    const report = await load({ messagesMax: 30 })
    expect(report).toMatchObject({
      sent: 30,
      acknowledged: 30,
      connections: { open: 3, refused: 1 },
      refusal: 'bench-1 was refused with return code 3: server not available',
    })
    expect(new Set(broker.publishes.map(({ client }) => client))).toEqual(
      new Set(['bench-0', 'bench-2', 'bench-3']),
    )
    const { p50, p90, p99, max } = report.connectMs
    expect(p50).toBeGreaterThan(0)
    expect([p50, p90, p99, max]).toEqual([p50, p90, p99, max].sort((a, b) => a - b))
  })

  test('none is opened faster than the rate of connections', async () => {
    const { connections } = await load({ devices: 6, connectRate: 50, messagesMax: 6 })
    expect(connections).toMatchObject({ open: 6, refused: 0 })
    expect(connections.seconds).toBeGreaterThan(0.099)
  })

  test('interrupted before the first message it opens no more and reports', async () => {
    const interruption = new AbortController()
    const report = await load({
      connectRate: 1,
      devices: 1_000,
      signal: interruption.signal,
      onConnecting: (connected) => {
        if (connected > 0) interruption.abort()
      },
    })
    expect(report).toMatchObject({ sent: 0, connections: { refused: 0 } })
    expect(report.connections.open).toBeLessThan(1_000)
    expect(broker.disconnects).toHaveLength(report.connections.open)
  })
})

test('at QoS 2 everything is acknowledged in the end, over a lost connection too', async () => {
  broker.isAcknowledging = false
  const finished = load({ qos: 2, messagesMax: 40 })
  await expect.poll(() => broker.publishes.length).toBe(40)
  broker.acknowledge(20)
  await expect.poll(() => broker.pubrels.length).toBe(20)
  broker.isAcknowledging = true
  broker.cut()
  expect(await finished).toMatchObject({ sent: 40, acknowledged: 40, reconnects: 4 })
  expect(broker.publishes).toHaveLength(60)
  expect(broker.pubrels).toHaveLength(60)
})

test('a payload of the size that was asked for', async () => {
  await load({ payloadBytes: 1_000, messagesMax: 20 })
  expect(broker.publishes.map(({ payload }) => payload.length)).toEqual(Array(20).fill(1_000))
  await expect(load({ payloadBytes: 100 })).rejects.toMatchObject({ code: 'TIDEMARK_BENCH_INVALID' })
})
