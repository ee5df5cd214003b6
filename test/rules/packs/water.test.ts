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

const type = 'water_meter'
const every = '15m'
const row = (
  rule: string,
  is: string,
  plays: readonly Phase[],
  says: readonly string[],
  labels: Record<string, string> = {},
): PackCase => ({ rule: `water-${rule}`, is, every, plays, says, type, labels })

const flow = (flow_l_h: number) => ({ flow_l_h })
const celsius = (water_temperature_c: number) => ({ water_temperature_c })

/** Share of Q3 in L/h at 2.5 m³/h. */
const burst = (percent: number, limit: number): PackCase[] => [
  row(`burst-${percent}`, 'at the limit', [['3h', flow(limit)]], []),
  row(`burst-${percent}`, 'just under', [['3h', flow(limit - 0.1)]], []),
  row(`burst-${percent}`, 'just over, for exactly 30 minutes', [['45m', flow(limit + 0.1)]], ['raised 30m']),
  row(
    `burst-${percent}`,
    'just over, but the reading between was lost',
    [['2h', (since) => (since % 1_800_000 === 900_000 ? {} : flow(limit + 0.1))]],
    [],
  ),
  row(`burst-${percent}`, 'just over, for less', [['30m', flow(limit + 0.1)]], []),
  row(
    `burst-${percent}`,
    'cleared after a quarter of an hour under it',
    [
      ['45m', flow(limit + 0.1)],
      ['30m', flow(limit)],
    ],
    ['raised 30m', 'cleared 1h'],
  ),
  row(`burst-${percent}`, 'a larger meter at its limit', [['3h', flow(2 * limit)]], [], { q3_m3_h: '5' }),
  row(`burst-${percent}`, 'a larger meter just over', [['45m', flow(2 * limit + 0.1)]], ['raised 30m'], {
    q3_m3_h: '5',
  }),
]

testPack('water', [
  row('leak', 'at the sensitivity', [['48h', flow(2.4)]], []),
  row('leak', 'just over, for exactly 24 hours', [['1455m', flow(2.41)]], ['raised 24h']),
  row('leak', 'just over, for less', [['24h', flow(2.41)]], []),
  row(
    'leak',
    'one hour without flow',
    [
      ['12h', flow(5)],
      ['1h', flow(0)],
      ['24h', flow(5)],
    ],
    [],
  ),
  row(
    'leak',
    'an hour without flow, then 24 with it',
    [
      ['12h', flow(5)],
      ['1h', flow(0)],
      ['1455m', flow(5)],
    ],
    ['raised 37h'],
  ),
  row(
    'leak',
    'three quarters of an hour without',
    [
      ['12h', flow(5)],
      ['45m', flow(0)],
      ['12h', flow(5)],
    ],
    ['raised 24h'],
  ),
  row(
    'leak',
    'single readings of none, as between the drops of a small leak',
    [['1455m', (since) => flow((since / 900_000) % 2 === 0 ? 5 : 0)]],
    ['raised 24h'],
  ),
  row(
    'leak',
    'cleared when an hour had none',
    [
      ['25h', flow(5)],
      ['1h', flow(0)],
    ],
    ['raised 24h', 'cleared 1545m'],
  ),
  row('leak', 'sensitivity from the label', [['1455m', flow(12)]], [], { leak_flow_l_h: '12' }),
  ...burst(5, 125),
  ...burst(10, 250),
  ...burst(20, 500),
  row('night-flow', 'at the limit', [['48h', flow(18)]], []),
  row(
    'night-flow',
    'just over, one night',
    [
      ['345m', flow(18.1)],
      ['15m', flow(18.1)],
    ],
    ['raised 345m'],
  ),
  row('night-flow', 'just over, but not to the end of the night', [['345m', flow(18.1)]], []),
  row('night-flow', 'just over, two nights', [['31h', flow(18.1)]], ['raised 345m', 'escalated 30h']),
  row(
    'night-flow',
    'a night without follows',
    [
      ['10h', flow(18.1)],
      ['38h', flow(0)],
    ],
    ['raised 345m', 'cleared 30h'],
  ),
  row(
    'night-flow',
    'one reading of none',
    [
      ['3h', flow(50)],
      ['15m', flow(0)],
      ['21h', flow(50)],
    ],
    [],
  ),
  row(
    'night-flow',
    'flow by day only',
    [
      ['7h', flow(0)],
      ['15h', flow(300)],
      ['8h', flow(0)],
    ],
    [],
  ),
  row('frost', 'at 3 °C, for exactly 15 minutes', [['30m', celsius(3)]], ['raised 15m']),
  row('frost', 'just over', [['3h', celsius(3.01)]], []),
  row('frost', 'just under, for less', [['15m', celsius(2.99)]], []),
  row(
    'frost',
    'cleared after half an hour at 4 °C',
    [
      ['30m', celsius(2)],
      ['45m', celsius(4)],
    ],
    ['raised 15m', 'cleared 1h'],
  ),
])

test('of three bursts only the greatest is announced', () => {
  const evaluation = evaluationOf(installedRules('water'), deviceOf(type))
  giveAll(evaluation, readingsOf(every, [['2h', flow(501)]]))
  expect(evaluation.events.map(({ data }) => data.rule)).toEqual(['water-burst-20'])
})

for (const seed of [1, 2, 3]) testHealthy('water', type, () => healthyDay(type, seed))
