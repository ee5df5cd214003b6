import { expect, test } from 'vitest'
import {
  deviceOf,
  evaluationOf,
  giveAll,
  healthyDay,
  installedRules,
  type PackCase,
  type Phase,
  readingsOf,
  testHealthy,
  testPack,
} from './pack-drive.ts'

const type = 'vibration_sensor'
const row = (
  rule: string,
  is: string,
  every: string,
  plays: readonly Phase[],
  says: readonly string[],
  labels: Record<string, string> = {},
): PackCase => ({ rule: `vibration-${rule}`, is, every, plays, says, type, labels })

const mms = (velocity_rms_mm_s: number) => ({ velocity_rms_mm_s })
const celsius = (bearing_temperature_c: number) => ({ bearing_temperature_c })

const machine = (machine_group: string, foundation: string) => ({ machine_group, foundation })

/** ISO 20816-3, written again: boundaries B/C and C/D. */
const boundaries = [
  ['1', 'rigid', 4.5, 7.1],
  ['1', 'flexible', 7.1, 11],
  ['2', 'rigid', 2.8, 4.5],
  ['2', 'flexible', 4.5, 7.1],
] as const

const zoneRows = boundaries.flatMap(([group, foundation, bc, cd]) => {
  const labels = machine(group, foundation)
  const other = machine(group === '1' ? '2' : '1', foundation)
  const zone = (letter: string, limit: number): PackCase[] => {
    const rule = `zone-${letter}-group-${group}-${foundation}`
    return [
      row(rule, 'at the limit', '10s', [['20m', mms(limit)]], [], labels),
      row(rule, 'just under', '10s', [['20m', mms(limit - 0.01)]], [], labels),
      row(rule, 'just over, the tenth reading', '10s', [['100s', mms(limit + 0.01)]], ['raised 90s'], labels),
      row(rule, 'just over, nine readings', '10s', [['90s', mms(limit + 0.01)]], [], labels),
      row(rule, 'a machine of the other group', '10s', [['20m', mms(limit + 0.01)]], [], other),
      row(rule, 'a machine without labels', '10s', [['20m', mms(limit + 0.01)]], []),
      row(
        rule,
        'spikes in every third reading',
        '10s',
        [['20m', (since) => mms(since % 30_000 === 0 ? 50 : limit - 0.01)]],
        [],
        labels,
      ),
    ]
  }
  const rule = `change-group-${group}-${foundation}`
  const quarter = bc / 4
  return [
    ...zone('c', bc),
    ...zone('d', cd),
    row(
      rule,
      'just over a quarter of B/C, for exactly 30 minutes',
      '1m',
      [
        ['24h', mms(1)],
        ['31m', mms(1 + quarter + 0.001)],
      ],
      ['raised 1470m'],
      labels,
    ),
    row(
      rule,
      'just over, for less',
      '1m',
      [
        ['24h', mms(1)],
        ['30m', mms(1 + quarter + 0.001)],
      ],
      [],
      labels,
    ),
    // 0 → x, so that the difference is x itself.
    row(
      rule,
      'a quarter of B/C',
      '1m',
      [
        ['24h', mms(0)],
        ['3h', mms(quarter)],
      ],
      [],
      labels,
    ),
    row(
      rule,
      'just under',
      '1m',
      [
        ['24h', mms(1)],
        ['3h', mms(1 + quarter - 0.001)],
      ],
      [],
      labels,
    ),
  ]
})

const hot = (level: string, limit: number): PackCase[] => {
  const rule = `bearing-temperature-${level}`
  return [
    row(rule, 'at the limit', '10s', [['10m', celsius(limit)]], []),
    row(rule, 'just under', '10s', [['10m', celsius(limit - 0.1)]], []),
    row(rule, 'just over, for exactly three minutes', '10s', [['190s', celsius(limit + 0.1)]], ['raised 3m']),
    row(rule, 'just over, for less', '10s', [['180s', celsius(limit + 0.1)]], []),
    row(
      rule,
      'cleared after 5 minutes 3 °C under it',
      '10s',
      [
        ['190s', celsius(limit + 1)],
        ['310s', celsius(limit - 3)],
      ],
      ['raised 3m', 'cleared 490s'],
    ),
  ]
}

const warming = (perMinute: number) => (since: number) => celsius(50 + (perMinute * since) / 60_000)

testPack('vibration', [
  ...zoneRows,
  ...hot('warning', 90),
  ...hot('alarm', 100),
  ...hot('trip', 105),
  // The first rate is at 2 minutes.
  row('bearing-temperature-rise', 'at 2 °C a minute', '1m', [['20m', warming(2)]], []),
  row('bearing-temperature-rise', 'just under', '1m', [['20m', warming(1.9)]], []),
  row(
    'bearing-temperature-rise',
    'just over, for exactly three minutes',
    '1m',
    [['6m', warming(2.1)]],
    ['raised 5m'],
  ),
  row('bearing-temperature-rise', 'just over, for less', '1m', [['5m', warming(2.1)]], []),
  row(
    'bearing-temperature-rise',
    'two wrong readings in a row',
    '1m',
    [
      ['10m', celsius(50)],
      ['2m', celsius(90)],
      ['10m', celsius(50)],
    ],
    [],
  ),
])

test('of three temperatures only the highest is announced', () => {
  const evaluation = evaluationOf(installedRules('vibration'), deviceOf(type))
  giveAll(evaluation, readingsOf('10s', [['5m', celsius(106)]]))
  expect(evaluation.events.map(({ data }) => data.rule)).toEqual(['vibration-bearing-temperature-trip'])
})

for (const seed of [1, 2]) testHealthy('vibration', type, () => healthyDay(type, seed), machine('2', 'rigid'))
