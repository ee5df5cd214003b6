import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { freePort } from '../../bench/services/free-port.ts'
import { EventLatency } from '../../simulators/event-latency.ts'
import { FleetRunner } from '../../simulators/fleet-runner.ts'
import { adminToken, type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import { newTempDir } from '../support/temp-dir.ts'

const dir = newTempDir()
const startMs = Date.UTC(2026, 10, 1)
/** Long before anything could be sent: what is measured lies above it, or is no measure of this. */
const earlierMs = 3_600_000
let platform: PlatformProcess
let fleet: FleetRunner
let latency: EventLatency

beforeAll(async () => {
  platform = await startPlatformProcess(dir.path, ['--device-rate-max', '0'])
  await platform.api.request('POST', '/rules', {
    id: 'open',
    name: 'open',
    class: 'maintenance',
    severity: 'warning',
    message: '{device}',
    select: {},
    when: { kind: 'threshold', metric: 'door_open', equals: true },
  })
  const ids = ['known', 'unknown', 'old', 'older']
  const credentials = await platform.api.provision(ids.map((id) => ({ id, type: 'fridge' })))
  const { mqttUrl } = platform
  fleet = new FleetRunner({ mqttUrl, credentials, signal: new AbortController().signal })
  await fleet.connect()
  latency = new EventLatency(platform.mqttUrl, adminToken)
  await latency.connect()
})
beforeEach(() => {
  latency.events = 0
  latency.micros.reset()
})
afterAll(async () => {
  await latency?.close()
  await fleet?.close()
  await platform?.end('SIGKILL')
  dir.remove()
})

/** Sends a reading that raises an event, and waits for the event. */
async function raise(device: string): Promise<void> {
  await fleet.send({ device, ts: startMs, values: { door_open: true } })
  fleet.flush()
  await expect.poll(() => latency.events, { timeout: 10_000 }).toBe(1)
}

test('an event is measured from when its reading was due', async () => {
  latency.sent('known', startMs - 60_000, performance.now())
  latency.sent('known', startMs, performance.now() - earlierMs)
  latency.sent('known', startMs + 60_000, performance.now())
  await raise('known')
  expect(latency.micros.totalCount).toBe(1)
  // To three digits that count.
  expect(latency.micros.maxValue / 1000).toBeGreaterThan(0.99 * earlierMs)
  expect(latency.micros.maxValue / 1000).toBeLessThan(2 * earlierMs)
})

test('an event of a reading that is not known is counted and measures nothing', async () => {
  latency.sent('known', startMs, performance.now())
  await raise('unknown')
  expect(latency.micros.totalCount).toBe(0)
})

test('of a device the newest 64 readings are remembered', async () => {
  for (let i = 0; i < 64; i++) latency.sent('old', startMs + i, performance.now())
  await raise('old')
  expect(latency.micros.totalCount).toBe(1)
})

test('and none before them', async () => {
  for (let i = 0; i < 65; i++) latency.sent('older', startMs + i, performance.now())
  await raise('older')
  expect(latency.micros.totalCount).toBe(0)
})

test('an operator who is refused, or finds nobody, measures nothing and stops nothing', async () => {
  const refused = new EventLatency(platform.mqttUrl, 'wrong')
  const alone = new EventLatency(`mqtt://127.0.0.1:${await freePort()}`, adminToken)
  for (const one of [refused, alone]) {
    await one.connect()
    one.sent('known', startMs, performance.now())
    await one.close()
    expect([one.events, one.micros.totalCount]).toEqual([0, 0])
  }
})
