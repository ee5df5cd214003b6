import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { adminToken, type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import { newTempDir } from '../support/temp-dir.ts'
import { runCli, startCli } from './cli.ts'

/* Two fridges for an hour, a reading a minute; the door of van-1 stands open from minute 30 to 50. */
const scenario = `
name: vans
description: for tests
length: 1h
packs: [cold-chain]
fleet: [{ name: van, model: fridge, count: 2, interval: 1m }]
faults: [{ kind: door_left_open, devices: [van-1], onset: 30m, lasts: 20m }]
pass:
  - { figure: recall, fault: door_left_open, atLeast: 1 }
  - { figure: missing, atMost: 0 }
  - { figure: delayMedianS, atMost: 1 }
`
const percentiles = {
  p50: expect.any(Number),
  p90: expect.any(Number),
  p99: expect.any(Number),
  max: expect.any(Number),
}

const dir = newTempDir()
const file = join(dir.path, 'vans.yaml')
let platform: PlatformProcess

beforeAll(async () => {
  writeFileSync(file, scenario)
  platform = await startPlatformProcess(dir.path, ['--device-rate-max', '0'])
})
afterAll(async () => {
  await platform?.end('SIGKILL')
  dir.remove()
})

const argsOf = (day: number, ...more: string[]) => [
  ...['simulate', 'run', '--scenario', file, '--start', `2026-09-${day}T06:00:00Z`, '--seed', '1'],
  ...['--url', platform.mqttUrl, '--api', platform.httpUrl, '--token', adminToken, ...more],
]

test('it prints the run, what was lost of it, and the score with its marks', async () => {
  const { stdout, stderr } = await runCli(argsOf(14))
  expect(stderr).toBe('')
  const [ran] = stdout.split('\n\n')
  expect(ran).toMatch(/^scenario {9}vans$/m)
  expect(ran).toMatch(/^sent {13}120$/m)
  expect(ran).toMatch(/^acknowledged {5}120$/m)
  expect(ran).toMatch(/^from {13}2026-09-14T06:00:00.000Z$/m)
  expect(ran).toMatch(/^to {15}2026-09-14T07:00:00.000Z$/m)
  expect(ran).toMatch(/^verify {11}devices 2, acknowledged 120, stored 120, .*missing 0, .*examples 0$/m)
  expect(stdout).toContain(
    '\n\nvans, seed 1: 2 devices, 2026-09-14T06:00:00.000Z to 2026-09-14T07:00:00.000Z\n\n',
  )
  expect(stdout).toMatch(/^door_left_open +1 +1\/1 /m)
  expect(stdout).toMatch(/^recall of door_left_open +≥ 1 +1 {2}ok$/m)
  expect(stdout).toMatch(/^missing +≤ 0 +0 {2}ok$/m)
  expect(stdout).toMatch(/^delayMedianS +≤ 1 +331\.3 {2}missed$/m)
})

test('with --json all of it is one object', async () => {
  const { stdout, stderr } = await runCli(argsOf(15, '--json'))
  expect([stderr, stdout.trim().split('\n').length]).toEqual(['', 1])
  const ran = JSON.parse(stdout)
  expect(ran).toEqual({
    scenario: 'vans',
    seed: 1,
    devices: 2,
    from: '2026-09-15T06:00:00.000Z',
    to: '2026-09-15T07:00:00.000Z',
    faults: 1,
    faultsLeftOut: 0,
    sent: 120,
    acknowledged: 120,
    reconnects: 0,
    seconds: expect.any(Number),
    rate: expect.any(Number),
    ackMs: percentiles,
    // Of those events that came before the last acknowledgement.
    generatorLateMs: null,
    eventMs: ran.events === 0 ? null : percentiles,
    events: expect.any(Number),
    verify: expect.objectContaining({ devices: 2, stored: 120, missing: 0, examples: [] }),
    score: expect.objectContaining({
      scenario: 'vans',
      seed: 1,
      startMs: Date.UTC(2026, 8, 15, 6),
      endMs: Date.UTC(2026, 8, 15, 7),
      devices: 2,
      settled: true,
      complete: true,
      total: expect.objectContaining({ truths: 1, detected: 1, falseAlarms: 0 }),
    }),
  })
})
test('interrupted, it prints what it sent, judges nothing and ends with 130', async () => {
  const { child, ended } = startCli(
    argsOf(16, '--json', '--prefix', 'stopped-', '--speed', '60', '--duration', '10m'),
  )
  const hasReported = () =>
    platform.api
      .request<{ values: object }>('GET', '/devices/stopped-van-1/latest')
      .then(({ values }) => Object.keys(values).length > 0)
      .catch(() => false)
  await expect.poll(hasReported, { timeout: 15_000 }).toBe(true)
  child.kill('SIGINT')
  const { exitCode, stdout, stderr } = await ended
  const left = 'not judged, and nothing kept to judge it by: give --ledger and --truth'
  expect([exitCode, stderr]).toEqual([130, `tidemark: interrupted: ${left} (TIDEMARK_INTERRUPTED)\n`])
  const report = JSON.parse(stdout)
  expect(report.sent).toBeGreaterThan(0)
  expect(report.acknowledged).toBe(report.sent)
  expect(Object.keys(report)).not.toContain('verify')
  expect(Object.keys(report)).not.toContain('score')
})
