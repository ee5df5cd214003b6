import { type PackRule, practiceNotStandard, type RulePack } from './rule-pack.ts'

const pack = 'electricity'
const select = { types: ['smart_meter'] }
const common = { class: 'maintenance', select } as const
const voltages = ['voltage_v', 'voltage_l1_v', 'voltage_l2_v', 'voltage_l3_v']
/**
 * What a low-voltage grid can show. Below 5 % of 230 V the supply is interrupted, and such times are no part of the means (EN 50160);
 * a phase whose neutral is lost stands at most at the voltage between phases, 253 V · √3.
 */
const plausibleV = [11.5, 438]
/** A mean over a reading that cannot be is no mean: IEC 61000-4-30 flags it, and flagged ones are left out. */
const tenMinutes = { kind: 'aggregate', fn: 'mean', window: '10m', minCount: 8, plausible: plausibleV }
const any = (of: readonly object[]) => ({ kind: 'any', of })

const meansAbove = (label: string, limit: number) =>
  voltages.map((metric) => ({ ...tenMinutes, metric, above: { label, default: limit } }))
const meansBelow = (label: string, limit: number) =>
  voltages.map((metric) => ({ ...tenMinutes, metric, below: { label, default: limit } }))

/** Plausible is what instruments for 50 Hz must be able to measure (IEC 61000-4-30, class A). */
const frequency = {
  kind: 'aggregate',
  metric: 'frequency_hz',
  fn: 'mean',
  window: '10s',
  plausible: [42.5, 57.5],
}

/** Each phase voltage is further than 2 % from the mean of the three. */
const unbalanced = ['l1', 'l2', 'l3']
  .flatMap((phase) => [
    `voltage_${phase}_v * 3.0 > 1.02 * (voltage_l1_v + voltage_l2_v + voltage_l3_v)`,
    `voltage_${phase}_v * 3.0 < 0.98 * (voltage_l1_v + voltage_l2_v + voltage_l3_v)`,
  ])
  .join(' || ')

/** One phase under 80 % of 230 V while both others have at least 90 %. */
const phaseLost = [
  ['l1', 'l2', 'l3'],
  ['l2', 'l1', 'l3'],
  ['l3', 'l1', 'l2'],
]
  .map(([lost, a, b]) => `voltage_${lost}_v < 184.0 && voltage_${a}_v >= 207.0 && voltage_${b}_v >= 207.0`)
  .map((phase) => `(${phase})`)
  .join(' || ')

/** P / √(P² + Q²) < 0.9, without the root. */
const lowPowerFactor =
  'active_power_w * active_power_w < 0.81 * (active_power_w * active_power_w + reactive_power_var * reactive_power_var)'

