import { spawn } from 'node:child_process'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CommanderError } from 'commander'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { faultKinds } from '../../simulators/faults/fault-kinds.ts'
import { models } from '../../simulators/models/models.ts'
import { shippedScenarios } from '../../simulators/scenario.ts'
import {
  adminToken,
  builtMain,
  type PlatformProcess,
  startPlatformProcess,
} from '../support/platform-process.ts'
import { newTempDir, tempDir } from '../support/temp-dir.ts'
import { runCli, startCli } from './cli.ts'
import { simulateInProcess } from './in-process.ts'

const simulate = (...args: string[]) => runCli(['simulate', ...args], { env: { TIDEMARK_TOKEN: adminToken } })
const linesOf = (text: string) => text.trim().split('\n')

describe('what cannot be done is a usage error: exit code 2', () => {
  test.each([
    ['generate', "required option '--scenario <name|file>' not specified"],
    ['generate --scenario none.yaml', 'TIDEMARK_SCENARIO_INVALID'],
    ['generate --scenario mixed --format csv', 'Allowed choices are ndjson, lp'],
    ['generate --scenario mixed --faults none.yaml', 'TIDEMARK_SCENARIO_INVALID'],
    ['generate --scenario mixed --start 2099-12-31T23:59:59Z', 'TIDEMARK_RUN_INVALID'],
    ['generate --scenario mixed --out missing/x', 'TIDEMARK_OUT_INVALID'],
    ['generate --scenario mixed --truth missing/x', 'TIDEMARK_TRUTH_INVALID'],
    ['provision', 'say which devices'],
    ['provision --type fridge --scenario mixed', 'say which devices'],
    ['provision --file x --devices 3', '--devices goes with --scenario'],
    ['provision --scenario mixed --count 3', '--count and --ids go with --type'],
    ['provision --type fridge --count 2 --ids fridge', '--ids needs {n}'],
    ['provision --type fridge --ids a/{n}', 'expected a device id with {n}'],
    ['provision --type Fridge', 'expected a device type'],
    ['provision --type fridge --label site', 'expected name=value'],
    ['provision --file none.ndjson', 'TIDEMARK_PROVISION_INVALID'],
    ['replay a.csv', 'CSV needs --map'],
    ['replay a.csv --map m.json --type fridge', '--type is for NDJSON'],
    ['replay a.ndjson --map m.json', '--map and --device are for CSV'],
    ['replay a.txt', 'give --format'],
    ['replay a.ndjson --start 2026-01-01T00:00:00Z --shift-to-now', 'one of them'],
    ['replay none.jsonl --type fridge', 'TIDEMARK_RECORDING_INVALID'],
  ])('%s', async (args, message) => {
    const { error, written } = await simulateInProcess(args.split(' '))
    if (!(error instanceof CommanderError)) expect(error).toMatchObject({ exitCode: 2 })
    expect(`${written}${error.message} ${error.code}`).toContain(message)
  })

  test('the process says why on standard error, and nothing on standard output', async () => {
    const { exitCode, stdout, stderr } = await simulate('provision')
    expect([exitCode, stdout]).toEqual([2, ''])
    expect(stderr).toContain('say which devices')
  })
})

test.each(['list', 'generate', 'provision', 'replay', 'verify'])(
  '%s --help shows an example',
  async (name) => {
    const { error, written } = await simulateInProcess([name, '--help'])
    expect(error).toMatchObject({ exitCode: 0 })
    expect(written).toContain(`$ tidemark simulate ${name}`)
  },
)

test('list names every scenario, kind of device and kind of fault, with what they take', async () => {
  const [text, json] = [await simulate('list'), await simulate('list', '--json')]
  const { scenarios, devices, faults } = JSON.parse(json.stdout)
  const names = (of: readonly { name?: string; kind?: string }[]) => of.map(({ name, kind }) => name ?? kind)
  expect(names(scenarios)).toEqual(shippedScenarios())
  expect(names(devices)).toEqual(names(models))
  expect(names(faults)).toEqual(Object.keys(faultKinds))
  expect(faults).toContainEqual({ kind: 'water_leak', ...faultKinds.water_leak })
  expect(faults).toContainEqual({ kind: 'malformed', models: [], ...faultKinds.malformed })
  for (const name of [...names(scenarios), ...names(devices), ...names(faults)]) {
    expect(text.stdout).toMatch(new RegExp(`^ {2}${name} +\\S`, 'm'))
  }
  expect(text.stdout).toContain('flow_l_h: L/h; times severity, from 5 to 60; else 20')
  expect(text.stdout).toMatch(/^ +told by water-leak, /m)
})

