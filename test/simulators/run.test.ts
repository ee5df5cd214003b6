import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../../bench/services/free-port.ts'
import { runDemoFleet } from '../../simulators/demo-fleet.ts'
import type { LedgerEntry } from '../../simulators/ledger.ts'
import { models as allModels, findModel } from '../../simulators/models/models.ts'
import { planRun } from '../../simulators/plan.ts'
import { type RunOptions, run } from '../../simulators/run.ts'
import { loadScenario } from '../../simulators/scenario.ts'
import { verify } from '../../simulators/verify.ts'
import { adminToken, type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import { newTempDir } from '../support/temp-dir.ts'

/** Those of the scenario `mixed`, and of the demo. */
/** Those of the demo: a model that shares its type with another is of scenarios. */
const models = allModels.filter(({ name, type }) => name === type)

const dir = newTempDir()
const hourMs = 3_600_000
const startMs = Date.UTC(2026, 8, 14, 7, 30)
let platform: PlatformProcess

beforeAll(async () => {
  platform = await startPlatformProcess(dir.path, ['--device-rate-max', '0'])
})
afterAll(async () => {
  await platform?.end('SIGKILL')
  dir.remove()
})

/** The models of the scenario that is played. */
const mixed = loadScenario('mixed').fleet.map(({ model }) => findModel(model)!)

interface Play extends Partial<RunOptions> {
  devices?: number
  seed?: number
  durationMs?: number
}

const play = ({ devices = mixed.length, seed = 42, durationMs = 500, ...options }: Play = {}) => {
  const speed = 7_200
  const scenario = loadScenario('mixed')
  return run({
    scenario,
    plan: planRun(scenario, { seed, startMs, lengthMs: durationMs * speed, devices }),
    speed,
    mqttUrl: platform.mqttUrl,
    api: platform.api,
    // The tests play the same hour again and again.
    late: true,
    signal: new AbortController().signal,
    ...options,
  })
}
/** A ledger without its wall-clock times, by device and sequence. */
function readings(ledger: string) {
  return readFileSync(ledger, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as LedgerEntry)
    .map(({ device, seq, ts, values }) => ({ device, seq, ts, values }))
    .sort((a, b) => a.device.localeCompare(b.device) || a.seq - b.seq)
}
const ledgerOf = async (name: string, options: Play = {}) => {
  const ledger = join(dir.path, `${name}.ndjson`)
  await play({ ledger, ...options })
  return readings(ledger)
}
const sum = (numbers: number[]) => numbers.reduce((total, n) => total + n, 0)

test('an hour of virtual time: each device reports at its interval, and all of it is stored', async () => {
  const ledger = join(dir.path, 'first.ndjson')
  const expected = sum(mixed.map(({ intervalMs }) => hourMs / intervalMs))
  expect(await play({ ledger })).toMatchObject({ devices: 6, sent: expected, acknowledged: expected })
  expect(await verify({ ledger, api: platform.api, settleMs: 20_000 })).toMatchObject({
    devices: 6,
    stored: expected,
    missing: 0,
    altered: 0,
    invented: 0,
    repeated: 0,
  })
  for (const { ts } of readings(ledger)) {
    if (ts < startMs || ts >= startMs + hourMs) throw new Error(`${ts} is outside the run`)
  }
})

test('nothing that a model sends is dead-lettered', async () => {
  const { messages } = await platform.api.request<{ messages: Record<string, number> }>('GET', '/stats')
  expect(messages.acknowledged).toBeGreaterThan(500)
  expect(messages.deadLettered).toBe(0)
})

test('the same seed gives the same readings, however many other devices there are', async () => {
  const first = readings(join(dir.path, 'first.ndjson'))
  expect(await ledgerOf('again')).toEqual(first)
  const more = await ledgerOf('more', { devices: 13 })
  const known = new Set(first.map(({ device }) => device))
  expect(new Set(more.map(({ device }) => device)).size).toBe(13)
  expect(more.filter(({ device }) => known.has(device))).toEqual(first)
})

test('another seed gives other readings', async () => {
  const other = await ledgerOf('other', { seed: 43 })
  const first = readings(join(dir.path, 'first.ndjson'))
  expect(other).toHaveLength(first.length)
  expect(other).not.toEqual(first)
})

test('devices are registered with their types, and those that are known get new secrets', async () => {
  const { items } = await platform.api.request<{ items: { id: string; type: string }[] }>(
    'GET',
    '/devices?limit=1000',
  )
  for (const { type } of mixed) {
    expect(items).toContainEqual(expect.objectContaining({ id: `sim-${type.replaceAll('_', '-')}-1`, type }))
  }
  const again = { id: 'sim-fridge-1', type: 'fridge' }
  const [first, second] = [await platform.api.provision([again]), await platform.api.provision([again])]
  expect(first.get(again.id)?.username).toBe(again.id)
  expect(second.get(again.id)?.password).not.toBe(first.get(again.id)?.password)
})

test('interrupted, it ends at once with all that it sent acknowledged', async () => {
  const interruption = new AbortController()
  const { sent, acknowledged } = await play({
    durationMs: 600_000,
    signal: interruption.signal,
    onProgress: ({ acknowledged: now }) => now > 100 && interruption.abort(),
  })
  expect(sent).toBeGreaterThan(100)
  expect(acknowledged).toBe(sent)
})

test('a broker that is not there: exit code 3, before anything is sent', async () => {
  const mqttUrl = `mqtt://127.0.0.1:${await freePort()}`
  await expect(play({ mqttUrl })).rejects.toMatchObject({ code: 'TIDEMARK_MQTT_UNREACHABLE', exitCode: 3 })
})

test('the demo fleet reports with two devices of each kind, has a rule, and may start twice', async () => {
  const { mqttUrl, httpUrl, api } = platform
  const latest = async () => {
    const found = await Promise.all(
      models.flatMap(({ name }) =>
        [1, 2].map((number) =>
          api
            .request<{ values: object }>('GET', `/devices/demo-${name.replaceAll('_', '-')}-${number}/latest`)
            .then(({ values }) => Object.keys(values).length > 0)
            .catch(() => false),
        ),
      ),
    )
    return found.filter(Boolean).length
  }
  for (let start = 1; start <= 2; start++) {
    const stop = new AbortController()
    const fleet = runDemoFleet({ mqttUrl, httpUrl, adminToken, signal: stop.signal })
    await expect.poll(latest, { timeout: 15_000 }).toBe(2 * models.length)
    stop.abort()
    await fleet
  }
  expect(await api.request('GET', '/rules/demo-fridge-door')).toMatchObject({ id: 'demo-fridge-door' })
})
