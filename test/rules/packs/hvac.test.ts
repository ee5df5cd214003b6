import { expect, test } from 'vitest'
import type { Fault } from '../../../simulators/faults/fault.ts'
import { airHandler } from '../../../simulators/models/air-handler.ts'
import {
  deviceOf,
  evaluationOf,
  giveAll,
  healthyDay,
  installedRules,
  ms,
  type PackCase,
  type Phase,
  readingsOf,
  startMs,
  testHealthy,
  testPack,
  type Values,
} from './pack-drive.ts'

const type = 'air_handler'
const row = (
  rule: string,
  is: string,
  plays: readonly Phase[],
  says: readonly string[],
  labels: Record<string, string> = {},
): PackCase => ({ rule: `hvac-${rule}`, is, every: '1m', plays, says, type, labels })

const pa = (filter_pressure_pa: number) => ({ filter_pressure_pa })

const filter = (rule: string, limit: number, label: string): PackCase[] => [
  row(rule, 'at the limit', [['2h', pa(limit)]], []),
  row(rule, 'just under', [['2h', pa(limit - 0.1)]], []),
  row(rule, 'just over, the tenth reading', [['10m', pa(limit + 0.1)]], ['raised 9m']),
  row(rule, 'just over, nine readings', [['9m', pa(limit + 0.1)]], []),
  row(
    rule,
    'the median of half an hour passes it',
    [
      ['2h', pa(limit - 50)],
      ['30m', pa(limit + 1)],
    ],
    // Of 30 readings the 15th and 16th are the middle, their mean passes with the 16th.
    ['raised 135m'],
  ),
  row(rule, 'spikes in every third reading', [['2h', (at) => pa(at % 180_000 === 0 ? 2_000 : 120)]], []),
  row(
    rule,
    'one spike that lasts ten minutes',
    [
      ['1h', pa(120)],
      ['10m', pa(2_000)],
      ['1h', pa(120)],
    ],
    [],
  ),
  row(rule, 'over what its label says', [['1h', pa(110)]], ['raised 9m'], { [label]: '100' }),
  row(
    rule,
    'a week-end of reduced flow does not end it, a new filter does after 3 days',
    [
      ['1h', pa(limit + 1)],
      ['58h', pa(30)],
      ['1h', pa(limit + 1)],
      ['73h', pa(80)],
    ],
    // The median falls with the 15th reading under it.
    ['raised 9m', 'cleared 7934m'],
  ),
]

const air = (command: number, position: number, missingK: number): Values => ({
  valve_command_pct: command,
  valve_position_pct: position,
  supply_setpoint_c: 20,
  supply_temperature_c: 20 - missingK,
})

testPack('hvac', [
  ...filter('filter-clogged', 200, 'filter_limit_pa'),
  ...filter('filter-soon', 160, 'filter_soon_pa'),
  row('valve-stuck', '15 points apart', [['1h', air(55, 40, 2)]], []),
  row('valve-stuck', 'just over, for exactly 15 minutes', [['16m', air(55.1, 40, 2)]], ['raised 15m']),
  row('valve-stuck', 'just over, for less', [['15m', air(55.1, 40, 2)]], []),
  row('valve-stuck', 'too far open', [['16m', air(40, 55.1, -1.1)]], ['raised 15m']),
  row('valve-stuck', 'too far open, by 15 points', [['1h', air(40, 55, -1.1)]], []),
  row('valve-stuck', 'too far open, but the air is 1 °C too warm only', [['1h', air(40, 70, -1)]], []),
  row(
    'valve-stuck',
    'a sensor of its position that is stuck: the air is right',
    [['3h', air(80, 40, 0.2)]],
    [],
  ),
  row('valve-stuck', 'the air is wrong by 1 °C', [['1h', air(80, 40, 1)]], []),
  row('valve-stuck', 'the air is wrong the other way', [['1h', air(80, 40, -3)]], []),
  row(
    'valve-stuck',
    'single spikes',
    [['3h', (at) => (at % 300_000 === 0 ? air(100, 0, 5) : air(40, 40, 0))]],
    [],
  ),
  row(
    'valve-stuck',
    'where it should be by day is no repair; 3 days are',
    [
      ['16m', air(80, 40, 3)],
      ['71h', air(40, 40, 0)],
      ['1h', air(80, 40, 3)],
      ['73h', air(50, 50, 0)],
    ],
    ['raised 15m', `cleared ${16 + 71 * 60 + 60 + 3 * 1440}m`],
  ),
])

