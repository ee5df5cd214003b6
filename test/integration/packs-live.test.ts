import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCli } from '../cli/cli.ts'
import { datasetsDir } from '../support/datasets.ts'
import { type Foretold, foretell, inOrder, type Labels, recordedRows } from '../support/pack-oracle.ts'
import { pages } from '../support/pages.ts'
import {
  adminToken,
  type PlatformProcess,
  repositoryRoot,
  startPlatformProcess,
} from '../support/platform-process.ts'
import { newTempDir } from '../support/temp-dir.ts'

/**
 * Two packs on two real recordings, through the platform as its user has it: installed and played by the command, over HTTP and
 * MQTT. What must come is calculated from the CSV files by test/support/pack-oracle.ts, which has no line of the engine; a test
 * of each rule on what was stored must say it once more. One recording is given to devices with and without labels; more labels,
 * and the house with the standards' own limits, are in packs-on-recordings.test.ts.
 */
const datasets = datasetsDir()

interface Player {
  readonly device: string
  readonly recording: 'house' | 'room'
  readonly labels: Labels
  /** Rules that raise at least once: a comparison of nothing with nothing would prove little. */
  readonly raising: readonly string[]
}

const players: readonly Player[] = [
  {
    device: 'narrow-house',
    recording: 'house',
    labels: {
      voltage_high_v: '245',
      voltage_low_v: '236',
      voltage_week_low_v: '237',
      power_factor_load_w: '200',
    },
    raising: [
      'electricity-power-factor',
      'electricity-voltage-high',
      'electricity-voltage-low',
      'electricity-voltage-week',
    ],
  },
  { device: 'room', recording: 'room', labels: {}, raising: ['indoor-air-co2-1000'] },
  {
    device: 'room-i',
    recording: 'room',
    labels: { iaq_category: 'I' },
    raising: ['indoor-air-co2-1000', 'indoor-air-co2-category-i'],
  },
]
const played = {
  house: {
    pack: 'electricity',
    type: 'smart_meter',
    file: 'household-power.csv',
    map: 'household-power.json',
    readings: 19_444,
    firstDays: { from: '2006-12-16', to: '2006-12-18', readings: 1_896 },
  },
  room: {
    pack: 'indoor-air',
    type: 'room_sensor',
    file: 'room-occupancy.csv',
    map: 'room-occupancy.json',
    readings: 9_752,
    firstDays: { from: '2015-02-11', to: '2015-02-13', readings: 2_052 },
  },
} as const
/** Longer than both recordings, so that a test begins and ends outside them. */
const whole = { from: '2006-01-01T00:00:00Z', to: '2016-01-01T00:00:00Z' }

interface Event {
  readonly id: string
  readonly time: string
  readonly subject: string
  readonly sequence: string
  readonly data: {
    readonly rule: string
    readonly state: string
    readonly device: string
    readonly since: string
    readonly severity: string
    readonly message: string
  }
}

interface TestAnswer {
  readonly transitions: readonly (Omit<Event['data'], 'state' | 'rule'> & {
    readonly id: string
    readonly transition: string
    readonly time: string
  })[]
  readonly evaluated: number
  readonly truncated: boolean
}

interface RuleHeld {
  readonly id: string
  readonly select: { readonly types: readonly string[]; readonly labels: Labels }
}

const report = (line: string) => process.stderr.write(`packs live: ${line}\n`)

/** `rule state time since`, in order of time, then rule. */
const lines = (said: readonly Foretold[]) =>
  inOrder(said).map(({ rule, state, time, since }) =>
    [rule, state, new Date(time).toISOString(), new Date(since).toISOString()].join(' '),
  )

const counts = (names: readonly string[]) => {
  const found: Record<string, number> = {}
  for (const name of names) found[name] = (found[name] ?? 0) + 1
  return JSON.stringify(found)
}

