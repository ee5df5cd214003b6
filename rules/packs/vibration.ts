import { type PackRule, practiceNotStandard, type RulePack } from './rule-pack.ts'

const pack = 'vibration'
const types = ['vibration_sensor']
const iso = 'ISO 20816-3:2022, annex A'

/** Boundaries of zones B/C and C/D, mm/s RMS, 10–1000 Hz. */
const machines = [
  { group: '1', size: 'above 300 kW', foundation: 'rigid', bc: 4.5, cd: 7.1 },
  { group: '1', size: 'above 300 kW', foundation: 'flexible', bc: 7.1, cd: 11 },
  { group: '2', size: '15–300 kW', foundation: 'rigid', bc: 2.8, cd: 4.5 },
  { group: '2', size: '15–300 kW', foundation: 'flexible', bc: 4.5, cd: 7.1 },
] as const

type Machine = (typeof machines)[number]

const common = ({ group, foundation }: Machine) => ({
  class: 'maintenance' as const,
  select: { types, labels: { machine_group: group, foundation } },
})
const nameOf = ({ group, size, foundation }: Machine) => `group ${group} (${size}), ${foundation} foundation`

/** The median of 10 minutes: single spikes and dips do not move it. */
const zone = (machine: Machine, letter: 'c' | 'd', limit: number): PackRule => ({
  ...common(machine),
  id: `vibration-zone-${letter}-group-${machine.group}-${machine.foundation}`,
  name: `Vibration in zone ${letter.toUpperCase()}, ${nameOf(machine)}`,
  description: `The median of 10 minutes of the velocity is above ${limit} mm/s. The median is ours, against spikes; the standard speaks of steady operation. Of fewer than 10 readings there is none.`,
  severity: letter === 'c' ? 'warning' : 'critical',
  when: {
    kind: 'aggregate',
    metric: 'velocity_rms_mm_s',
    fn: 'p50',
    window: '10m',
    minCount: 10,
    above: limit,
  },
  // A machine near a boundary crosses it with every change of its load: that is one alarm.
  keepFor: '6h',
  message:
    letter === 'c'
      ? '{device}: {value} mm/s, above {threshold}: not for long-term operation. Plan a repair.'
      : '{device}: {value} mm/s, above {threshold}: damage is likely. Stop the machine.',
  labels: { pack, standard: `${iso}, ${nameOf(machine)}, zone ${letter.toUpperCase()}` },
})

const change = (machine: Machine): PackRule => ({
  ...common(machine),
  id: `vibration-change-group-${machine.group}-${machine.foundation}`,
  name: `Vibration rose by a quarter of B/C, ${nameOf(machine)}`,
  description: `The velocity rose by more than 25 % of the boundary B/C (${machine.bc} mm/s) in 24 hours, seen for 30 minutes. Changes over weeks, falls, and changes of speed or load are not told apart from it or not seen.`,
  severity: 'minor',
  when: {
    kind: 'rate',
    metric: 'velocity_rms_mm_s',
    window: '24h',
    per: '24h',
    above: Number((machine.bc / 4).toFixed(4)),
  },
  for: '30m',
  keepFor: '30m',
  message: '{device}: vibration rose by {value} mm/s in a day, within whatever zone. Find out why.',
  labels: { pack, standard: `${iso}: a change by more than 25 % of the upper limit of zone B` },
})

/** `for` alone would be reached by two wrong readings, where those between them are lost. */
const lasting = (of: PackRule['when']) => ({ kind: 'repeated', of, times: 3, for: '3m' })

const bearing = { class: 'maintenance', select: { types } } as const
const hot = (
  level: 'warning' | 'alarm' | 'trip',
  limit: number,
  severity: PackRule['severity'],
  suppressedBy: readonly string[],
  message: string,
): PackRule => ({
  ...bearing,
  id: `vibration-bearing-temperature-${level}`,
  name: `Bearing above ${limit} °C`,
  description: `A rolling bearing above ${limit} °C at three readings in a row, over three minutes or more: two wrong readings raise nothing, even if those between them are lost.`,
  severity,
  when: lasting({ kind: 'threshold', metric: 'bearing_temperature_c', above: limit, clear: limit - 3 }),
  keepFor: '5m',
  suppressedBy,
  message: `{device}: the bearing has {value} °C (limit {threshold}). ${message}`,
  labels: { pack, standard: practiceNotStandard },
})

/** Vibration of machines, and the temperature of their bearings. */
export const vibration: RulePack = {
  name: pack,
  description:
    'Vibration severity of industrial machines by zones, for devices with the labels machine_group (1 or 2) and foundation (rigid or flexible), and temperatures of rolling bearings. Machines under 15 kW have other limits; boundary A/B is for the acceptance of new machines and raises nothing.',
  standards: ['ISO 20816-3:2022 (as ISO 10816-3:2009)'],
  rules: [
    ...machines.flatMap((machine) => [
      zone(machine, 'c', machine.bc),
      zone(machine, 'd', machine.cd),
      change(machine),
    ]),
    hot(
      'warning',
      90,
      'warning',
      ['vibration-bearing-temperature-alarm', 'vibration-bearing-temperature-trip'],
      'Check lubrication and load.',
    ),
    hot('alarm', 100, 'major', ['vibration-bearing-temperature-trip'], 'Reduce the load, plan a stop.'),
    hot('trip', 105, 'critical', [], 'Stop the machine.'),
    {
      ...bearing,
      id: 'vibration-bearing-temperature-rise',
      name: 'Bearing warms by more than 2 °C a minute',
      description:
        'The bearing warmed by more than 2 °C a minute, over 2 minutes, at three readings in a row, over three minutes or more.',
      severity: 'major',
      when: lasting({ kind: 'rate', metric: 'bearing_temperature_c', window: '2m', per: '1m', above: 2 }),
      keepFor: '2m',
      message: '{device}: the bearing warms by {value} °C a minute. It is running dry or seizing: stop it.',
      labels: { pack, standard: practiceNotStandard },
    },
  ],
}