for (const seed of [1, 2]) testHealthy('hvac', type, () => healthyDay(type, seed))

type Change = (values: Values, sinceMs: number) => Values

/** What is raised of a simulated unit, and when. */
function raisedOf(length: string, faults: readonly Fault[], change: Change = (values) => values) {
  const device = airHandler.create(1, 'unit', { faults })
  const evaluation = evaluationOf(installedRules('hvac'), deviceOf(type))
  giveAll(
    evaluation,
    readingsOf('1m', [[length, (since) => change(device.valuesAt(startMs + since) as Values, since)]]),
  )
  return evaluation.events
    .filter(({ data }) => data.state === 'raised')
    .map(({ data, time }) => ({ rule: data.rule, timeMs: Date.parse(time) }))
}
const fault = (kind: string, onset: string, lasts: string, parameters: Record<string, number>): Fault => ({
  id: `${kind}-1`,
  device: 'unit',
  kind,
  class: 'process',
  severity: 1,
  onsetMs: startMs + ms(onset),
  endMs: startMs + ms(onset) + ms(lasts),
  parameters,
})

test('of a filter that is clogged from the first reading on only that is told', () => {
  const evaluation = evaluationOf(installedRules('hvac'), deviceOf(type))
  giveAll(evaluation, readingsOf('1m', [['1h', pa(250)]]))
  expect(evaluation.events.map(({ data }) => data.rule)).toEqual(['hvac-filter-clogged'])
})

test('a filter that clogs is told of in time to be changed, then when it is clogged, each once', () => {
  const clog = fault('filter_clog', '36h', '18d', { life_days: 8 })
  const { warnByMs, failureMs } = airHandler.create(1, 'unit', { faults: [clog] }).consequenceOf!(clog)
  const raised = raisedOf('20d', [clog])
  expect(raised.map(({ rule }) => rule)).toEqual(['hvac-filter-soon', 'hvac-filter-clogged'])
  expect(raised[0]!.timeMs).toBeLessThan(warnByMs!)
  expect(failureMs! - raised[1]!.timeMs).toBeGreaterThan(ms('1d'))
})

test.each([
  ['where it was by day', '36h', -1],
  ['where it was at night', '28h', -1],
  ['shut', '36h', 0],
  ['wide open', '36h', 100],
])('a valve that is stuck %s is told of once within a day of being seen', (_where, onset, position_pct) => {
  const stuck = fault('valve_stuck', onset, '12d', { position_pct })
  const told = airHandler.create(1, 'unit', { faults: [stuck] }).consequenceOf!(stuck)
  const [first, ...more] = raisedOf('14d', [stuck])
  expect(first?.rule).toBe('hvac-valve-stuck')
  expect(first!.timeMs).toBeGreaterThan(told.detectableFromMs)
  expect(first!.timeMs - told.detectableFromMs).toBeLessThan(ms('1d'))
  expect(more).toEqual([])
})

/** Every metric stuck from Wednesday noon on; spikes and dips in one reading of 50. */
test.each([
  'filter_pressure_pa',
  'fan_speed_pct',
  'valve_command_pct',
  'valve_position_pct',
  'supply_temperature_c',
  'supply_setpoint_c',
  'return_temperature_c',
])('neither a stuck sensor of %s nor its spikes or dips raise anything', (metric) => {
  const isOdd = (since: number) => (since / 60_000) % 50 === 7
  let held: Values | undefined
  const stuck: Change = (values, since) => {
    if (since >= ms('60h')) held ??= values
    return { ...values, [metric]: (held ?? values)[metric]! }
  }
  expect(raisedOf('8d', [], stuck)).toEqual([])
  for (const factor of [0, 10]) {
    const odd: Change = (values, since) =>
      isOdd(since) ? { ...values, [metric]: Number(values[metric]) * factor } : values
    expect(raisedOf('3d', [], odd)).toEqual([])
  }
})
