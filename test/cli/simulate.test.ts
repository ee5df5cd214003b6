import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CommanderError } from 'commander'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { freePort } from '../../bench/services/free-port.ts'
import { progressLine } from '../../cli/terminal.ts'
import {
  adminToken,
  builtMain,
  type PlatformProcess,
  repositoryRoot,
  startPlatformProcess,
} from '../support/platform-process.ts'
import { newTempDir, tempDir } from '../support/temp-dir.ts'
import { simulateInProcess } from './in-process.ts'

const maps = join(repositoryRoot, 'simulators/maps')

interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function simulateProcess(args: readonly string[], cwd = repositoryRoot) {
  const env = { ...process.env, TIDEMARK_TOKEN: adminToken }
  const child = spawn(process.execPath, [builtMain, 'simulate', ...args], { cwd, env })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const ended = new Promise<Outcome>((resolve) =>
    child.once('close', (code) => resolve({ code, stdout, stderr })),
  )
  return { child: child as ChildProcess, ended }
}
const simulate = (args: readonly string[], cwd?: string) => simulateProcess(args, cwd).ended

describe('what it cannot do it refuses as a usage error, before anything is sent', () => {
  test.each([
    ['bench --qos 3', 'expected 0, 1 or 2'],
    ['bench --steps 1000,fast', 'expected a whole number above 0'],
    ['bench --steps 1000 --find-knee', 'cannot be used with'],
    ['bench --find-knee --rate 100', 'cannot be used with'],
    ['bench --rate 0', 'expected a whole number above 0'],
    ['bench --rate fast', 'expected a whole number above 0'],
    ['bench --devices 1.5', 'expected a whole number above 0'],
    ['bench --duration 30', 'expected a duration such as 30s'],
    ['bench --url localhost:1883', 'expected mqtt://host:port or mqtts://host:port'],
    ['bench --api 127.0.0.1:8080', 'expected http://host:port or https://host:port'],
    ['bench --frobnicate', "unknown option '--frobnicate'"],
    ['run --prefix a/b', 'expected letters, digits and _ . : -'],
    ['run --duration 10', 'expected a duration such as 30s'],
    ['run --speed -1', 'expected max or a number from 0.001 to 1000000'],
    ['run --speed 1e-9', 'expected max or a number from 0.001 to 1000000'],
    ['run --speed 1e9', 'expected max or a number from 0.001 to 1000000'],
    ['run --start yesterday', 'expected a time such as 2026-11-23T12:00:00Z'],
    ['run --seed x', 'expected a whole number'],
    ['replay --map m.json', "missing required argument 'file'"],
    ['replay a.csv --map m.json --device a/b', 'expected a device id'],
    ['replay a.csv --map m.json --speed 0', 'expected max or a number from 0.001 to 1000000'],
    ['verify', "required option '--ledger <file>' not specified"],
    ['score', "required option '--truth <file>' not specified"],
    ['score --truth t.ndjson --from yesterday', 'expected a time such as 2026-11-23T12:00:00Z'],
  ])('%s', async (args, message) => {
    const { error, written } = await simulateInProcess(args.split(' '))
    expect(error).toBeInstanceOf(CommanderError)
    expect(error.exitCode).not.toBe(0)
    expect(written).toContain(message)
  })

  test.each([
    ['run --start 1999-12-31T23:59:59Z', 'TIDEMARK_RUN_INVALID'],
    ['run --start 2099-12-31T00:00:00Z --duration 10m --speed 1000', 'TIDEMARK_RUN_INVALID'],
    ['run --speed 1e6 --duration 1000d', 'TIDEMARK_RUN_INVALID'],
    ['run --speed 0.001 --duration 1s', 'TIDEMARK_RUN_INVALID'],
    ['run --scenario nosuch', 'TIDEMARK_SCENARIO_INVALID'],
    ['run --faults nosuch.yaml', 'TIDEMARK_SCENARIO_INVALID'],
    ['bench --rate max --qos 0 --anonymous', 'TIDEMARK_BENCH_INVALID'],
    ['bench --rate max --in-flight 65536 --anonymous', 'TIDEMARK_BENCH_INVALID'],
    ['bench --find-knee --qos 0 --anonymous', 'TIDEMARK_BENCH_INVALID'],
    ['bench --payload-bytes 199 --anonymous', 'TIDEMARK_BENCH_INVALID'],
    ['replay none.csv --map none.json', 'TIDEMARK_MAP_INVALID'],
    [`replay none.csv --map ${join(maps, 'room-occupancy.json')} --token t`, 'TIDEMARK_CSV_INVALID'],
    ['verify --ledger none.ndjson --token t', 'TIDEMARK_LEDGER_INVALID'],
    ['score --truth none.ndjson --token t', 'TIDEMARK_TRUTH_INVALID'],
    ['score --truth none.ndjson --scenario none --token t', 'TIDEMARK_SCENARIO_INVALID'],
  ])('%s', async (args, code) => {
    expect((await simulateInProcess(args.split(' '))).error).toMatchObject({ code, exitCode: 2 })
  })

  test('the process ends with 2 and says why on standard error', async () => {
    const outcomes = await Promise.all([
      simulate(['bench', '--qos', '3']),
      simulate(['verify', '--ledger', 'x']),
    ])
    for (const { code, stdout } of outcomes) expect([code, stdout]).toEqual([2, ''])
    expect(outcomes[0].stderr).toContain('expected 0, 1 or 2')
    expect(outcomes[1].stderr).toContain('TIDEMARK_LEDGER_INVALID')
  })
})

