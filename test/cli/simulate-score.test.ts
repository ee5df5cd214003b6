import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../../bench/services/free-port.ts'
import { FleetRunner } from '../../simulators/fleet-runner.ts'
import { adminToken, type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import { newTempDir } from '../support/temp-dir.ts'
import { runCli } from './cli.ts'

/*
 * Two fridges, two hours, a reading a minute, the rules of the pack cold-chain: the door of fridge-1 stands open from minute
 * 30 to 50, which the pack tells of after 5 minutes; that of fridge-2 from minute 60 to 80, of which no truth is kept.
 */
const minuteMs = 60_000
const startMs = Date.UTC(2026, 10, 1)
const endMs = startMs + 120 * minuteMs
const dir = newTempDir()
let platform: PlatformProcess

beforeAll(async () => {
  platform = await startPlatformProcess(dir.path, ['--device-rate-max', '0'])
  const ids = ['fridge-1', 'fridge-2']
  const credentials = await platform.api.provision(ids.map((id) => ({ id, type: 'fridge' })))
  await platform.api.request('POST', '/rules:install', { pack: 'cold-chain' })
  const fleet = new FleetRunner({
    mqttUrl: platform.mqttUrl,
    credentials,
    signal: new AbortController().signal,
  })
  await fleet.connect()
  for (let minute = 0; minute < 120; minute++) {
    const ts = startMs + minute * minuteMs
    for (const [device, from] of [
      ['fridge-1', 30],
      ['fridge-2', 60],
    ] as const) {
      const values = { temperature_c: 4, door_open: minute >= from && minute < from + 20 }
      await fleet.send({ device, ts, values })
    }
  }
  await fleet.close()
  expect(fleet.acknowledged).toBe(240)
})
afterAll(async () => {
  await platform?.end('SIGKILL')
  dir.remove()
})

const door = {
  id: 'door_left_open-1',
  device: 'fridge-1',
  kind: 'door_left_open',
  onset: new Date(startMs + 30 * minuteMs).toISOString(),
  end: startMs + 50 * minuteMs,
  expect: ['cold-chain-door-open'],
}

function truthOf(name: string, pass: readonly object[]): string {
  const path = join(dir.path, `${name}.ndjson`)
  writeFileSync(path, `${JSON.stringify(door)}\n`)
  const run = { scenario: 'doors', seed: 3, startMs, endMs, devices: ['fridge-1', 'fridge-2'], pass }
  writeFileSync(`${path}.run.json`, JSON.stringify(run))
  return path
}

const score = (...args: string[]) =>
  runCli(['simulate', 'score', '--api', platform.httpUrl, '--token', adminToken, ...args])

test('it ends with 0 when each mark is reached, and prints a table', async () => {
  const marks = [
    { figure: 'recall', fault: 'door_left_open', atLeast: 1 },
    { figure: 'delayMedianS', atMost: 300 },
    { figure: 'falseAlarms', rule: 'cold-chain-door-open', atMost: 1 },
    { figure: 'missing', atMost: 0 },
  ]
  const { exitCode, stdout, stderr } = await score('--truth', truthOf('reached', marks))
  expect([exitCode, stderr]).toEqual([0, ''])
  expect(stdout).toMatchInlineSnapshot(`
    "doors, seed 3: 2 devices, 2026-11-01T00:00:00.000Z to 2026-11-01T02:00:00.000Z

    fault           truths  detected  recall  precision    F1  delay    p95  lead  least lead  lead share  in time  false  again
    door_left_open       1       1/1    1.00       0.50  0.67  5 min  5 min     -           -           -        -      0      0
    all                  1       1/1    1.00       0.50  0.67  5 min  5 min     -           -           -        -      1      0
    false alarms: 1, 6 a device-day (0.1667 device-days)

    rule                  events  matched  false  again
    cold-chain-door-open       2        1      1      0

    false alarm               device    rule                  during
    2026-11-01T01:05:00.000Z  fridge-2  cold-chain-door-open  none

    mark                                 required  reached
    recall of door_left_open                  ≥ 1        1  ok
    delayMedianS                            ≤ 300      300  ok
    falseAlarms of cold-chain-door-open       ≤ 1        1  ok
    missing                                   ≤ 0        -  not judged: not measured here
    "
  `)
})

test('it ends with 1 when a mark is missed; with --json it prints one object', async () => {
  const marks = [{ figure: 'falseAlarms', atMost: 0 }]
  const { exitCode, stdout, stderr } = await score('--truth', truthOf('missed', marks), '--json')
  expect([exitCode, stderr]).toEqual([1, ''])
  expect(stdout.trim().split('\n')).toHaveLength(1)
  expect(JSON.parse(stdout)).toMatchObject({
    scenario: 'doors',
    seed: 3,
    startMs,
    endMs,
    devices: 2,
    settled: true,
    complete: true,
    total: { recall: 1, precision: 0.5, falseAlarms: 1 },
    kinds: [{ kind: 'door_left_open', detected: 1, delayMedianS: 300 }],
    rules: [{ rule: 'cold-chain-door-open', events: 2, falseAlarms: 1 }],
    falseAlarms: [{ device: 'fridge-2', rule: 'cold-chain-door-open', during: 'none' }],
    marks: [{ figure: 'falseAlarms', atMost: 0, reached: 1, verdict: 'missed' }],
  })
})

test('--scenario brings other marks, --from and --to another time', async () => {
  const scenario = join(dir.path, 'doors.yaml')
  writeFileSync(
    scenario,
    'name: doors\ndescription: d\nlength: 2h\nfleet: [{name: f, model: fridge, count: 2}]\n' +
      'pass: [{figure: falseAlarms, atMost: 0}]\n',
  )
  const truth = truthOf('other', [])
  expect((await score('--truth', truth)).exitCode).toBe(0)
  expect((await score('--truth', truth, '--scenario', scenario)).exitCode).toBe(1)
  const until = new Date(startMs + 60 * minuteMs).toISOString()
  expect((await score('--truth', truth, '--scenario', scenario, '--to', until)).exitCode).toBe(0)
})

test('--plots writes a picture of each fault: the door, when it opened and when that was told', async () => {
  const plots = join(dir.path, 'plots')
  const { exitCode, stdout } = await score('--truth', truthOf('plotted', []), '--plots', plots)
  expect([exitCode, stdout.endsWith(`\nplots: 1 in ${plots}\n`)]).toEqual([0, true])
  expect(readdirSync(plots)).toEqual(['door_left_open-1.svg'])
  const svg = readFileSync(join(plots, 'door_left_open-1.svg'), 'utf8')
  expect(svg).toContain('cold-chain-door-open told of it 5 min after it could be told of')
  expect(svg).toContain('>detected 2026-11-01T00:35:00Z<')
  expect(svg).toContain('>door_open</text>')
  // From minute 25 at 76 px to minute 55 at 932 px: up at minute 30, down at minute 50, to a pixel.
  const steps = [.../class="signal" d="([^"]*)"/.exec(svg)![1]!.matchAll(/H([\d.]+)V([\d.]+)/g)]
  const changes = steps.filter(([, , y], i) => i > 0 && y !== steps[i - 1]![2]).map(([, x]) => Number(x))
  expect(changes).toHaveLength(2)
  expect(Math.abs(changes[0]! - (76 + (856 * 5) / 30))).toBeLessThan(1)
  expect(Math.abs(changes[1]! - (76 + (856 * 25) / 30))).toBeLessThan(1)
})

test('it ends with 2 for a truth file that is none, with 3 where no platform answers', async () => {
  const torn = join(dir.path, 'torn.ndjson')
  writeFileSync(torn, '{"id":')
  const refused = await score('--truth', torn)
  expect([refused.exitCode, refused.stdout]).toEqual([2, ''])
  expect(refused.stderr).toContain('torn.ndjson, line 1: ')
  expect(refused.stderr).toContain('TIDEMARK_TRUTH_INVALID')
  const unwritable = await score('--truth', truthOf('unwritable', []), '--plots', join(torn, 'plots'))
  expect([unwritable.exitCode, unwritable.stdout]).toEqual([2, ''])
  expect(unwritable.stderr).toContain('TIDEMARK_PLOTS_UNWRITABLE')
  const nobody = await score(
    '--truth',
    truthOf('nobody', []),
    '--api',
    `http://127.0.0.1:${await freePort()}`,
  )
  expect([nobody.exitCode, nobody.stdout]).toEqual([3, ''])
})