describe('generate', () => {
  const small = ['generate', '--scenario', 'mixed', '--length', '10m']

  test('writes readings to standard output and its report to standard error', async () => {
    const { exitCode, stdout, stderr } = await simulate(...small, '--json')
    expect(exitCode).toBe(0)
    const report = JSON.parse(stderr)
    expect(report).toMatchObject({
      scenario: 'mixed',
      seed: 42,
      from: '2026-01-01T00:00:00.000Z',
      devices: 12,
    })
    const lines = linesOf(stdout).map((line) => JSON.parse(line))
    expect(lines).toHaveLength(report.readings)
    expect(Object.keys(lines[0])).toEqual(['device', 'type', 'ts', 'seq', 'values'])
  })

  test('to a file, with its truth, and the same bytes again', async () => {
    const dir = tempDir()
    const write = async (name: string) => {
      const out = join(dir, name)
      const faults = ['--faults', 'hostile', '--truth', join(dir, `${name}.truth`)]
      const { exitCode, stdout } = await simulate(...small, ...faults, '--out', out, '--json')
      expect(exitCode).toBe(0)
      const truths = linesOf(readFileSync(join(dir, `${name}.truth`), 'utf8'))
      expect(truths).toHaveLength(JSON.parse(stdout).faults)
      return readFileSync(out, 'utf8')
    }
    const first = await write('first')
    expect(linesOf(first).length).toBeGreaterThan(100)
    expect(await write('second')).toBe(first)
  })

  test('ends quietly with 0 when the reader of its pipe has gone', async () => {
    const args = [builtMain, 'simulate', 'generate', '--scenario', 'mixed', '--length', '365d']
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let stderr = ''
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    child.stdout.once('data', () => child.stdout.destroy())
    const code = await new Promise((resolve) => child.once('close', resolve))
    expect(stderr).toMatch(/^readings +\d+$/m)
    expect(stderr).not.toMatch(/error|EPIPE/i)
    expect(code).toBe(0)
  })

  test('interrupted, it ends with 130 and whole lines', async () => {
    const out = join(tempDir(), 'out.ndjson')
    const { child, ended } = startCli([
      'simulate',
      ...['generate', '--scenario', 'mixed', '--length', '365d', '--out', out],
    ])
    const size = () => statSync(out, { throwIfNoEntry: false })?.size ?? 0
    await expect.poll(size, { timeout: 15_000 }).toBeGreaterThan(0)
    child.kill('SIGINT')
    expect(await ended).toMatchObject({ exitCode: 130, stderr: '' })
    expect(readFileSync(out, 'utf8').endsWith('\n')).toBe(true)
  })
})

describe('beside a platform', () => {
  const dir = newTempDir()
  let platform: PlatformProcess
  const at = () => ['--url', platform.mqttUrl, '--api', platform.httpUrl]

  beforeAll(async () => {
    platform = await startPlatformProcess(dir.path, ['--device-rate-max', '0'])
  })
  afterAll(async () => {
    await platform?.end('SIGKILL')
    dir.remove()
  })

  test('what was generated is replayed, and verified', async () => {
    const [readings, ledger] = [join(dir.path, 'readings.ndjson'), join(dir.path, 'ledger.ndjson')]
    const faults = ['--faults', 'hostile']
    await simulate('generate', '--scenario', 'mixed', '--length', '2h', ...faults, '--out', readings)
    const played = await simulate('replay', readings, ...at(), '--ledger', ledger, '--json')
    expect(played).toMatchObject({ exitCode: 0, stderr: '' })
    const { sent, acknowledged, devices } = JSON.parse(played.stdout)
    expect(devices).toBe(12)
    expect([sent, acknowledged]).toEqual([acknowledged, linesOf(readFileSync(ledger, 'utf8')).length])
    const verified = await simulate('verify', '--ledger', ledger, '--api', platform.httpUrl, '--json')
    expect(verified, verified.stdout).toMatchObject({ exitCode: 0, stderr: '' })
    expect(JSON.parse(verified.stdout)).toMatchObject({ missing: 0, deadLettersMissing: 0, devices: 12 })
  })

  test('provision registers by pattern, with labels, and writes secrets for their owner only', async () => {
    const out = join(dir.path, 'secrets.ndjson')
    const args = [
      'provision',
      '--api',
      platform.httpUrl,
      '--type',
      'fridge',
      '--count',
      '3',
      '--ids',
      'fridge-{n}',
    ]
    const made = await simulate(
      ...args,
      '--label',
      'site=berlin',
      '--label',
      'floor=2',
      '--out',
      out,
      '--json',
    )
    expect(made).toMatchObject({ exitCode: 0, stderr: '' })
    expect(JSON.parse(made.stdout)).toMatchObject({ devices: 3, created: 3 })
    expect(statSync(out).mode & 0o777).toBe(0o600)
    const lines = linesOf(readFileSync(out, 'utf8')).map((line) => JSON.parse(line))
    expect(lines.map(({ id, type, username }) => [id, type, username])).toEqual(
      [1, 2, 3].map((n) => [`fridge-${n}`, 'fridge', `fridge-${n}`]),
    )
    const labels = { site: 'berlin', floor: '2' }
    expect(await platform.api.request('GET', '/devices/fridge-3')).toMatchObject({ labels })
    const again = await simulate(...args, '--rotate')
    expect(again.exitCode).toBe(0)
    expect(linesOf(again.stdout)).toHaveLength(3)
    expect(again.stderr).toMatch(/^renewed +3$/m)
  })

  test('provision registers the devices of a scenario, and those of a file; a refused one makes it 1', async () => {
    const at = ['provision', '--api', platform.httpUrl, '--json']
    const scenario = await simulate(...at, '--scenario', 'mixed', '--devices', '24')
    expect(JSON.parse(scenario.stderr)).toMatchObject({ devices: 24 })
    const file = join(tempDir(), 'devices.ndjson')
    const long = 'x'.repeat(300)
    writeFileSync(
      file,
      `{"id":"a","type":"fridge"}\n{"id":"b","type":"fridge","labels":{"site":"${long}"}}\n`,
    )
    const half = await simulate(...at, '--file', file)
    expect(half.exitCode).toBe(1)
    expect(JSON.parse(half.stderr)).toMatchObject({ devices: 2, created: 1, failed: 1 })
  })
})
