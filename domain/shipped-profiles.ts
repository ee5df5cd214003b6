import type { MetricProfile, Profile } from './profile.ts'

/**
 * Profiles of the device types that ship. Ranges are what the physical quantity or the sensor can show, wide enough
 * that only a broken value falls outside; what is unusual but possible is the business of a rule.
 */

const gauge = (unit: string, min: number, max: number): MetricProfile => ({ unit, kind: 'gauge', min, max })
const counter = (unit: string): MetricProfile => ({ unit, kind: 'counter', min: 0, max: 1e12 })
const flag: MetricProfile = { kind: 'state', type: 'boolean' }
const state: MetricProfile = { kind: 'state' }

const percent = gauge('%', 0, 100)
const rssi = gauge('dBm', -200, 50)

/** The same quantity in total and for each phase, `voltage_v` and `voltage_l1_v`. */
function perPhase(name: string, unitSuffix: string, metric: MetricProfile): Record<string, MetricProfile> {
  const suffix = unitSuffix === '' ? '' : `_${unitSuffix}`
  const names = [`${name}${suffix}`, ...['l1', 'l2', 'l3'].map((phase) => `${name}_${phase}${suffix}`)]
  return Object.fromEntries(names.map((full) => [full, metric]))
}

export const shippedProfiles: readonly Profile[] = [
  {
    type: 'smart_meter',
    strict: false,
    tags: ['site'],
    expectedInterval: '1m',
    metrics: {
      ...perPhase('active_power', 'w', gauge('W', -1e7, 1e7)),
      ...perPhase('reactive_power', 'var', gauge('var', -1e7, 1e7)),
      ...perPhase('voltage', 'v', gauge('V', 0, 1000)),
      ...perPhase('current', 'a', gauge('A', -1e5, 1e5)),
      frequency_hz: gauge('Hz', 0, 500),
      ...perPhase('power_factor', '', gauge('', -1, 1)),
      relay_closed: flag,
      energy_import_kwh: counter('kWh'),
      energy_export_kwh: counter('kWh'),
      // Of the meters of arrays and heat pumps.
      yield_w_kwp: gauge('W/kWp', 0, 10_000),
      outdoor_temperature_c: gauge('°C', -100, 100),
    },
  },
  {
    type: 'room_sensor',
    strict: false,
    tags: ['site'],
    expectedInterval: '1m',
    metrics: {
      temperature_c: gauge('°C', -60, 100),
      humidity_pct: percent,
      co2_ppm: gauge('ppm', 0, 100_000),
      light_lx: gauge('lx', 0, 200_000),
      pm25_ug_m3: gauge('µg/m³', 0, 10_000),
      heating_pct: percent,
      occupied: state,
      battery_pct: percent,
      rssi_dbm: rssi,
    },
  },
  {
    type: 'vibration_sensor',
    strict: false,
    tags: ['site'],
    expectedInterval: '10s',
    metrics: {
      velocity_rms_mm_s: gauge('mm/s', 0, 1000),
      acceleration_peak_g: gauge('g', 0, 10_000),
      kurtosis: gauge('', 0, 10_000),
      bearing_temperature_c: gauge('°C', -60, 500),
      motor_current_a: gauge('A', 0, 100_000),
      speed_rpm: gauge('rpm', -500_000, 500_000),
    },
  },
  {
    type: 'fridge',
    strict: false,
    tags: ['site'],
    expectedInterval: '1m',
    metrics: {
      temperature_c: gauge('°C', -100, 100),
      compressor_on: flag,
      door_open: flag,
      power_w: gauge('W', 0, 100_000),
    },
  },
  {
    type: 'water_meter',
    strict: false,
    tags: ['site'],
    expectedInterval: '15m',
    metrics: {
      flow_l_h: gauge('L/h', -1e7, 1e7),
      water_temperature_c: gauge('°C', -50, 200),
      battery_pct: percent,
      volume_m3: counter('m³'),
    },
  },
  {
    type: 'wearable',
    strict: false,
    tags: ['site'],
    expectedInterval: '10s',
    metrics: {
      heart_rate_bpm: gauge('bpm', 0, 350),
      spo2_pct: percent,
      respiration_rate_bpm: gauge('breaths/min', 0, 150),
      systolic_mmhg: gauge('mmHg', 0, 400),
      temperature_c: gauge('°C', 0, 60),
      skin_temperature_c: gauge('°C', -20, 60),
      activity: state,
      on_wrist: flag,
      oxygen_given: flag,
      alert: flag,
      battery_pct: percent,
      steps: counter('1'),
    },
  },
  {
    type: 'air_handler',
    strict: false,
    tags: ['site'],
    expectedInterval: '1m',
    metrics: {
      filter_pressure_pa: gauge('Pa', -10_000, 10_000),
      fan_speed_pct: percent,
      valve_command_pct: percent,
      valve_position_pct: percent,
      supply_temperature_c: gauge('°C', -60, 200),
      supply_setpoint_c: gauge('°C', -60, 200),
      return_temperature_c: gauge('°C', -60, 200),
    },
  },
  { type: 'generic', strict: false, tags: ['site'], metrics: {} },
]
