import type { FaultClass } from './fault.ts'

/** What a kind of fault is; docs/SIMULATOR.md holds the same table. */
export interface FaultKind {
  readonly class: FaultClass
  /** Models that can have it (process faults); any device can have the others. */
  readonly models?: readonly string[]
  readonly description: string
  /** What it takes, with its unit and its default; severity multiplies the ones that say so. */
  readonly parameters: Readonly<Record<string, { readonly default: number; readonly is: string }>>
  /** Rules of the shipped packs that should tell of it, or types of events. Empty: whatever is raised during it is a false alarm. */
  readonly expect: readonly string[]
  /** An event this long after the end still counts as telling of it, ms. */
  readonly graceMs: number
}

const minuteMs = 60_000
const hourMs = 3_600_000

type Parameters = FaultKind['parameters']

const process = (
  models: readonly string[],
  description: string,
  expect: readonly string[],
  graceMs: number,
  parameters: Parameters = {},
): FaultKind => ({ class: 'process', models, description, expect, graceMs, parameters })
const sensor = (description: string, parameters: Parameters = {}): FaultKind => ({
  class: 'sensor',
  description,
  expect: [],
  graceMs: 0,
  parameters,
})
const transport = (description: string, parameters: Parameters = {}): FaultKind => ({
  class: 'transport',
  description,
  expect: [],
  graceMs: 0,
  parameters,
})
const chance = (of: number, is = 'of each reading') => ({ default: of, is: `probability ${is}` })

const zones = [1, 2].flatMap((group) =>
  ['rigid', 'flexible'].flatMap((foundation) =>
    ['c', 'd'].map((zone) => `vibration-zone-${zone}-group-${group}-${foundation}`),
  ),
)
const changes = [1, 2].flatMap((group) =>
  ['rigid', 'flexible'].map((foundation) => `vibration-change-group-${group}-${foundation}`),
)

