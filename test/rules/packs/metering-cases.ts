import { electricityCase as row } from './electricity-case.ts'

const kwh = (energy_import_kwh: number) => ({ energy_import_kwh })
const watts = (active_power_w: number) => ({ active_power_w })
const load = (active_power_w: number, power_factor: number) => ({ active_power_w, power_factor })
const reactive = (active_power_w: number, reactive_power_var: number) => ({
  active_power_w,
  reactive_power_var,
})

/** What the registers and the power of a meter show: the second half of the pack `electricity`. */
export const meteringCases = [
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
    'just over 7 kWh at once',
    '1m',
    [
      ['1m', kwh(1000)],
      ['1m', kwh(992.9)],
    ],
    ['raised 1m'],
  ),
  row(
    'register-reverse',
    'little by little, twice in a row',
    '1m',
    [['3m', (since) => kwh(1000 - since / 60_000_000)]],
    ['raised 2m'],
  ),
  row(
    'register-reverse',
    'now and then while power flows out',
    '10s',
    [['1m', (since) => ({ ...kwh(since < 40_000 ? 1000 : 999.999), ...watts(-100) })]],
    ['raised 40s'],
  ),
  row(
    'register-reverse',
    'of export, while power flows in',
    '10s',
    [
      [
        '1m',
        (since) => ({
          energy_export_kwh: since < 40_000 ? 1000 : 999.999,
          ...watts(since < 40_000 ? -1 : 1),
        }),
      ],
    ],
    ['raised 40s'],
  ),
  row(
    'register-reverse',
    'by little, once, while nothing flows',
    '10s',
    [['1m', (since) => ({ ...kwh(since < 40_000 ? 1000 : 999.999), ...watts(0) })]],
    [],
  ),
  // Ten times as it was read, ten times as a clock shows it that was put back by two minutes and a half, in turn.
  row(
    'register-reverse',
    'a clock that is put back, readings of before and after side by side',
    '1m',
    [['20m', (since) => kwh(1000 + (since + (since % 120_000 === 0 ? 0 : 150_000)) / 600_000)]],
    [],
  ),
  row('register-reverse', 'the same', '1m', [['5m', kwh(1000)]], []),
  row(
    'register-implausible',
    'at the limit and 7 kWh',
    '1h',
    [
      ['1h', kwh(0)],
      ['1h', kwh(90.14)],
    ],
    [],
  ),
  row(
    'register-implausible',
    'just over',
    '1h',
    [
      ['1h', kwh(0)],
      ['1h', kwh(90.15)],
    ],
    ['raised 1h'],
  ),
  row(
    'register-implausible',
    'limit from the label',
    '1h',
    [
      ['1h', kwh(0)],
      ['1h', kwh(18)],
    ],
    ['raised 1h'],
    {
      import_kwh_per_h_max: '10',
    },
  ),
  row(
    'register-implausible',
    'three minutes of 20 kW within 8 s: a clock was put back',
    '8s',
    [
      ['8s', kwh(1000)],
      ['8s', kwh(1001)],
    ],
    [],
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
]
