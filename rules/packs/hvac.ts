import { type PackRule, practiceNotStandard, type RulePack } from './rule-pack.ts'

const pack = 'hvac'
const common = { class: 'maintenance', select: { types: ['air_handler'] } } as const
const labels = { pack, standard: practiceNotStandard }

/** Nights and week-ends at reduced flow lie within: what somebody has to mend does not mend itself meanwhile. */
const keepFor = '3d'

/** The median of half an hour: single spikes and dips do not move it. */
const filter = (
  id: string,
  name: string,
  limit: PackRule['when'][string],
  severity: PackRule['severity'],
  description: string,
  suppressedBy: readonly string[],
  message: string,
): PackRule => ({
  ...common,
  id,
  name,
  description: `${description} The median of 30 minutes of the pressure drop, of at least 10 readings, as it is at the flow there is: reduced flow hides it, and the alarm ends when none has been above for 3 days.`,
  severity,
  when: {
    kind: 'aggregate',
    metric: 'filter_pressure_pa',
    fn: 'p50',
    window: '30m',
    minCount: 10,
    above: limit,
  },
  keepFor,
  suppressedBy,
  message,
  labels,
})

/** Ventilation: filters, and valves that do not move. */
export const hvac: RulePack = {
  name: pack,
  description:
    'Filters and heating valves of air handling units. Limits of filters are those of a usual bag filter at full flow: set the labels filter_soon_pa and filter_limit_pa to what its maker says.',
  standards: [practiceNotStandard],
  rules: [
    filter(
      'hvac-filter-clogged',
      'Filter clogged',
      { label: 'filter_limit_pa', default: 200 },
      'major',
      'A pressure drop above 200 Pa (label filter_limit_pa).',
      [],
      '{device}: the filter holds back {value} Pa (limit {threshold}). Change it.',
    ),
    filter(
      'hvac-filter-soon',
      'Filter soon to be changed',
      { label: 'filter_soon_pa', default: 160 },
      'warning',
      'A pressure drop above 160 Pa (label filter_soon_pa), four fifths of the limit.',
      ['hvac-filter-clogged'],
      '{device}: the filter holds back {value} Pa, above {threshold}. Order a new one and plan its change.',
    ),
    {
      ...common,
      id: 'hvac-valve-stuck',
      name: 'Valve stuck',
      description:
        'For 15 minutes the valve was over 15 points from where it was told to be, and the supply air over 1 °C from its set point on the side that this explains. Without that it is the sensor of its position that does not move. The alarm ends when it has followed for 3 days: a valve that is stuck is where it should be at times.',
      severity: 'major',
      when: {
        kind: 'expression',
        cel: '(valve_command_pct - valve_position_pct > 15.0 && supply_setpoint_c - supply_temperature_c > 1.0) || (valve_position_pct - valve_command_pct > 15.0 && supply_temperature_c - supply_setpoint_c > 1.0)',
        maxAge: '15m',
      },
      for: '15m',
      keepFor,
      message: '{device}: the valve is told {value} % and does not follow. Check its actuator.',
      labels,
    },
  ],
}
