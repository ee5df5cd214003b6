import { expect, test } from 'vitest'
import { shippedProfiles } from '../../domain/shipped-profiles.ts'

/** The table of the contract with devices, written out: gauges and states, then counters. */
const phases = (name: string, suffix = '') =>
  ['', '_l1', '_l2', '_l3'].map((phase) => `${name}${phase}${suffix}`)
const contract: Record<string, { others: string[]; counters: string[] }> = {
  smart_meter: {
    others: [
      ...phases('active_power', '_w'),
      ...phases('reactive_power', '_var'),
      ...phases('voltage', '_v'),
      ...phases('current', '_a'),
      ...phases('power_factor'),
      ...['frequency_hz', 'relay_closed'],
      ...['yield_w_kwp', 'outdoor_temperature_c'],
    ],
    counters: ['energy_import_kwh', 'energy_export_kwh'],
  },
  room_sensor: {
    others:
      'temperature_c humidity_pct co2_ppm light_lx pm25_ug_m3 heating_pct occupied battery_pct rssi_dbm'.split(
        ' ',
      ),
    counters: [],
  },
  vibration_sensor: {
    others: [
      ...['velocity_rms_mm_s', 'acceleration_peak_g', 'kurtosis'],
      ...['bearing_temperature_c', 'motor_current_a', 'speed_rpm'],
    ],
    counters: [],
  },
  fridge: { others: ['temperature_c', 'compressor_on', 'door_open', 'power_w'], counters: [] },
  water_meter: { others: ['flow_l_h', 'water_temperature_c', 'battery_pct'], counters: ['volume_m3'] },
  wearable: {
    others: [
      ...['heart_rate_bpm', 'spo2_pct', 'respiration_rate_bpm', 'systolic_mmhg', 'temperature_c'],
      ...['activity', 'on_wrist', 'oxygen_given', 'alert', 'battery_pct'],
      // Beside the contract's: the skin is cooler than the body, and a rule must not take one for the other.
      'skin_temperature_c',
    ],
    counters: ['steps'],
  },
  // Beside the contract's types.
  air_handler: {
    others: [
      ...['filter_pressure_pa', 'fan_speed_pct', 'valve_command_pct', 'valve_position_pct'],
      ...['supply_temperature_c', 'supply_setpoint_c', 'return_temperature_c'],
    ],
    counters: [],
  },
  generic: { others: [], counters: [] },
}

test('the device types of the contract ship, and the one beside them', () => {
  expect(shippedProfiles.map(({ type }) => type).toSorted()).toEqual(Object.keys(contract).toSorted())
})

test.each(shippedProfiles.map((profile) => [profile.type, profile] as const))(
  '%s has the metrics of the contract, takes others too, and no range is empty',
  (type, { metrics, strict }) => {
    const { others, counters } = contract[type]!
    expect(Object.keys(metrics).toSorted()).toEqual([...others, ...counters].toSorted())
    const found = Object.entries(metrics).filter(([, { kind }]) => kind === 'counter')
    expect(found.map(([metric]) => metric).toSorted()).toEqual(counters.toSorted())
    expect(strict).toBe(false)
    for (const { min = -1, max = 1 } of Object.values(metrics)) expect(min).toBeLessThan(max)
  },
)