test.each(['list', 'run', 'bench', 'replay', 'verify', 'score'])(
  '%s --help shows an example',
  async (name) => {
    const { error, written } = await simulateInProcess([name, '--help'])
    expect(error).toMatchObject({ exitCode: 0 })
    expect(written).toMatch(/Examples?:\n {2}\$ tidemark simulate /)
    expect(written).toContain(`$ tidemark simulate ${name}`)
    expect(written).not.toContain('default: null')
  },
)

test('where nobody listens the process ends with 3', async () => {
  const port = await freePort()
  const [bench, verify] = await Promise.all([
    simulate(['bench', '--anonymous', '--url', `mqtt://127.0.0.1:${port}`]),
    simulate(['run', '--api', `http://127.0.0.1:${port}`]),
  ])
  expect(bench).toMatchObject({ code: 3, stdout: '' })
  expect(bench.stderr).toContain('TIDEMARK_MQTT_UNREACHABLE')
  expect(verify).toMatchObject({ code: 3, stdout: '' })
  expect(verify.stderr).toContain('TIDEMARK_API_UNREACHABLE')
})

describe('beside a platform', () => {
  const dir = newTempDir()
  let platform: PlatformProcess
  const at = () => ['--url', platform.mqttUrl, '--api', platform.httpUrl]
  const ledger = (name: string) => join(dir.path, `${name}.ndjson`)
  const verified = (name: string) =>
    simulate(['verify', '--ledger', ledger(name), '--api', platform.httpUrl, '--json'])

  beforeAll(async () => {
    platform = await startPlatformProcess(dir.path, ['--device-rate-max', '0'])
  })
  afterAll(async () => {
    await platform?.end('SIGKILL')
    dir.remove()
  })

  test('run prints one object with --json, and nothing on standard error that is no terminal', async () => {
    const args = ['--scenario', 'mixed', '--faults', 'none', '--duration', '500ms', '--speed', '7200']
    const ran = await simulate([
      'run',
      ...at(),
      ...args,
      '--start',
      '2026-11-23T00:00:00Z',
      '--seed',
      '0',
      '--ledger',
      ledger('run'),
      '--json',
    ])
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    expect(ran.stdout.trim().split('\n')).toHaveLength(1)
    const { sent, acknowledged, devices } = JSON.parse(ran.stdout)
    expect(devices).toBe(12)
    expect([sent, acknowledged]).toEqual([1808, 1808])
  })

  test('verify ends with 0 when all is stored, and with 1 when it finds a difference', async () => {
    expect(await verified('run')).toMatchObject({ code: 0, stderr: '' })
    const lines = readFileSync(ledger('run'), 'utf8').split('\n')
    // Neither the first nor the last of its device: outside of these nothing is invented.
    const forgotten = lines.filter((line) => line.includes('"sim-vibration-sensor-1"'))[10]
    writeFileSync(ledger('lie'), lines.filter((line) => line !== forgotten).join('\n'))
    const lied = await verified('lie')
    expect(lied.code).toBe(1)
    expect(JSON.parse(lied.stdout)).toMatchObject({ missing: 0, altered: 0, invented: 1, repeated: 0 })
  })

  test('bench keeps to --messages and reports percentiles, for people too', async () => {
    const args = [
      'bench',
      ...at(),
      '--devices',
      '3',
      '--rate',
      '500',
      '--messages',
      '150',
      '--duration',
      '30s',
    ]
    const [machine, people] = [await simulate([...args, '--json']), await simulate([...args, '--qos', '0'])]
    expect(machine).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(machine.stdout)).toMatchObject({
      sent: 150,
      acknowledged: 150,
      ackMs: {
        p50: expect.any(Number),
        p90: expect.any(Number),
        p99: expect.any(Number),
        max: expect.any(Number),
      },
      generatorLateMs: { p99: expect.any(Number), max: expect.any(Number) },
    })
    expect(people.stdout).toMatch(/^acknowledged {5}150$/m)
    expect(people.stdout).toMatch(/^ackMs {12}p50 [\d.]+, p90 [\d.]+, p99 [\d.]+, max [\d.]+$/m)
  })

  test.each(['SIGINT', 'SIGTERM'] as const)(
    'after %s it prints its summary and ends with 130; its ledger is true',
    async (signal) => {
      const name = `interrupted-${signal}`
      const args = [
        '--rate',
        '500',
        '--duration',
        '10m',
        '--devices',
        '2',
        '--ledger',
        ledger(name),
        '--json',
      ]
      const { child, ended } = simulateProcess(['bench', ...at(), ...args])
      const lines = () => {
        try {
          return readFileSync(ledger(name), 'utf8').length
        } catch {
          return 0
        }
      }
      await expect.poll(lines, { timeout: 15_000 }).toBeGreaterThan(0)
      child.kill(signal)
      const { code, stdout, stderr } = await ended
      expect([code, stderr]).toEqual([130, ''])
      const { sent, acknowledged } = JSON.parse(stdout)
      expect(acknowledged).toBe(sent)
      const checked = await verified(name)
      expect(checked.code).toBe(0)
      expect(JSON.parse(checked.stdout).acknowledged).toBe(acknowledged)
    },
  )

  test('replay plays a file by its map to the device that is asked for', async () => {
    const file = join(tempDir(), 'room.csv')
    const header = '"Date","Temperature","Humidity","Light","CO2","HumidityRatio","Occupancy"'
    writeFileSync(file, `${header}\n"2015-02-11 14:48:00",21.76,31.1,437.3,1029.7,0.005,1\n`)
    const map = join(maps, 'room-occupancy.json')
    const played = await simulate(['replay', file, '--map', map, '--device', 'office-7', ...at(), '--json'])
    expect(played).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(played.stdout)).toMatchObject({ devices: 1, rows: 1, sent: 1, acknowledged: 1 })
    expect(await platform.api.request('GET', '/devices/office-7')).toMatchObject({ type: 'room_sensor' })
  })

  test('the token comes from --token, the environment or ./data/admin-token; a wrong one is said', async () => {
    const run = ['run', ...at(), '--speed', 'max', '--duration', '10s', '--prefix', 'token-']
    const wrong = await simulate([...run, '--token', 'wrong'])
    expect(wrong).toMatchObject({ code: 1, stdout: '' })
    expect(wrong.stderr).toContain('401 TIDEMARK_NOT_AUTHENTICATED')
    const { TIDEMARK_TOKEN: _, ...env } = process.env
    const cwd = tempDir()
    const exitCode = () =>
      new Promise((resolve) =>
        spawn(process.execPath, [builtMain, 'simulate', ...run], { cwd, env }).once('close', resolve),
      )
    expect(await exitCode()).toBe(2)
    mkdirSync(join(cwd, 'data'))
    writeFileSync(join(cwd, 'data/admin-token'), `${adminToken}\n`)
    expect(await exitCode()).toBe(0)
  })
})

describe('progress', () => {
  const wasTty = process.stderr.isTTY
  afterEach(() => {
    process.stderr.isTTY = wasTty
    vi.restoreAllMocks()
  })

  test.each([
    [true, '\r\u001b[Ksent 1'],
    [false, undefined],
  ])('on a terminal (%s) is a line that is written over', (isTty, written) => {
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    process.stderr.isTTY = isTty
    // Older than a line may be, whenever this process began.
    vi.spyOn(performance, 'now').mockReturnValue(1_000)
    const progress = progressLine()
    progress('sent 1')
    progress('sent 2')
    expect(write.mock.calls.map(([text]) => text)).toEqual(written === undefined ? [] : [written])
  })
})
