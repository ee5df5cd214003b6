import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { planRun } from '../../simulators/plan.ts'
import { type RunOptions, run } from '../../simulators/run.ts'
import { scenarioSchema } from '../../simulators/scenario.ts'
import { type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import { newTempDir } from '../support/temp-dir.ts'

const hourMs = 3_600_000
const firstMs = Date.UTC(2026, 8, 14, 6)
const dir = newTempDir()
let platform: PlatformProcess
let prefix = ''

/* Two fridges for an hour, a reading a minute. */
const fleet = [{ name: 'van', model: 'fridge', count: 2, interval: '1m' }]
const scenario = scenarioSchema.parse({ name: 'vans', description: 'for tests', length: '1h', fleet })

beforeAll(async () => {
  platform = await startPlatformProcess(dir.path, ['--device-rate-max', '0'])
})
afterAll(async () => {
  await platform?.end('SIGKILL')
  dir.remove()
})
beforeEach(() => {
  prefix = `p${prefix.length}${prefix}-`
})

const play = (startMs: number, options: Partial<RunOptions> = {}, faults: readonly object[] = []) => {
  const given = scenarioSchema.parse({ ...scenario, length: '1h', fleet, faults })
  return run({
    scenario: given,
    plan: planRun(given, { seed: 1, startMs, lengthMs: hourMs, prefix }),
    speed: Number.POSITIVE_INFINITY,
    mqttUrl: platform.mqttUrl,
    api: platform.api,
    signal: new AbortController().signal,
    ...options,
  })
}
const late = { code: 'TIDEMARK_RUN_LATE', exitCode: 2 }

test('a run that begins before the last reading of its devices is refused, and changes nothing', async () => {
  await play(firstMs)
  const truth = join(dir.path, 'refused.ndjson')
  const again = play(firstMs + hourMs - 60_000, { truth })
  await expect(again).rejects.toMatchObject(late)
  await expect(again).rejects.toThrow(
    /^p0-van-[12] has reported since 2026-09-14T06:59:00.000Z, when this run begins, until 2026-09-14T06:59:\d\d.\d{3}Z: /,
  )
  expect(existsSync(truth)).toBe(false)
})

test('after it, of other devices or told to, it runs', async () => {
  await play(firstMs)
  expect((await play(firstMs + hourMs)).acknowledged).toBe(120)
  expect((await play(firstMs, { late: true })).acknowledged).toBe(120)
  prefix = 'others-'
  expect((await play(firstMs)).acknowledged).toBe(120)
})

test('readings that were ahead of the platform’s clock do not hinder the next run', async () => {
  const ahead = { kind: 'clock_future', parameters: { probability: 0.2, offset_s: 40 * 365 * 86_400 } }
  await play(firstMs, {}, [ahead])
  const { items } = await platform.api.request<{ items: { values: { quality?: string } }[] }>(
    'GET',
    `/readings?device=${prefix}van-1&from=${firstMs + hourMs}`,
  )
  expect(new Set(items.map(({ values }) => values.quality))).toEqual(new Set(['future']))
  // Who begins too early is not told of the time that was ahead.
  await expect(play(firstMs)).rejects.toThrow(/when this run begins: rules/)
  expect((await play(firstMs + hourMs)).acknowledged).toBe(120)
})
