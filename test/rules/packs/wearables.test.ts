import { expect, test } from 'vitest'
import { findRulePack } from '../../../rules/rule-packs.ts'
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
  type Values,
} from './pack-drive.ts'

const type = 'wearable'
const row = (
  rule: string,
  is: string,
  plays: readonly Phase[],
  says: readonly string[],
  labels: Record<string, string> = {},
): PackCase => ({ rule: `wearables-${rule}`, is, every: '1m', plays, says, type, labels })

const sitting = {
  heart_rate_bpm: 60,
  spo2_pct: 97,
  respiration_rate_bpm: 14,
  systolic_mmhg: 120,
  temperature_c: 36.8,
  activity: 'sit',
  on_wrist: true,
  oxygen_given: false,
  alert: true,
}
const but = (values: Values): Values => ({ ...sitting, ...values })

// NEWS2: SpO2 ≤ 91 gives 3; respiration ≥ 25 gives 3, 21–24 gives 2; pulse 91–110 gives 1.
const seven = { spo2_pct: 91, respiration_rate_bpm: 25, heart_rate_bpm: 95 }
const six = { ...seven, heart_rate_bpm: 90 }
const five = { spo2_pct: 91, respiration_rate_bpm: 21 }
const four = { spo2_pct: 91, heart_rate_bpm: 95 }

const score = (
  rule: string,
  at: Values,
  under: Values,
  names: readonly [at: string, under: string],
): PackCase[] => [
  row(rule, `${names[0]}, for exactly 5 minutes`, [['6m', but(at)]], ['raised 5m']),
  row(rule, `${names[0]}, for less`, [['5m', but(at)]], []),
  row(rule, names[1], [['1h', but(under)]], []),
  row(rule, `${names[0]}, asleep`, [['6m', but({ ...at, activity: 'sleep' })]], ['raised 5m']),
  row(rule, `${names[0]}, running`, [['1h', but({ ...at, activity: 'run' })]], []),
  row(rule, `${names[0]}, walking`, [['1h', but({ ...at, activity: 'walk' })]], []),
  row(rule, `${names[0]}, off the wrist`, [['1h', but({ ...at, on_wrist: false })]], []),
  row(
    rule,
    `${names[0]}, cleared after 5 minutes`,
    [
      ['6m', but(at)],
      ['6m', sitting],
    ],
    ['raised 5m', 'cleared 11m'],
  ),
]

const bpm = (heart_rate_bpm: number, activity = 'sit', on_wrist = true) =>
  but({ heart_rate_bpm, activity, on_wrist })
const heat = { heat_exposure: 'yes', age: '40' }
const warm = (temperature_c: number) => but({ temperature_c })

testPack('wearables', [
  ...score('news2-high', seven, six, ['7 points', '6 points']),
  ...score('news2-medium', five, four, ['5 points', '4 points']),
  ...score('news2-single', { spo2_pct: 91 }, { spo2_pct: 92 }, ['3 points of one', '2 points of one']),
  row('desaturation', 'at 92 %', [['1h', but({ spo2_pct: 92 })]], []),
  row('desaturation', 'just over', [['1h', but({ spo2_pct: 92.1 })]], []),
  row('desaturation', 'just under, for exactly a minute', [['2m', but({ spo2_pct: 91.9 })]], ['raised 1m']),
  row('desaturation', 'just under, for less', [['1m', but({ spo2_pct: 91.9 })]], []),
  row('desaturation', 'off the wrist', [['1h', but({ spo2_pct: 60, on_wrist: false })]], []),
  row(
    'desaturation',
    'cleared after 2 minutes at 93 %',
    [
      ['2m', but({ spo2_pct: 88 })],
      ['2m', but({ spo2_pct: 92.5 })],
      ['3m', but({ spo2_pct: 93 })],
    ],
    ['raised 1m', 'cleared 6m'],
  ),
  row('tachycardia-at-rest', 'at 100', [['1h', bpm(100)]], []),
  row('tachycardia-at-rest', 'just under', [['1h', bpm(99)]], []),
  row('tachycardia-at-rest', 'just over, for exactly 10 minutes', [['11m', bpm(101)]], ['raised 10m']),
  row('tachycardia-at-rest', 'just over, for less', [['10m', bpm(101)]], []),
  row('tachycardia-at-rest', 'asleep', [['11m', bpm(101, 'sleep')]], ['raised 10m']),
  row('tachycardia-at-rest', 'running', [['1h', bpm(160, 'run')]], []),
  row('tachycardia-at-rest', 'off the wrist', [['1h', bpm(160, 'sit', false)]], []),
  row('tachycardia-at-rest', 'limit from the label', [['1h', bpm(110)]], [], {
    resting_heart_rate_max_bpm: '110',
  }),
  row('heat-heart-rate', 'at 180 − 40', [['1h', bpm(140)]], [], heat),
  row('heat-heart-rate', 'just under', [['1h', bpm(139)]], [], heat),
  row('heat-heart-rate', 'just over, for exactly 5 minutes', [['6m', bpm(141, 'walk')]], ['raised 5m'], heat),
  row('heat-heart-rate', 'just over, for less', [['5m', bpm(141)]], [], heat),
  row('heat-heart-rate', 'off the wrist', [['1h', bpm(200, 'sit', false)]], [], heat),
  row('heat-heart-rate', 'age not given', [['1h', bpm(200)]], [], { heat_exposure: 'yes' }),
  row('heat-heart-rate', 'sport', [['1h', bpm(200, 'run')]], [], { age: '40' }),
  row('core-temperature', 'at 38.5 °C', [['1h', warm(38.5)]], []),
  row('core-temperature', 'just under', [['1h', warm(38.4)]], []),
  row('core-temperature', 'just over, for exactly 5 minutes', [['6m', warm(38.6)]], ['raised 5m']),
  row('core-temperature', 'just over, for less', [['5m', warm(38.6)]], []),
  row('core-temperature', 'not acclimatised, at 38.0 °C', [['1h', warm(38)]], [], {
    core_temperature_max_c: '38.0',
  }),
  row('core-temperature', 'not acclimatised, just over', [['6m', warm(38.1)]], ['raised 5m'], {
    core_temperature_max_c: '38.0',
  }),
])

test('of the scores only the highest is announced', () => {
  const evaluation = evaluationOf(
    installedRules('wearables').filter(({ id }) => id.includes('news2')),
    deviceOf(type),
  )
  giveAll(evaluation, readingsOf('1m', [['30m', but(seven)]]))
  expect(evaluation.events.map(({ data }) => data.rule)).toEqual(['wearables-news2-high'])
})

test('the pack, every description and every message say that it is no medical device', () => {
  const { description, rules } = findRulePack('wearables')!
  const texts = [description, ...rules.flatMap((rule) => [rule.description, rule.message])]
  expect(texts.filter((text) => !text.includes('Not a medical device.'))).toEqual([])
})

for (const seed of [1, 2, 3]) testHealthy('wearables', type, () => healthyDay(type, seed), { age: '40' })
