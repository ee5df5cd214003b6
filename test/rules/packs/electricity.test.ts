import { healthyDay, type PackCase, type Phase, testHealthy, testPack } from './pack-drive.ts'

const type = 'smart_meter'
const row = (
  rule: string,
  is: string,
  every: string,
  plays: readonly Phase[],
  says: readonly string[],
  labels?: Record<string, string>,
): PackCase => ({
  rule: `electricity-${rule}`,
  is,
  every,
  plays,
  says,
  type,
  ...(labels === undefined ? {} : { labels }),
})

const v = (voltage_v: number) => ({ voltage_v })
const hz = (frequency_hz: number) => ({ frequency_hz })
const kwh = (energy_import_kwh: number) => ({ energy_import_kwh })
const watts = (active_power_w: number) => ({ active_power_w })
const phases = (l1: number, l2: number, l3: number) => ({
  voltage_l1_v: l1,
  voltage_l2_v: l2,
  voltage_l3_v: l3,
})
const load = (active_power_w: number, power_factor: number) => ({ active_power_w, power_factor })
const reactive = (active_power_w: number, reactive_power_var: number) => ({
  active_power_w,
  reactive_power_var,
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
  row('voltage-week', 'at 253 V', '1m', [['10h', v(253)]], []),
  row('voltage-week', 'at 207 V', '1m', [['10h', v(207)]], []),
  row('frequency-limit', 'at 52 Hz', '1m', [['5m', hz(52)]], []),
  row('frequency-limit', 'just over, for exactly a minute', '1m', [['2m', hz(52.01)]], ['raised 1m']),
  row('frequency-limit', 'one bad value', '1m', [['1m', hz(0)]], []),
  row('frequency-limit', 'just under a minute', '10s', [['60s', hz(46.9)]], []),
  row('frequency-limit', 'at 47 Hz', '1m', [['5m', hz(47)]], []),
  row('frequency-limit', 'just under 47 Hz', '1m', [['2m', hz(46.99)]], ['raised 1m']),
  // 0.5 % of 365 days are 2,628 minutes.
  row('frequency-year', 'just over 50.5 Hz for exactly 0.5 %', '6m', [['2634m', hz(50.51)]], []),
  row('frequency-year', 'just over 50.5 Hz for more', '6m', [['2640m', hz(50.51)]], ['raised 2634m']),
  row('frequency-year', 'just under 49.5 Hz for more', '6m', [['2640m', hz(49.49)]], ['raised 2634m']),
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
    'just under 80 % for exactly 10 s, others at 90 %',
    '10s',
    [['20s', phases(183.9, 207, 207)]],
    ['raised 10s'],
  ),
  row('phase-loss', 'the third phase', '10s', [['20s', phases(230, 230, 0)]], ['raised 10s']),
  row('phase-loss', 'at 80 %', '10s', [['60s', phases(184, 230, 230)]], []),
  row('phase-loss', 'another just under 90 %', '10s', [['60s', phases(0, 206.9, 230)]], []),
  row('phase-loss', 'under 10 s', '9s', [['18s', phases(0, 230, 230)]], []),
  row(
    'register-reset',
    'just under half',
    '1m',
    [
      ['1m', kwh(1000)],
      ['2m', kwh(499)],
    ],
    ['raised 1m', 'cleared 2m'],
  ),
  row(
    'register-reset',
    'at half',
    '1m',
    [
      ['1m', kwh(1000)],
      ['2m', kwh(500)],
    ],
    [],
  ),
  row(
    'register-reset',
    'a rollover',
    '1m',
    [
      ['1m', kwh(999_999)],
      ['2m', kwh(1)],
    ],
    [],
  ),
  row(
    'register-rollover',
    'over 999,999',
    '1m',
    [
      ['1m', kwh(999_999)],
      ['2m', kwh(1)],
    ],
    ['raised 1m', 'cleared 2m'],
  ),
  row(
    'register-rollover',
    'a reset',
    '1m',
    [
      ['1m', kwh(1000)],
      ['2m', kwh(1)],
    ],
    [],
  ),
  row(
    'register-reverse',
    'at half, cleared after six hours without another fall',
    '1m',
    [
      ['1m', kwh(1000)],
      ['362m', kwh(500)],
    ],
    ['raised 1m', 'cleared 362m'],
  ),
  row(
    'register-reverse',
    'just under the previous',
    '1m',
    [
      ['1m', kwh(1000)],
      ['1m', kwh(999.9)],
    ],
    ['raised 1m'],
  ),
  row('register-reverse', 'the same', '1m', [['5m', kwh(1000)]], []),
  row(
    'register-implausible',
    'at the limit',
    '1h',
    [
      ['1h', kwh(0)],
      ['1h', kwh(83.14)],
    ],
    [],
  ),
  row(
    'register-implausible',
    'just over',
    '1h',
    [
      ['1h', kwh(0)],
      ['1h', kwh(83.15)],
    ],
    ['raised 1h'],
  ),
  row(
    'register-implausible',
    'limit from the label',
    '1h',
    [
      ['1h', kwh(0)],
      ['1h', kwh(11)],
    ],
    ['raised 1h'],
    {
      import_kwh_per_h_max: '10',
    },
  ),
  row('export-without-generation', 'at 20 W', '1m', [['1h', watts(-20)]], [], { generation: 'none' }),
  row(
    'export-without-generation',
    'just over, for exactly 5 minutes; then at the limit of clearing',
    '1m',
    [
      ['6m', watts(-20.1)],
      ['6m', watts(-10)],
    ],
    ['raised 5m', 'cleared 11m'],
    { generation: 'none' },
  ),
  row('export-without-generation', 'under 5 minutes', '1m', [['5m', watts(-500)]], [], {
    generation: 'none',
  }),
  row('export-without-generation', 'a house that has generation', '1m', [['1h', watts(-500)]], [], {
    generation: 'pv',
  }),
  row('power-factor', 'at 0.9', '1m', [['1h', load(1500, 0.9)]], []),
  row(
    'power-factor',
    'just under, for exactly 15 minutes',
    '1m',
    [['16m', load(1500, 0.899)]],
    ['raised 15m'],
  ),
  row(
    'power-factor',
    'capacitive, as some meters write it',
    '1m',
    [['16m', load(1500, -0.899)]],
    ['raised 15m'],
  ),
  row('power-factor', 'under 15 minutes', '1m', [['15m', load(1500, 0.5)]], []),
  row('power-factor', 'at the least load', '1m', [['1h', load(1000, 0.5)]], []),
  row('power-factor', 'just over the least load', '1m', [['16m', load(1000.1, 0.5)]], ['raised 15m']),
  // 0.9 is a reactive power of 726.48 var.
  row('power-factor', 'calculated, just under', '1m', [['16m', reactive(1500, 727)]], ['raised 15m']),
  row('power-factor', 'calculated, just over', '1m', [['1h', reactive(1500, 726)]], []),
  row('no-consumption', 'exactly 7 days', '1h', [['169h', kwh(100)]], ['raised 7d']),
  row('no-consumption', 'under 7 days', '1h', [['168h', kwh(100)]], []),
  row(
    'no-consumption',
    'risen by 0.1 kWh',
    '1h',
    [
      ['100h', kwh(0)],
      ['69h', kwh(0.1)],
    ],
    ['raised 7d'],
  ),
  row(
    'no-consumption',
    'risen by a little more',
    '1h',
    [
      ['100h', kwh(0)],
      ['100h', kwh(0.11)],
    ],
    [],
  ),
])

for (const seed of [1, 2])
  testHealthy('electricity', type, () => healthyDay(type, seed), { generation: 'none' })
