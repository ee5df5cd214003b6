import { type PackRule, practiceNotStandard, type RulePack } from './rule-pack.ts'

const pack = 'water'
const common = { class: 'maintenance', select: { types: ['water_meter'] } } as const
const asMeters = 'practice, not a standard: leak and burst as in Kamstrup meters; Q3 after EN ISO 4064-1:2017'

/** Flow over a share of Q3 (label `q3_m3_h`, in m³/h as on the meter's face, else 2.5). */
const overShareOfQ3 = (percent: number) =>
  `flow_l_h > ${(percent * 10).toFixed(1)} * (has(labels.q3_m3_h) ? double(labels.q3_m3_h) : 2.5)`

const burst = (
  percent: 5 | 10 | 20,
  severity: PackRule['severity'],
  suppressedBy: readonly string[],
): PackRule => ({
  ...common,
  id: `water-burst-${percent}`,
  name: `Flow above ${percent} % of Q3 for 30 minutes`,
  description: `Flow above ${percent} % of the permanent flow Q3 at every reading for 30 minutes: three at least, none more than 20 minutes after the one before. Q3 is the label q3_m3_h in m³/h, else 2.5. A meter that sends every 15 minutes shows three moments of these.`,
  severity,
  when: {
    kind: 'repeated',
    of: { kind: 'expression', cel: overShareOfQ3(percent) },
    times: 3,
    for: '30m',
    // Where one between was lost, the others are two showers.
    within: '20m',
  },
  keepFor: '15m',
  suppressedBy,
  message: `{device}: {value} L/h for 30 minutes, above ${percent} % of Q3. Has a pipe burst? Shut off the water.`,
  labels: { pack, standard: asMeters },
})

/** Leaks, bursts, night flow and frost at a water meter. */
export const water: RulePack = {
  name: pack,
  description:
    'Leaks, bursts, flow at night and frost at a water meter. Limits are usual settings of meters and practice; there is no standard for them.',
  standards: [asMeters, practiceNotStandard],
  rules: [
    {
      ...common,
      id: 'water-leak',
      name: 'Leak: not one hour without flow in 24 hours',
      description:
        'The highest flow of the last hour was above the sensitivity at every reading for 24 hours, so that no hour was without flow; it clears after one. The sensitivity (label leak_flow_l_h) is just under 0.1 % of a Q3 of 2.5 m³/h; meters are set to 0.1–2 %. An hour in which no reading came does not count as one without flow.',
      severity: 'major',
      when: {
        kind: 'aggregate',
        metric: 'flow_l_h',
        fn: 'max',
        window: '1h',
        above: { label: 'leak_flow_l_h', default: 2.4 },
      },
      for: '24h',
      message: '{device}: water has run in every hour for 24 hours. Look for a leak: toilets, taps, pipes.',
      labels: { pack, standard: asMeters },
    },
    burst(5, 'warning', ['water-burst-10', 'water-burst-20']),
    burst(10, 'minor', ['water-burst-20']),
    burst(20, 'critical', []),
    {
      ...common,
      id: 'water-night-flow',
      name: 'Flow throughout the night',
      description:
        'The least flow from midnight to six was above 0.3 L/min (18 L/h): info after one such night, minor when the next night is another. Judged from 05:45 on the readings since midnight (at least 20); midnight is of UTC, edit schedule.timezone.',
      severity: 'info',
      when: {
        kind: 'aggregate',
        metric: 'flow_l_h',
        fn: 'min',
        window: '345m',
        minCount: 20,
        above: { label: 'night_flow_l_h', default: 18 },
      },
      // From the end of one night to that of the next, and not longer.
      keepFor: '1425m',
      escalate: [{ after: '1455m', severity: 'minor' }],
      schedule: {
        timezone: 'UTC',
        weekly: [{ days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], from: '05:45', to: '06:15' }],
      },
      message: '{device}: water ran throughout the night, at least {value} L/h. Look for a leak.',
      labels: { pack, standard: practiceNotStandard },
    },
    {
      ...common,
      id: 'water-frost',
      name: 'Frost at the meter',
      description: 'Water at 3 °C or less (the limit is just over it) for 15 minutes.',
      severity: 'major',
      when: { kind: 'threshold', metric: 'water_temperature_c', below: 3.001, clear: 4 },
      for: '15m',
      keepFor: '30m',
      message: '{device}: the water has {value} °C. Heat the room or drain the pipe before it freezes.',
      labels: { pack, standard: practiceNotStandard },
    },
  ],
}