const quality: readonly PackRule[] = [
  {
    ...common,
    id: 'electricity-voltage-high',
    name: 'Voltage above +10 %',
    description:
      'A 10-minute mean of the voltage (of any phase) above 253 V. The 10 minutes slide; those of the standard are fixed. Of fewer than 8 readings there is no mean, nor over one that no low-voltage grid gives (under 11.5 V, an interruption, or over 438 V).',
    severity: 'major',
    when: any(meansAbove('voltage_high_v', 253)),
    keepFor: '10m',
    message:
      '{device}: a 10-minute mean of the voltage is above its limit of 253 V (or its label). Tell the grid operator; check feed-in nearby.',
    labels: { pack, standard: 'EN 50160:2010, 4.2.2.2 (supply voltage variations, low voltage)' },
  },
  {
    ...common,
    id: 'electricity-voltage-low',
    name: 'Voltage below −15 %',
    description:
      'A 10-minute mean of the voltage (of any phase) below 195.5 V. Of fewer than 8 readings there is no mean, nor over one under 11.5 V (an interruption) or over 438 V.',
    severity: 'major',
    when: any(meansBelow('voltage_low_v', 195.5)),
    keepFor: '10m',
    message:
      '{device}: a 10-minute mean of the voltage is below its limit of 195.5 V (or its label). Tell the grid operator; check connections and load.',
    labels: { pack, standard: 'EN 50160:2010, 4.2.2.2 (supply voltage variations, low voltage)' },
  },
  {
    ...common,
    id: 'electricity-voltage-week',
    name: 'Voltage outside ±10 % for more than 5 % of a week',
    description:
      '10-minute means outside 207–253 V for more than 5 % of the last 7 days. The week slides. What was not seen counts as within, and so do means over a reading under 11.5 V or over 438 V.',
    severity: 'minor',
    when: {
      kind: 'share',
      of: any([...meansAbove('voltage_high_v', 253), ...meansBelow('voltage_week_low_v', 207)]),
      window: '7d',
      above: 0.05,
    },
    message:
      '{device}: the voltage was outside ±10 % for a share of {value} of the last week (0.05 is allowed). Tell the grid operator.',
    labels: { pack, standard: 'EN 50160:2010, 4.2.2.2 (95 % of the 10-minute means of each week)' },
  },
  {
    ...common,
    id: 'electricity-frequency-limit',
    name: 'Frequency outside 47–52 Hz',
    description:
      '10-second means outside 47–52 Hz that last a minute. The minute is ours, so that one bad value raises nothing. A mean over a reading outside 42.5–57.5 Hz says nothing: meters show 0 or a multiple where they measure nothing. For systems in synchronous connection.',
    severity: 'critical',
    when: any([
      { ...frequency, above: 52 },
      { ...frequency, below: 47 },
    ]),
    for: '1m',
    keepFor: '1m',
    message: '{device}: the frequency is {value} Hz, outside 47–52 Hz: the grid is failing or an island.',
    labels: { pack, standard: 'EN 50160:2010, 4.2.1 (power frequency, 100 % of the time)' },
  },
  {
    ...common,
    id: 'electricity-frequency-year',
    name: 'Frequency outside ±1 % for more than 0.5 % of a year',
    description:
      '10-second means outside 49.5–50.5 Hz for more than 0.5 % of the last 365 days. What was not seen counts as within, and so does what is outside 42.5–57.5 Hz.',
    severity: 'minor',
    when: {
      kind: 'share',
      of: any([
        { ...frequency, above: 50.5 },
        { ...frequency, below: 49.5 },
      ]),
      window: '365d',
      above: 0.005,
    },
    message: '{device}: the frequency was outside 49.5–50.5 Hz for a share of {value} of the last year.',
    labels: { pack, standard: 'EN 50160:2010, 4.2.1 (power frequency, 99.5 % of a year)' },
  },
  {
    ...common,
    id: 'electricity-unbalance-week',
    name: 'Voltage unbalance above 2 % for more than 5 % of a week',
    description:
      'A phase voltage further than 2 % from the mean of the three, for more than 5 % of the last 7 days. An approximation: the standard takes 10-minute means of the negative-sequence component, which magnitudes alone do not give.',
    severity: 'minor',
    when: {
      kind: 'share',
      of: { kind: 'expression', cel: unbalanced, maxAge: '1m' },
      window: '7d',
      above: 0.05,
    },
    message:
      '{device}: phase voltages differ by more than 2 % for a share of {value} of the last week. Spread single-phase loads.',
    labels: { pack, standard: 'EN 50160:2010, 4.2.4 (supply voltage unbalance), approximated' },
  },
  {
    ...common,
    id: 'electricity-phase-loss',
    name: 'Phase lost',
    description:
      'One phase below 80 % of 230 V while both others have at least 90 %, at three readings in a row that show all three phases, over at least 10 seconds: a meter may show nothing once or twice.',
    severity: 'critical',
    when: {
      kind: 'repeated',
      // What a phase showed at the reading before is no reading of it again; phases may come a moment apart.
      of: { kind: 'expression', cel: phaseLost, maxAge: '5s' },
      times: 3,
      for: '10s',
    },
    keepFor: '10s',
    message: '{device}: a phase is lost. Motors overheat: disconnect three-phase loads, check fuses.',
    labels: { pack, standard: practiceNotStandard },
  },
]

const register = { kind: 'counter', metric: 'energy_import_kwh' }
/** kWh in five minutes at the limit of `electricity-register-implausible`: what a clock that is put right by as much makes of a register. */
const tolerance = 7

/** `against`: the sign of the power at which such a register has nothing to count. */
const reverse = (metric: string, against: object) => {
  const fall = { ...register, metric, event: 'reverse', max: 1_000_000 }
  return [
    { ...fall, tolerance },
    { kind: 'all', of: [fall, { kind: 'threshold', metric: 'active_power_w', ...against }] },
    { kind: 'repeated', of: fall, times: 2 },
  ]
}

