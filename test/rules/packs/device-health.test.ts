import { describe, expect, test } from 'vitest'
import {
  announced,
  deviceOf,
  evaluationOf,
  giveAll,
  healthyDay,
  installedRules,
  type PackCase,
  type Phase,
  readingsOf,
  startMs,
  testHealthy,
  testPack,
} from './pack-drive.ts'

const dayMs = 86_400_000
const row = (
  rule: string,
  is: string,
  type: string,
  every: string,
  plays: readonly Phase[],
  says: readonly string[],
  more: Partial<PackCase> = {},
): PackCase => ({ rule: `device-health-${rule}`, is, every, plays, says, type, ...more })

const falling = (from: number, perDay: number) => (since: number) => ({
  battery_pct: from - (perDay * since) / dayMs,
})
const some = { rssi_dbm: -60 }

/** Silence after 10 readings: `limit` after the last it is absent, and 5 minutes later raised. */
const silence = (rule: string, type: string, every: string, length: string, raised: string): PackCase[] => {
  const ms = Number(raised.slice(0, -1)) * 1000
  const plays: Phase[] = [[length, some]]
  const one = (is: string, silentUntil: string, says: readonly string[], more: Partial<PackCase> = {}) =>
    row(`offline-${rule}`, is, type, every, plays, says, { silentUntil, ...more })
  return [
    one(`${every}: a moment before`, `${ms - 1}ms`, []),
    one(`${every}: at the moment`, `${ms}ms`, [`raised ${raised}`]),
    one(`${every}: without grace`, `${ms - 300_000}ms`, [`raised ${ms / 1000 - 300}s`], {
      labels: { offline_grace: '0s' },
    }),
  ]
}

const stuck = (
  rule: string,
  type: string,
  window: string,
  every: string,
  over: string,
  value: (moved: number) => Record<string, number | boolean>,
): PackCase[] => [
  row(`stuck-${rule}`, `exactly ${window}`, type, every, [[over, value(0)]], [`raised ${window}`]),
  row(`stuck-${rule}`, `less than ${window}`, type, every, [[window, value(0)]], []),
  row(
    `stuck-${rule}`,
    'one reading that moved a little',
    type,
    every,
    [
      ['20m', value(0)],
      ['1m', value(0.01)],
      [window, value(0)],
    ],
    [],
  ),
]

testPack(
  'device-health',
  [
    // 0.5 % a day from 100.1 %: at 55 % after 90.2 days, 90 days from 10 %.
    row(
      'battery-90d',
      'the first reading within 90 days',
      'room_sensor',
      '12h',
      [['91d', falling(100.1, 0.5)]],
      ['raised 90.5d'],
    ),
    row('battery-90d', 'just over 90 days', 'room_sensor', '12h', [['90.5d', falling(100.1, 0.5)]], []),
    row(
      'battery-90d',
      'a water meter',
      'water_meter',
      '12h',
      [['91d', falling(100.1, 0.5)]],
      ['raised 90.5d'],
    ),
    row('battery-90d', 'steady', 'room_sensor', '12h', [['91d', { battery_pct: 55 }]], []),
    row(
      'battery-90d',
      'one step of a coarse gauge',
      'room_sensor',
      '12h',
      [
        ['3d', { battery_pct: 98 }],
        ['40d', { battery_pct: 97 }],
      ],
      [],
    ),
    // At 25 % after 150.2 days.
    row(
      'battery-30d',
      'the first reading within 30 days',
      'water_meter',
      '12h',
      [['151d', falling(100.1, 0.5)]],
      ['raised 150.5d'],
    ),
    row('battery-30d', 'just over 30 days', 'water_meter', '12h', [['150.5d', falling(100.1, 0.5)]], []),
    // 10 % an hour from 70.05 %: at 40 % after 3 h and 18 s.
    row(
      'battery-wearable',
      'the first reading within 3 hours',
      'wearable',
      '5m',
      [['190m', falling(70.05, 240)]],
      ['raised 185m'],
    ),
    row('battery-wearable', 'just over 3 hours', 'wearable', '5m', [['185m', falling(70.05, 240)]], []),
    row('battery-wearable', 'the usual 8 % a day', 'wearable', '5m', [['2d', falling(100, 8)]], []),

    ...silence('minutes', 'room_sensor', '1m', '10m', '1020s'),
    // 3 usual intervals are 30 s; 2 expected ones are longer.
    ...silence('minutes', 'fridge', '10s', '100s', '510s'),
    ...silence('seconds', 'wearable', '10s', '100s', '420s'),
    ...silence('quarters', 'water_meter', '15m', '150m', '11100s'),

    ...stuck('room-temperature', 'room_sensor', '24h', '1m', '1441m', (moved) => ({
      temperature_c: 21 + moved,
    })),
    ...stuck('fridge-temperature', 'fridge', '6h', '1m', '361m', (moved) => ({ temperature_c: 4 + moved })),
    ...stuck('voltage', 'smart_meter', '6h', '1m', '361m', (moved) => ({ voltage_v: 230 + moved })),
    ...stuck('vibration', 'vibration_sensor', '1h', '1m', '61m', (moved) => ({
      velocity_rms_mm_s: 1.2 + moved,
    })),
    row(
      'stuck-vibration',
      'a machine that stands',
      'vibration_sensor',
      '1m',
      [['3h', { velocity_rms_mm_s: 0.1 }]],
      [],
    ),
    ...stuck('heart-rate', 'wearable', '30m', '1m', '31m', (moved) => ({
      heart_rate_bpm: 60 + 100 * moved,
      on_wrist: true,
    })),
    row(
      'stuck-heart-rate',
      'off the wrist',
      'wearable',
      '1m',
      [['3h', { heart_rate_bpm: 0, on_wrist: false }]],
      [],
    ),

    row('offline-minutes', 'readings that come', 'smart_meter', '1m', [['1h', some]], []),
    // Its own test is below: connections are not in readings.
    row('connection-flapping', 'a connection that holds', 'fridge', '1m', [['1h', some]], []),
  ],
  ['device-health-connection-flapping'],
)

describe('connection', () => {
  const rules = installedRules('device-health').filter(({ id }) => id.endsWith('flapping'))
  /** Disconnects and connects, `changes` in all, after 21 readings. */
  const flapped = (changes: number): string[] => {
    const evaluation = evaluationOf(rules, deviceOf('fridge'))
    giveAll(evaluation, readingsOf('1s', [['21s', some]]))
    for (let i = 0; i < changes; i++) evaluation.connection('d', i % 2 === 1, startMs + 21_000 + i * 1000)
    return announced(evaluation)
  }

  // The newest weigh 57, 56, … of 950: 9 changes are 477, 8 are 428.
  test('8 changes of the last 20 states are no flapping, 9 are', () => {
    expect(flapped(8)).toEqual([])
    expect(flapped(9)).toEqual(['raised 29s'])
  })
})

for (const type of ['fridge', 'room_sensor', 'smart_meter', 'vibration_sensor', 'water_meter', 'wearable'])
  testHealthy('device-health', type, () => healthyDay(type, 1))