describe.runIf(datasets !== undefined)('packs on recordings, played through the platform', () => {
  const dir = newTempDir()
  let platform: PlatformProcess

  const tidemark = async (...args: string[]) => {
    const result = await runCli([...args, '--api', platform.httpUrl, '--json'], {
      env: { TIDEMARK_TOKEN: adminToken },
    })
    expect(result, result.stderr).toMatchObject({ exitCode: 0 })
    return JSON.parse(result.stdout)
  }
  const all = <T>(path: string) => pages<T>(platform, `${path}?`)
  const play = async ({ device, recording }: Player) => {
    const { file, map, readings } = played[recording]
    const mapFile = join(repositoryRoot, 'simulators/maps', map)
    const flags = ['--map', mapFile, '--device', device, '--url', platform.mqttUrl]
    const answer = await tidemark('simulate', 'replay', join(datasets!, file), ...flags)
    expect(answer).toMatchObject({ devices: 1, sent: readings, acknowledged: readings })
  }
  /** Resolves when every reading that was acknowledged is stored and evaluated. */
  const consumed = () =>
    expect
      .poll(
        async () => {
          const { consumers } = await platform.api.request<{ consumers: { name: string; lag: number }[] }>(
            'GET',
            '/stats',
          )
          return consumers.filter(({ lag }) => lag > 0)
        },
        { timeout: 60_000, interval: 100 },
      )
      .toEqual([])

  beforeAll(async () => {
    platform = await startPlatformProcess(dir.path, ['--device-rate-max', '0'])
  })

  afterAll(async () => {
    await platform?.end('SIGKILL')
    dir.remove()
  })

  test('the packs are installed and the recordings played', async () => {
    for (const [pack, rules] of [
      ['electricity', 14],
      ['indoor-air', 9],
    ] as const) {
      const { installed, unchanged, kept } = await tidemark('rules', 'packs', 'install', pack)
      expect([installed.length, unchanged, kept]).toEqual([rules, [], []])
    }
    for (const { device, recording, labels } of players)
      await platform.api.request('POST', '/devices', { id: device, type: played[recording].type, labels })
    for (const player of players) await play(player)
    await consumed()
    report(`${players.map(({ device, recording }) => `${device} ${played[recording].readings}`).join(', ')}`)
  }, 120_000)

  test.each(players)(
    '$device raises and clears exactly what the calculation over the CSV gives',
    async ({ device, recording, labels, raising }) => {
      const foretold = foretell(played[recording].pack, recordedRows(datasets!, recording), labels)
      const raised = foretold.filter(({ state }) => state === 'raised').map(({ rule }) => rule)
      expect([...new Set(raised)].sort()).toEqual(raising)
      const events = (await all<Event>('/events')).filter(({ subject }) => subject === device)
      report(`${device}: foretold ${counts(raised)}, ${foretold.length} transitions; ${events.length} events`)
      const said = events.map(({ time, data }) => ({
        rule: data.rule,
        state: data.state as Foretold['state'],
        time: Date.parse(time),
        since: Date.parse(data.since),
      }))
      expect(lines(said)).toEqual(lines(foretold))
    },
  )

  test('each rule, tested on the stored readings, says the same with the same ids', async () => {
    const events = await all<Event>('/events')
    expect(new Set(events.map(({ subject }) => subject))).toEqual(
      new Set(players.filter(({ raising }) => raising.length > 0).map(({ device }) => device)),
    )
    const rules = await all<RuleHeld>('/rules')
    expect(rules).toHaveLength(23)
    let transitions = 0
    for (const rule of rules) {
      const { types, labels } = rule.select
      const selected = players.filter(
        (player) =>
          (types.length === 0 || types.includes(played[player.recording].type)) &&
          Object.entries(labels).every(([name, value]) => player.labels[name] === value),
      )
      const live = events.filter(({ data }) => data.rule === rule.id)
      // Where nothing was raised one device and its first days are enough: this is what takes the time.
      const asked = live.length === 0 ? selected.slice(0, 1) : selected
      const devices = asked.map(({ device }) => device)
      const [first] = asked
      const { from, to } =
        live.length === 0 && first !== undefined ? played[first.recording].firstDays : whole
      const request = { rule, devices, from, to }
      const tested = await platform.api.request<TestAnswer>('POST', '/rules:test', request)
      report(`${rule.id}: ${tested.transitions.length} transitions over ${tested.evaluated} readings`)
      expect(tested.truncated).toBe(false)
      const given = asked.map(({ recording }) =>
        live.length === 0 ? played[recording].firstDays.readings : played[recording].readings,
      )
      expect(tested.evaluated).toBe(given.reduce((sum, readings) => sum + readings, 0))
      expect(tested.transitions.map(({ id }) => id).sort()).toEqual(live.map(({ id }) => id).sort())
      const eventOf = new Map(live.map((event) => [event.id, event]))
      for (const { id, transition, time, ...rest } of tested.transitions) {
        const event = eventOf.get(id)!
        expect([event.time, event.data.state]).toEqual([time, transition])
        expect(event.data).toMatchObject(rest)
      }
      transitions += tested.transitions.length
    }
    expect(transitions).toBe(events.length)
    report(`${rules.length} rules tested: ${transitions} transitions, ${events.length} events`)
  }, 120_000)

  test('the same recordings again add no event', async () => {
    const before = await all<Event>('/events')
    const again = players.filter(({ device }) => device === 'room-i')
    for (const player of again) await play(player)
    await consumed()
    const after = await all<Event>('/events')
    report(`played again: ${before.length} events before, ${after.length} after`)
    expect(after).toEqual(before)
  }, 120_000)
})

if (datasets === undefined) test.skip('the recordings are not here: see TIDEMARK_DATASETS in test/README.md')
