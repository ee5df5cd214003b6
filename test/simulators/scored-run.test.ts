import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { freePort } from '../../bench/services/free-port.ts'
import { planRun } from '../../simulators/plan.ts'
import { scenarioSchema } from '../../simulators/scenario.ts'
import { type ScoredRunOptions, scoredRun } from '../../simulators/scored-run.ts'
import { type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import { newTempDir } from '../support/temp-dir.ts'

const dir = newTempDir()
const folder = join(dir.path, 'temporary')
const dayMs = 86_400_000
let startMs = Date.UTC(2026, 8, 14, 6)
let platform: PlatformProcess

beforeAll(async () => {
  mkdirSync(folder)
  platform = await startPlatformProcess(dir.path, ['--device-rate-max', '0'])
})
afterAll(async () => {
  await platform?.end('SIGKILL')
  dir.remove()
})
beforeEach(() => {
  vi.stubEnv('TMPDIR', folder)
})
afterEach(() => {
  vi.unstubAllEnvs()
  // Whatever a run made for itself it has taken away, also one that failed.
  expect(readdirSync(folder)).toEqual([])
})

const door = {
  id: 'door',
  name: 'door',
  class: 'maintenance',
  severity: 'warning',
  message: '{device}',
  select: { types: ['fridge'] },
  when: { kind: 'threshold', metric: 'door_open', equals: true },
  for: '5m',
}
const faults = [
  { kind: 'door_left_open', devices: ['van-1'], onset: '1h', lasts: '30m', expect: ['door'] },
  { kind: 'gap', devices: ['van-1'], onset: '55m', lasts: '15m' },
]

/** Two fridges for two hours, a reading a minute. */
function play(of: object, options: Partial<ScoredRunOptions> = {}) {
  const fleet = [{ name: 'van', model: 'fridge', count: 2, interval: '1m' }]
  const given = { name: 'vans', description: 'for tests', length: '2h', rules: [door], fleet, ...of }
  const scenario = scenarioSchema.parse(given)
  // The same devices a day later: what they sent and raised before is none of this run.
  startMs += dayMs
  return scoredRun({
    scenario,
    plan: planRun(scenario, { seed: 1, startMs, lengthMs: scenario.length }),
    speed: Number.POSITIVE_INFINITY,
    mqttUrl: platform.mqttUrl,
    api: platform.api,
    settleMs: 20_000,
    signal: new AbortController().signal,
    ...options,
  })
}

test('it says which marks were reached, those of the run and of its ledger too', async () => {
  const pass = [
    { figure: 'recall', fault: 'door_left_open', atLeast: 1 },
    { figure: 'delayMedianS', fault: 'door_left_open', atMost: 1 },
    { figure: 'falseAlarms', atMost: 0 },
    { figure: 'missing', atMost: 0 },
    { figure: 'invented', atLeast: 1 },
    { figure: 'backfillDiffers', atMost: 0 },
    { figure: 'ackP99Ms', atLeast: 0 },
    { figure: 'eventP99Ms', atLeast: 0 },
    { figure: 'platformMemoryMiB', atLeast: 10 },
  ]
  const { run, verify, score } = await play({ faults, pass })
  expect(run).toMatchObject({ sent: 240, acknowledged: 240, faults: 2 })
  expect(verify).toMatchObject({ acknowledged: 240, stored: 240, missing: 0, invented: 0 })
  expect(score).toMatchObject({
    settled: true,
    complete: true,
    score: { total: { detected: 1, expecting: 1 } },
  })
  expect(score!.marks.map(({ figure, verdict }) => [figure, verdict])).toEqual([
    ['recall', 'ok'],
    // Five minutes at least, by its rule.
    ['delayMedianS', 'missed'],
    ['falseAlarms', 'ok'],
    ['missing', 'ok'],
    ['invented', 'missed'],
    ['backfillDiffers', 'ok'],
    ['ackP99Ms', 'ok'],
    // An event that comes after the last acknowledgement is not waited for.
    ['eventP99Ms', run.eventMs === null ? 'not judged' : 'ok'],
    ['platformMemoryMiB', 'ok'],
  ])
  const reached = new Map(score!.marks.map(({ figure, reached: value }) => [figure, value]))
  expect(reached.get('ackP99Ms')).toBe(run.ackMs.p99)
  expect(reached.get('eventP99Ms')).toBe(run.eventMs?.p99 ?? null)
})

test('without a mark of the ledger none is kept; faults alone are scored', async () => {
  const truth = join(dir.path, 'truth.ndjson')
  const { verify, score } = await play({ faults }, { truth })
  expect(verify).toBeUndefined()
  expect(score!.score.total).toMatchObject({ truths: 2, expecting: 1 })
  // A file that was asked for stays.
  expect(readFileSync(truth, 'utf8').trim().split('\n')).toHaveLength(2)
  expect(existsSync(`${truth}.run.json`)).toBe(true)
})

test('marks alone are judged: a run without a fault may have no false alarms', async () => {
  const { score } = await play({ pass: [{ figure: 'falseAlarms', atMost: 0 }] })
  expect(score!.marks).toMatchObject([{ figure: 'falseAlarms', verdict: 'ok' }])
})

test('with neither faults nor marks there is no score; a ledger that is asked for is verified', async () => {
  const ledger = join(dir.path, 'ledger.ndjson')
  const result = await play({}, { ledger })
  expect(Object.keys(result)).toEqual(['run', 'verify'])
  expect(result.verify).toMatchObject({ acknowledged: 240, stored: 240 })
  expect(readFileSync(ledger, 'utf8').trim().split('\n')).toHaveLength(240)
})

test('interrupted, it says what it sent and judges nothing', async () => {
  const stop = new AbortController()
  const ledger = join(dir.path, 'interrupted.ndjson')
  const pass = [{ figure: 'missing', atMost: 0 }]
  const onProgress = () => stop.abort()
  const result = await play({ faults, pass }, { ledger, signal: stop.signal, onProgress })
  expect(Object.keys(result)).toEqual(['run', 'failure'])
  expect(result.failure).toMatchObject({ code: 'TIDEMARK_INTERRUPTED', exitCode: 130 })
  expect(result.run.sent).toBeLessThan(240)
  expect(result.run.acknowledged).toBe(result.run.sent)
})

test('what the run cannot do it rejects with', async () => {
  const mqttUrl = `mqtt://127.0.0.1:${await freePort()}`
  await expect(play({ faults }, { mqttUrl })).rejects.toMatchObject({ code: 'TIDEMARK_MQTT_UNREACHABLE' })
})
