import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { faultyProxy } from '../support/faulty-proxy.ts'
import { adminToken, type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import { newTempDir } from '../support/temp-dir.ts'
import { type CliResult, runCli, startCli } from './cli.ts'

/* Two fridges for half an hour, a reading a minute; the door of van-1 stands open for the last twenty. */
const scenario = `
name: vans
description: for tests
length: 30m
packs: [cold-chain]
fleet: [{ name: van, model: fridge, count: 2, interval: 1m }]
faults: [{ kind: door_left_open, devices: [van-1], onset: 10m }]
pass: [{ figure: recall, atLeast: 1 }]
`
const dir = newTempDir()
const file = join(dir.path, 'vans.yaml')
const ledger = join(dir.path, 'ledger.ndjson')
const truth = join(dir.path, 'truth.ndjson')
let platform: PlatformProcess

const connection = (api: string) => ['--url', platform.mqttUrl, '--api', api, '--token', adminToken]
const runArgs = (day: number, api: string, ...more: string[]) => [
  ...['simulate', 'run', '--scenario', file, '--start', `2026-09-${day}T06:00:00Z`, '--seed', '1'],
  ...[...connection(api), ...more],
]

beforeAll(async () => {
  writeFileSync(file, scenario)
  platform = await startPlatformProcess(dir.path, ['--device-rate-max', '0'])
})
afterAll(async () => {
  await platform?.end('SIGKILL')
  dir.remove()
})

/** The command with one Ctrl-C when it has asked for what never comes; the platform would be called unreachable after 15 s. */
async function interrupted(held: string, argsOf: (api: string) => string[]): Promise<CliResult> {
  const { port, hanging } = await faultyProxy(platform.httpUrl, { hangsAt: held })
  const { child, ended } = startCli(argsOf(`http://127.0.0.1:${port}`))
  await Promise.race([hanging, ended])
  child.kill('SIGINT')
  return ended
}

test('one Ctrl-C ends a run that verifies what it sent: it prints the run and names the files to go on with', async () => {
  const { exitCode, stdout, stderr } = await interrupted('/api/v1/readings', (api) =>
    runArgs(14, api, '--ledger', ledger, '--truth', truth, '--json'),
  )
  expect(exitCode).toBe(130)
  expect(stderr).toBe(
    `tidemark: interrupted: not judged; kept: what was acknowledged in ${ledger}, the truth in ${truth} (TIDEMARK_INTERRUPTED)\n`,
  )
  const report = JSON.parse(stdout)
  expect(report).toMatchObject({ sent: 60, acknowledged: 60 })
  expect(Object.keys(report)).not.toContain('verify')
  expect(readFileSync(ledger, 'utf8').trim().split('\n')).toHaveLength(60)
})

test('while it scores, what was verified is told', async () => {
  const other = join(dir.path, 'other.ndjson')
  const { exitCode, stdout, stderr } = await interrupted('/api/v1/events', (api) =>
    runArgs(15, api, '--ledger', other, '--json'),
  )
  expect([exitCode, stderr.split('\n').length]).toEqual([130, 2])
  const report = JSON.parse(stdout)
  expect(report.verify).toMatchObject({ acknowledged: 60, stored: 60, missing: 0 })
  expect(Object.keys(report)).not.toContain('score')
})

test('one Ctrl-C ends `verify` and `score`, which say that nothing was changed', async () => {
  const kept = await runCli(runArgs(16, platform.httpUrl, '--truth', truth))
  expect([kept.exitCode, kept.stderr]).toEqual([0, ''])
  const api = (url: string) => ['--api', url, '--token', adminToken]
  const verified = await interrupted('/api/v1/readings', (url) => [
    ...['simulate', 'verify', '--ledger', ledger, ...api(url)],
  ])
  expect(verified).toEqual({
    exitCode: 130,
    stdout: '',
    stderr: `tidemark: interrupted: 0 readings were compared, ${ledger} is as it was (TIDEMARK_INTERRUPTED)\n`,
  })
  const scored = await interrupted('/api/v1/events', (url) => [
    ...['simulate', 'score', '--truth', truth, ...api(url)],
  ])
  expect(scored).toEqual({
    exitCode: 130,
    stdout: '',
    stderr: `tidemark: interrupted: nothing was scored, ${truth} is as it was (TIDEMARK_INTERRUPTED)\n`,
  })
})
