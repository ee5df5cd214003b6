import { expect, test } from 'vitest'
import type { DeviceRecord } from '../../../domain/device.ts'
import { shippedProfiles } from '../../../domain/shipped-profiles.ts'
import { Evaluation, type Given, storedRule } from '../evaluation.ts'
import {
  announced,
  deviceOf,
  healthyDay,
  installedRules,
  type PackCase,
  type Phase,
  startMs,
  testHealthy,
  testPack,
} from './pack-drive.ts'

const row = (
  rule: string,
  type: string,
  is: string,
  plays: readonly Phase[],
  says: readonly string[],
  labels: Record<string, string> = {},
): PackCase => ({ rule: `home-energy-${rule}`, is, every: '1m', plays, says, type, labels })
const room = (is: string, plays: readonly Phase[], says: readonly string[]) =>
  row('window-open', 'room_sensor', is, plays, says)
const meter = (
  is: string,
  plays: readonly Phase[],
  says: readonly string[],
  labels: Record<string, string> = {},
) => row('standby-night', 'smart_meter', is, plays, says, labels)

/** From 40 °C by so many K an hour since the start. */
const falling = (kPerH: number, heating_pct = 100) => ({
  heating_pct,
  values: (since: number) => ({ temperature_c: 40 - (kPerH * since) / 3_600_000, heating_pct }),
})
const steady = { temperature_c: 20, heating_pct: 100 }
const power = (active_power_w: number) => ({ active_power_w })

testPack(
  'home-energy',
  [
    room('at 3 K an hour', [['2h', falling(3).values]], []),
    room('just under', [['2h', falling(2.9).values]], []),
    // The first rate needs five minutes.
    room('just over, for exactly 20 minutes', [['26m', falling(3.1).values]], ['raised 25m']),
    room('just over, for less', [['25m', falling(3.1).values]], []),
    room('just over, valve at 10 %', [['2h', falling(3.1, 10).values]], []),
    room('just over, valve just above 10 %', [['26m', falling(3.1, 10.1).values]], ['raised 25m']),
    room(
      'an airing of a quarter of an hour',
      [
        ['10m', steady],
        ['15m', (since) => ({ temperature_c: 20 - (since - 600_000) / 200_000, heating_pct: 100 })],
        ['1h', { temperature_c: 15.5, heating_pct: 100 }],
      ],
      [],
    ),
    room(
      'a spike begins the 20 minutes again, and is no fall itself',
      [
        ['20m', falling(6).values],
        ['1m', { temperature_c: 200, heating_pct: 100 }],
        ['22m', falling(6).values],
      ],
      ['raised 41m'],
    ),
    room(
      'cleared a quarter of an hour after it is shut',
      [
        ['26m', falling(6).values],
        ['30m', (since) => ({ temperature_c: 37.4 + since / 3_600_000, heating_pct: 100 })],
      ],
      ['raised 25m', 'cleared 41m'],
    ),
    meter('at the limit', [['48h', power(200)]], []),
    meter('just over, one night', [['291m', power(200.1)]], ['raised 290m']),
    meter('just over, but not to the end of the night', [['290m', power(200.1)]], []),
    meter(
      'just over, but for one reading',
      [
        ['3h', power(300)],
        ['1m', power(199)],
        ['21h', power(300)],
      ],
      [],
    ),
    meter(
      'by day only',
      [
        ['61m', power(300)],
        ['230m', power(150)],
        ['20h', power(300)],
      ],
      [],
    ),
    meter('two nights are told once', [['34h', power(300)]], ['raised 290m']),
    meter(
      'a night without follows',
      [
        ['10h', power(300)],
        ['38h', power(100)],
      ],
      ['raised 290m', 'cleared 1740m'],
    ),
    meter('limit from the label', [['10h', power(300)]], [], { standby_limit_w: '300' }),
    row('pv-below-neighbours', 'smart_meter', 'alone', [['3h', { yield_w_kwp: 400 }]], [], { site: 'a' }),
  ],
  ['home-energy-pv-below-neighbours'],
)

const arrays: DeviceRecord[] = ['d', 'e', 'f', 'g', 'h', 'i'].map((id) => ({
  ...deviceOf('smart_meter', { site: 'berlin' }),
  id,
}))

/** All arrays once a minute; what `d` gives, and what the others do, in W/kWp by the minute. */
function neighbours(
  minutes: number,
  own: (minute: number) => number,
  others: (minute: number, n: number) => number,
) {
  const evaluation = new Evaluation(
    installedRules('home-energy')
      .filter(({ id }) => id.endsWith('neighbours'))
      .map((rule) => storedRule(rule)),
    { devices: arrays, profiles: shippedProfiles },
  )
  for (let minute = 0; minute < minutes; minute++) {
    const given = arrays.map(
      ({ id }, n): Given => ({
        ts: startMs + minute * 60_000,
        device: id,
        values: { yield_w_kwp: n === 0 ? own(minute) : others(minute, n) },
      }),
    )
    evaluation.give(...given)
  }
  return announced(evaluation)
}

test('an array at 180 W/kWp below its neighbours says nothing, one just further away does after 45 minutes', () => {
  expect(
    neighbours(
      120,
      () => 420,
      () => 600,
    ),
  ).toEqual([])
  expect(
    neighbours(
      120,
      () => 419,
      () => 600,
    ),
  ).toEqual(['raised 2760s'])
})

test('a cloud over it of less than 45 minutes says nothing', () => {
  expect(
    neighbours(
      180,
      (minute) => (minute >= 30 && minute < 74 ? 100 : 600),
      () => 600,
    ),
  ).toEqual([])
})

test('neighbours that differ among themselves allow more', () => {
  // Deviations of 10, 20, 40 … from their median: 6 × 40.
  const unlike = (_minute: number, n: number) => [0, 520, 560, 600, 640, 680][n]!
  expect(neighbours(120, () => 361, unlike)).toEqual([])
  expect(neighbours(120, () => 359, unlike)).toEqual(['raised 2760s'])
})

test('half an array is told once, not again after each night', () => {
  const sun = (minute: number) => Math.max(0, 800 * Math.sin((Math.PI * ((minute % 1440) - 360)) / 720))
  const said = neighbours(3 * 1440, (minute) => sun(minute) / 2, sun)
  expect(said).toHaveLength(1)
  expect(said[0]).toMatch(/^raised/)
})

for (const seed of [1, 2, 3]) {
  for (const type of ['room_sensor', 'smart_meter']) {
    testHealthy('home-energy', type, () => healthyDay(type, seed))
  }
}