const metering: readonly PackRule[] = [
  {
    ...common,
    id: 'electricity-register-reset',
    name: 'Register reset',
    description:
      'A register of energy fell to less than half, other than by rollover at 1,000,000 kWh: a meter exchanged, restarted or manipulated.',
    severity: 'major',
    when: any([
      { ...register, event: 'reset', max: 1_000_000 },
      { ...register, metric: 'energy_export_kwh', event: 'reset', max: 1_000_000 },
    ]),
    message:
      '{device}: the register fell from {threshold} to {value} kWh. Check whether the meter was exchanged.',
    labels: { pack, standard: practiceNotStandard },
  },
  {
    ...common,
    id: 'electricity-register-rollover',
    name: 'Register rolled over',
    description:
      'The import register began again at 0 after 999,999 kWh (six digits; edit `max` for other meters).',
    severity: 'info',
    when: { ...register, event: 'rollover', max: 1_000_000 },
    message: '{device}: the register rolled over, from {threshold} to {value} kWh.',
    labels: { pack, standard: practiceNotStandard },
  },
  {
    ...common,
    id: 'electricity-register-reverse',
    name: 'Register ran backwards',
    description:
      'A register of energy fell, but to no less than half: it must never fall. By over 7 kWh at once, or by less at two readings in a row or while power flows the other way, as in a meter that is connected the wrong way round: where a clock is put back, readings of before and after stand side by side, and a register seems to fall by less, in the midst of being used, and never twice.',
    severity: 'major',
    when: any([...reverse('energy_import_kwh', { below: 0 }), ...reverse('energy_export_kwh', { above: 0 })]),
    // At night a meter that turns the wrong way falls by less than it shows, now and then: that is one alarm.
    keepFor: '6h',
    message:
      '{device}: the register fell from {threshold} to {value} kWh. Check the meter, its wiring and its seals.',
    labels: { pack, standard: practiceNotStandard },
  },
  {
    ...common,
    id: 'electricity-register-implausible',
    name: 'Register rose too fast',
    description:
      'The import register rose by more than the connection can carry: I_max · U · √3 · Δt · 1.2, which for 100 A and 400 V is 83.14 kWh an hour, and by 7 kWh (five minutes of that) more, since clocks are put right. Label `import_kwh_per_h_max` for other connections, or for registers in steps of a kWh.',
    severity: 'major',
    when: {
      ...register,
      event: 'implausible',
      maxPerHour: { label: 'import_kwh_per_h_max', default: 83.14 },
      tolerance,
    },
    message:
      '{device}: the register rose to {value} kWh faster than {threshold} kWh an hour. Do not bill it.',
    labels: { pack, standard: practiceNotStandard },
  },
  {
    ...common,
    id: 'electricity-export-without-generation',
    name: 'Export without generation',
    description:
      'Power flows out of a house whose label `generation` is `none`: an unregistered generator or a meter connected the wrong way round. More than 20 W for 5 minutes.',
    severity: 'minor',
    select: { ...select, labels: { generation: 'none' } },
    when: { kind: 'threshold', metric: 'active_power_w', below: -20, clear: -10 },
    for: '5m',
    keepFor: '5m',
    message: '{device} exports ({value} W) though it has no generation. Check the wiring, ask the customer.',
    labels: { pack, standard: practiceNotStandard },
  },
  {
    ...common,
    id: 'electricity-power-factor',
    name: 'Power factor below 0.9',
    description:
      'Power factor within ±0.9, as sent or calculated from active and reactive power, for 15 minutes at a load above 1,000 W (label `power_factor_load_w`): at next to no load it means nothing.',
    severity: 'warning',
    when: {
      kind: 'all',
      of: [
        {
          kind: 'threshold',
          metric: 'active_power_w',
          above: { label: 'power_factor_load_w', default: 1000 },
        },
        any([
          { kind: 'threshold', metric: 'power_factor', inside: [-0.9, 0.9] },
          { kind: 'expression', cel: lowPowerFactor, maxAge: '1m' },
        ]),
      ],
    },
    for: '15m',
    keepFor: '15m',
    message:
      '{device}: power factor below 0.9 at {value} W. Check compensation; reactive power may be charged.',
    labels: { pack, standard: practiceNotStandard },
  },
  {
    ...common,
    id: 'electricity-no-consumption',
    name: 'No consumption for 7 days',
    description:
      'The import register has not risen by more than 0.1 kWh in 7 days though readings came: an empty home, or a meter that is bypassed or broken.',
    severity: 'info',
    when: { kind: 'stuck', metric: 'energy_import_kwh', window: '7d', tolerance: 0.1, minCount: 24 },
    message: '{device}: no consumption for 7 days, the register stands at {value} kWh. Is anybody there?',
    labels: { pack, standard: practiceNotStandard },
  },
]

/** Voltage quality at a low-voltage connection, and what a meter's registers show. */
export const electricity: RulePack = {
  name: pack,
  description:
    'Voltage and frequency at a low-voltage connection (230 V, 50 Hz), and meters: registers, power factor, no consumption. Total harmonic distortion (8 %) is left out: no shipped profile measures it.',
  standards: ['EN 50160:2010'],
  rules: [...quality, ...metering],
}
