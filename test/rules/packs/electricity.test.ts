import { electricityCase as row } from './electricity-case.ts'
import { meteringCases } from './metering-cases.ts'
import { healthyDay, testHealthy, testPack } from './pack-drive.ts'

const type = 'smart_meter'
const v = (voltage_v: number) => ({ voltage_v })
const hz = (frequency_hz: number) => ({ frequency_hz })
const phases = (l1: number, l2: number, l3: number) => ({
  voltage_l1_v: l1,
  voltage_l2_v: l2,
  voltage_l3_v: l3,
})

testPack('electricity', [
  row('voltage-high', 'at 253 V', '1m', [['1h', v(253)]], []),
  row('voltage-high', 'just under', '1m', [['1h', v(252.99)]], []),
  row(
    'voltage-high',
    'just over, then normal',
    '1m',
    [
      ['10m', v(253.01)],
      ['11m', v(230)],
    ],
    ['raised 7m', 'cleared 20m'],
  ),
  row('voltage-high', 'one reading fewer than make a mean', '1m', [['7m', v(253.01)]], []),
  row(
    'voltage-high',
    'readings that no grid gives, again and again',
    '1m',
    [['3h', (since) => v(since % 300_000 === 0 ? 1000 : 230)]],
    [],
  ),
  row('voltage-high', 'the highest that a grid gives, and on', '1m', [['8m', v(438)]], ['raised 7m']),
  row('voltage-high', 'what no grid gives, and on', '1m', [['1h', v(438.1)]], []),
  row(
    'voltage-high',
    'over, from ten minutes after a reading that no grid gives',
    '1m',
    [
      ['1m', v(1000)],
      ['12m', v(254)],
    ],
    ['raised 10m'],
  ),
  row(
    'voltage-high',
    'one spike',
    '1m',
    [
      ['20m', v(230)],
      ['1m', v(400)],
      ['20m', v(230)],
    ],
    [],
  ),
  row('voltage-high', 'one phase just over', '1m', [['8m', phases(230, 253.01, 230)]], ['raised 7m']),
  row('voltage-high', 'limit from the label', '1m', [['8m', v(128)]], ['raised 7m'], {
    voltage_high_v: '127',
  }),
  row('voltage-low', 'at 195.5 V', '1m', [['1h', v(195.5)]], []),
  row('voltage-low', 'just over', '1m', [['1h', v(195.51)]], []),
  row(
    'voltage-low',
    'just under, then normal',
    '1m',
    [
      ['10m', v(195.49)],
      ['11m', v(230)],
    ],
    ['raised 7m', 'cleared 20m'],
  ),
  row(
    'voltage-low',
    'an interruption every five minutes',
    '1m',
    [['3h', (since) => v(since % 300_000 === 0 ? 0 : 200)]],
    [],
  ),
  row('voltage-low', 'the lowest that is no interruption', '1m', [['8m', v(11.5)]], ['raised 7m']),
  row('voltage-low', 'an interruption', '1m', [['1h', v(11.4)]], []),
  row(
    'voltage-low',
    'a start with one reading of nothing',
    '1m',
    [
      ['1m', v(0)],
      ['20m', v(230)],
    ],
    [],
  ),
  // 5 % of a week are 504 minutes; the first mean is at 7 minutes.
  row('voltage-week', 'just over 253 V, just over 5 %', '1m', [['513m', v(253.01)]], ['raised 512m']),
  row(
    'voltage-week',
    'exactly 5 %',
    '1m',
    [
      ['511m', v(254)],
      ['2h', v(230)],
    ],
    [],
  ),
  row('voltage-week', 'just under 207 V, just over 5 %', '1m', [['513m', v(206.99)]], ['raised 512m']),
  row(
    'voltage-week',
    'readings that no grid gives, 10 % of all',
    '1m',
    [['20h', (since) => v(since % 600_000 === 0 ? 1000 : since % 600_000 === 300_000 ? 0 : 230)]],
    [],
  ),
  row('voltage-week', 'at 253 V', '1m', [['10h', v(253)]], []),
  row('voltage-week', 'at 207 V', '1m', [['10h', v(207)]], []),
  row('frequency-limit', 'at 52 Hz', '1m', [['5m', hz(52)]], []),
  row('frequency-limit', 'just over, for exactly a minute', '1m', [['2m', hz(52.01)]], ['raised 1m']),
  row('frequency-limit', 'one bad value', '1m', [['1m', hz(0)]], []),
  row(
    'frequency-limit',
    'nothing and ten times as much, over and over',
    '1m',
    [['10m', (since) => hz(since % 120_000 === 0 ? 0 : 500)]],
    [],
  ),
  row('frequency-limit', 'the highest that is measured', '1m', [['2m', hz(57.5)]], ['raised 1m']),
  row('frequency-limit', 'the lowest that is measured', '1m', [['2m', hz(42.5)]], ['raised 1m']),
  row('frequency-limit', 'just under a minute', '10s', [['60s', hz(46.9)]], []),
  row('frequency-limit', 'at 47 Hz', '1m', [['5m', hz(47)]], []),
  row('frequency-limit', 'just under 47 Hz', '1m', [['2m', hz(46.99)]], ['raised 1m']),
  // 0.5 % of 365 days are 2,628 minutes.
  row('frequency-year', 'just over 50.5 Hz for exactly 0.5 %', '6m', [['2634m', hz(50.51)]], []),
  row('frequency-year', 'just over 50.5 Hz for more', '6m', [['2640m', hz(50.51)]], ['raised 2634m']),
  row('frequency-year', 'just under 49.5 Hz for more', '6m', [['2640m', hz(49.49)]], ['raised 2634m']),
  row('frequency-year', 'nothing measured for more', '6m', [['2700m', hz(0)]], []),
  row('frequency-year', 'at 50.5 Hz', '6m', [['2700m', hz(50.5)]], []),
  row('frequency-year', 'at 49.5 Hz', '6m', [['2700m', hz(49.5)]], []),
  row('unbalance-week', 'at 2 %', '1m', [['10h', phases(204, 200, 196)]], []),
  row('unbalance-week', 'just under', '1m', [['10h', phases(203.9, 200, 196.1)]], []),
  row(
    'unbalance-week',
    'just over, for more than 5 %',
    '1m',
    [['506m', phases(204.1, 200, 195.9)]],
    ['raised 505m'],
  ),
  row(
    'unbalance-week',
    'just over, for exactly 5 %',
    '1m',
    [
      ['504m', phases(204.1, 200, 195.9)],
      ['2h', phases(200, 200, 200)],
    ],
    [],
  ),
  row(
    'phase-loss',
    'just under 80 % at three readings, others at 90 %',
    '10s',
    [['30s', phases(183.9, 207, 207)]],
    ['raised 20s'],
  ),
  row('phase-loss', 'the third phase, each minute', '1m', [['3m', phases(230, 230, 0)]], ['raised 2m']),
  row('phase-loss', 'at exactly 10 s', '1s', [['11s', phases(0, 230, 230)]], ['raised 10s']),
  row('phase-loss', 'under 10 s', '1s', [['10s', phases(0, 230, 230)]], []),
  row('phase-loss', 'at 80 %', '10s', [['60s', phases(184, 230, 230)]], []),
  row('phase-loss', 'another just under 90 %', '10s', [['60s', phases(0, 206.9, 230)]], []),
  row(
    'phase-loss',
    'nothing shown twice, and again later',
    '1m',
    [
      ['2m', phases(230, 0, 230)],
      ['1m', phases(230, 230, 230)],
      ['2m', phases(230, 0, 230)],
      ['5m', phases(230, 230, 230)],
    ],
    [],
  ),
  row(
    'phase-loss',
    'nothing shown once, and not the phase again',
    '1m',
    [
      ['1m', phases(230, 0, 230)],
      ['5m', { voltage_l1_v: 230, voltage_l3_v: 230 }],
    ],
    [],
  ),
  row(
    'phase-loss',
    'three readings with others between that lack a phase',
    '1m',
    [['5m', (since) => (since % 120_000 === 0 ? phases(230, 0, 230) : { voltage_l1_v: 230 })]],
    ['raised 4m'],
  ),
  row(
    'phase-loss',
    'phases that come a second apart',
    '1s',
    [['30s', (since) => ({ [`voltage_l${((since / 1000) % 3) + 1}_v`]: since % 3000 === 0 ? 0 : 230 })]],
    ['raised 12s'],
  ),
  ...meteringCases,
])

for (const seed of [1, 2])
  testHealthy('electricity', type, () => healthyDay(type, seed), { generation: 'none' })