/** Every kind of fault, by name. */
export const faultKinds: Readonly<Record<string, FaultKind>> = {
  bearing_wear: process(
    ['vibration_sensor'],
    'a bearing wears out: v = v0 (vF/v0)^(x²) over its life, kurtosis and temperature follow',
    [...zones, ...changes, 'vibration-bearing-temperature-warning', 'vibration-bearing-temperature-alarm'],
    hourMs,
    { life_days: { default: 20, is: 'days from the onset to failure; divided by severity' } },
  ),
  imbalance: process(
    ['vibration_sensor'],
    'a rotor out of balance: velocity higher at once, growing with the square of the speed, no change of kurtosis',
    [...zones, ...changes],
    hourMs,
    { velocity_mm_s: { default: 3, is: 'mm/s RMS added at full speed; times severity' } },
  ),
  filter_clog: process(
    ['air_handler'],
    'a filter clogs: its pressure drop rises from 80 Pa to 250 Pa',
    ['hvac-filter-clogged', 'hvac-filter-soon'],
    24 * hourMs,
    { life_days: { default: 20, is: 'days at full air flow to 250 Pa; divided by severity' } },
  ),
  valve_stuck: process(
    ['air_handler'],
    'a valve or damper stays where it is whatever it is told',
    ['hvac-valve-stuck'],
    hourMs,
    { position_pct: { default: -1, is: '% at which it sticks; -1: where it was at the onset' } },
  ),
  refrigerant_leak: process(
    ['fridge'],
    'refrigerant leaks: cooling power falls, the compressor runs longer, then it warms',
    ['cold-chain-compressor-duty', 'cold-chain-fridge-too-warm'],
    4 * hourMs,
    { loss_k_per_h: { default: 1, is: 'K an hour that d falls; times severity' } },
  ),
  door_left_open: process(
    ['fridge'],
    'the door stands open',
    ['cold-chain-door-open', 'cold-chain-fridge-too-warm', 'cold-chain-compressor-duty'],
    // The compressor makes up for it afterwards, and the rule looks three hours back.
    4 * hourMs,
  ),
  water_leak: process(
    ['water_meter'],
    'water runs day and night',
    ['water-leak', 'water-night-flow', 'water-burst-5', 'water-burst-10', 'water-burst-20'],
    2 * hourMs,
    { flow_l_h: { default: 20, is: 'L/h; times severity, from 5 to 60' } },
  ),
  pv_string_loss: process(
    ['pv_meter'],
    'one string of the PV array gives nothing',
    ['home-energy-pv-below-neighbours'],
    hourMs,
    { share: { default: 0.5, is: 'share of the power that is lost; times severity' } },
  ),
  phase_loss: process(
    ['smart_meter'],
    'one phase of a three-phase connection is dead',
    ['electricity-phase-loss', 'electricity-voltage-low', 'electricity-unbalance-week'],
    15 * minuteMs,
    { phase: { default: 1, is: '1, 2 or 3' } },
  ),
  meter_tamper: process(
    ['smart_meter'],
    'the meter is connected the wrong way round: power is negative and the register runs backwards',
    ['electricity-register-reverse', 'electricity-export-without-generation'],
    15 * minuteMs,
  ),
  standby_load: process(
    ['smart_meter'],
    'something new runs day and night',
    ['home-energy-standby-night'],
    24 * hourMs,
    { power_w: { default: 250, is: 'W; times severity' } },
  ),
  window_left_open: process(
    ['room_sensor'],
    'a window stands open while the heating runs',
    ['home-energy-window-open'],
    30 * minuteMs,
  ),
  tachycardia_at_rest: process(
    ['wearable'],
    'the heart beats fast without effort',
    [
      'wearables-tachycardia-at-rest',
      'wearables-news2-single',
      'wearables-news2-medium',
      'wearables-news2-high',
    ],
    5 * minuteMs,
    { heart_rate_bpm: { default: 135, is: 'beats a minute at rest; 100 and (this − 100) × severity' } },
  ),
  desaturation: process(
    ['wearable'],
    'oxygen saturation falls',
    ['wearables-desaturation', 'wearables-news2-single', 'wearables-news2-medium', 'wearables-news2-high'],
    5 * minuteMs,
    { drop_pct: { default: 9, is: 'percentage points below normal; times severity' } },
  ),
  no_motion: process(
    ['wearable'],
    'the person does not move, and does not react',
    ['wearables-news2-single', 'wearables-news2-medium', 'wearables-news2-high'],
    15 * minuteMs,
  ),
  cdn_outage: process(
    ['player'],
    'servers fail that deliver to a region: players that are fed by them wait once their buffer is empty',
    ['streamhealth-region'],
    5 * minuteMs,
    { affected: { default: 0.7, is: 'share of the players; times severity' } },
  ),
  pick_missed: process(
    ['bin'],
    'an order is overlooked and not picked until the end',
    ['warehouse-not-picked'],
    15 * minuteMs,
  ),
  miscount: process(
    ['bin'],
    'an item is picked that nobody ordered; the order is written at the end',
    ['warehouse-not-ordered'],
    15 * minuteMs,
  ),

  stuck_at: sensor('the value of the onset is given all the time'),
  spike: sensor('single readings far from the truth', {
    probability: chance(0.005),
    magnitude: { default: 10, is: 'times the value (where that is 0: this); times severity' },
  }),
  dip: sensor('single readings of nothing', { probability: chance(0.005) }),
  drift: sensor('the value wanders off', {
    per_day: { default: 0.5, is: 'added a day; times severity' },
  }),
  bias: sensor('the value is off by as much always', {
    offset: { default: 1, is: 'added; times severity' },
  }),
  noise: sensor('the value trembles', {
    sd: { default: 1, is: 'standard deviation; times severity' },
    relative_sd: { default: 0, is: 'of the value, added to sd; times severity' },
  }),
  quantise: sensor('the value comes in steps', { step: { default: 1, is: 'of the steps; times severity' } }),
  saturate: sensor('the value cannot pass the ends of the sensor', {
    low: { default: -1e9, is: 'lowest' },
    high: { default: 1e9, is: 'highest' },
  }),
  null: sensor('no value', { probability: chance(0.1) }),
  unit_error: sensor('another unit than agreed', {
    factor: { default: 1.8, is: 'times the value' },
    offset: { default: 32, is: 'added after it' },
  }),
  counter_reset: sensor('a register begins again at 0'),
  counter_rollover: sensor('a register begins again after its last digit', {
    modulus: { default: 1_000_000, is: 'first value that it cannot show' },
  }),

  drop: transport('readings never leave', {
    probability: chance(0.01),
    run: { default: 1, is: 'readings in a row that are lost together' },
  }),
  field_missing: transport('values are missing', { probability: chance(0.1, 'of each value') }),
  gap: transport('no connection; what was read meanwhile comes in order when it is back', {
    lost: { default: 0, is: '1: what was read meanwhile is lost' },
  }),
  duplicate: transport('readings come twice, within a usual interval', { probability: chance(0.01) }),
  reorder: transport('a reading comes after its successor: 1.5 usual intervals late', {
    probability: chance(0.05),
  }),
  late: transport('a reading comes late', {
    probability: chance(0.3),
    intervals: { default: 3, is: 'usual intervals at most' },
  }),
  clock_skew: transport('the clock of the device is off', {
    offset_s: { default: 120, is: 'seconds, positive ahead; times severity' },
  }),
  clock_1970: transport('the clock lost its battery: at the onset it is 1970', { probability: chance(1) }),
  clock_future: transport('readings are dated ahead', {
    probability: chance(0.01),
    offset_s: { default: 31_536_000, is: 'seconds ahead' },
  }),
  reconnect_storm: transport('the connection is lost again and again', {
    every_s: { default: 30, is: 'seconds of virtual time' },
  }),
  malformed: transport('a payload that cannot be taken comes as well', { probability: chance(0.01) }),
  oversize: transport('a packet over the limit comes as well', {
    probability: chance(0.001),
    bytes: { default: 70_000, is: 'of its payload' },
  }),
  wrong_topic: transport('a message on a topic that is not the device’s comes as well', {
    probability: chance(0.001),
  }),
}
