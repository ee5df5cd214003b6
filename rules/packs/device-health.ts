import { type PackRule, practiceNotStandard, type RulePack } from './rule-pack.ts'

const pack = 'device-health'
const labels = { pack, standard: practiceNotStandard }
const onBattery = ['room_sensor', 'water_meter']

const battery = (
  days: 90 | 30,
  severity: PackRule['severity'],
  window: string,
  minSamples: number,
  suppressedBy: readonly string[],
): PackRule => ({
  id: `device-health-battery-${days}d`,
  name: `Battery empty within ${days} days`,
  description: `At the pace of the last ${window} the battery is at 10 % within ${days} days. Nothing is said before ${minSamples} samples, each of a 48th of that time. A battery that dies without falling is not seen.`,
  class: 'maintenance',
  severity,
  select: { types: onBattery },
  when: { kind: 'trend', metric: 'battery_pct', window, reaches: 10, within: `${days}d`, minSamples },
  keepFor: '1d',
  suppressedBy,
  message: '{device}: the battery is at 10 % in {value} s. Plan to change it.',
  labels,
})

/** Offline by the shortest of the types' expected intervals: 3 usual intervals, at least 2 expected ones. */
const offline = (name: string, types: readonly string[], leastSilence: string): PackRule => ({
  id: `device-health-offline-${name}`,
  name: `No readings (${types.join(', ')})`,
  description: `No reading for longer than 3 of its usual intervals and than ${leastSilence} (2 expected intervals), and for 5 minutes more (label offline_grace), so that a few lost messages raise nothing.`,
  class: 'maintenance',
  severity: 'warning',
  select: { types },
  when: {
    kind: 'all',
    of: [
      { kind: 'absence', longerThan: { intervals: 3 } },
      { kind: 'absence', longerThan: leastSilence },
    ],
  },
  for: { label: 'offline_grace', default: '5m' },
  message: '{device}: no readings for {value} s. Check power, network and the device.',
  labels,
})

const stuck = (
  name: string,
  types: readonly string[],
  metric: string,
  window: string,
  also: readonly object[] = [],
): PackRule => {
  const when = { kind: 'stuck', metric, window, tolerance: 0 }
  return {
    id: `device-health-stuck-${name}`,
    name: `${metric} does not move (${types.join(', ')})`,
    description: `Readings came but ${metric} was exactly the same for ${window}. A coarse sensor in a very steady place does that too: edit the window.`,
    class: 'maintenance',
    severity: 'minor',
    select: { types },
    when: also.length === 0 ? when : { kind: 'all', of: [when, ...also] },
    message: `{device}: ${metric} has been {value} for ${window}. Check the sensor.`,
    labels,
  }
}

/** Devices themselves: battery, silence, sensors that are stuck, connections that flap. */
export const deviceHealth: RulePack = {
  name: pack,
  description:
    'Batteries, silence, stuck sensors and flapping connections of the shipped device types. Left out, as no shipped profile measures them: offset of the clock, reboots, gaps in sequence numbers, signal to noise of LoRa.',
  standards: [practiceNotStandard],
  rules: [
    battery(90, 'warning', '30d', 32, ['device-health-battery-30d']),
    battery(30, 'major', '14d', 24, []),
    {
      id: 'device-health-battery-wearable',
      name: 'Wearable empty within 3 hours',
      description:
        'At the pace of the last 6 hours the battery is at 10 % within 3 hours. It is charged daily, so hours matter, not days.',
      class: 'maintenance',
      severity: 'warning',
      select: { types: ['wearable'] },
      when: { kind: 'trend', metric: 'battery_pct', window: '6h', reaches: 10, within: '3h', minSamples: 16 },
      keepFor: '10m',
      message: '{device}: the battery is at 10 % in {value} s. Charge it.',
      labels,
    },
    offline('minutes', ['fridge', 'room_sensor', 'smart_meter'], '2m'),
    offline('seconds', ['vibration_sensor', 'wearable'], '20s'),
    offline('quarters', ['water_meter'], '30m'),
    stuck('room-temperature', ['room_sensor'], 'temperature_c', '24h'),
    stuck('fridge-temperature', ['fridge'], 'temperature_c', '6h'),
    stuck('voltage', ['smart_meter'], 'voltage_v', '6h'),
    stuck('vibration', ['vibration_sensor'], 'velocity_rms_mm_s', '1h', [
      { kind: 'threshold', metric: 'velocity_rms_mm_s', above: 0.1 },
    ]),
    stuck('heart-rate', ['wearable'], 'heart_rate_bpm', '30m', [
      { kind: 'threshold', metric: 'on_wrist', equals: true },
    ]),
    {
      id: 'device-health-connection-flapping',
      name: 'Connection flaps',
      description:
        'More than half of the last 20 changes between readings, connects and disconnects changed the state, newer ones weighing more.',
      class: 'maintenance',
      severity: 'warning',
      select: {},
      when: { kind: 'flapping', of: 'connection' },
      message: '{device}: the connection comes and goes. Check signal, power and whether two share its name.',
      labels: { pack, standard: `${practiceNotStandard}: weights and limits as in Nagios` },
    },
  ],
}
