import { practiceNotStandard, type RulePack } from './rule-pack.ts'

const pack = 'home-energy'
const labels = { pack, standard: practiceNotStandard }
const everyDay = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']

/** Energy that a home wastes or does not harvest. */
export const homeEnergy: RulePack = {
  name: pack,
  description:
    'Windows open while the heating runs, stand-by at night, and solar arrays that give less than their neighbours. All practice; there is no standard for them.',
  standards: [practiceNotStandard],
  rules: [
    {
      id: 'home-energy-window-open',
      name: 'Window open while the heating runs',
      description:
        'The temperature of the room has been falling faster than 3 K an hour, over 5 minutes each, for 20 minutes while the valve of its radiator is open by more than 10 %. Nobody airs a room for so long, and no room cools so fast by itself. It does not see a window that is open all day, nor one in mild weather.',
      class: 'maintenance',
      severity: 'minor',
      select: { types: ['room_sensor'] },
      when: {
        kind: 'all',
        of: [
          { kind: 'rate', metric: 'temperature_c', per: '1h', window: '5m', below: -3 },
          { kind: 'threshold', metric: 'heating_pct', above: 10 },
        ],
      },
      for: '20m',
      // A window that is shut lets the room warm at once; one that stays open cools it ever slower.
      keepFor: '15m',
      message: '{device}: a window is open and the heating runs. Shut one or the other.',
      labels,
    },
    {
      id: 'home-energy-standby-night',
      name: 'High stand-by at night',
      description:
        'The least power between one and ten to five in the morning was above 200 W (label standby_limit_w): something runs day and night. Judged from 04:50 on the readings since 01:00 (at least 20); it stays up until a night without. Hours are of UTC, edit schedule.timezone. A heat pump, or a car that charges all night, shows too: give its meter a label.',
      class: 'maintenance',
      severity: 'info',
      select: { types: ['smart_meter'] },
      when: {
        kind: 'aggregate',
        metric: 'active_power_w',
        fn: 'min',
        window: '230m',
        minCount: 20,
        above: { label: 'standby_limit_w', default: 200 },
      },
      // From the end of one night to that of the next, and not longer.
      keepFor: '1430m',
      schedule: { timezone: 'UTC', weekly: [{ days: everyDay, from: '04:50', to: '05:10' }] },
      message: '{device}: at least {value} W all night (limit {threshold}). What runs day and night?',
      labels,
    },
    {
      id: 'home-energy-pv-below-neighbours',
      name: 'Solar array below its neighbours',
      description:
        'Power for each kWp (yield_w_kwp) further than 6 median absolute deviations of at least 30 W/kWp from the median of at least 5 other arrays of the same label site, for 45 minutes: clouds pass, a string that is missing does not. It tells of an array far above the others too. It sees half an array in sun, not under a grey sky, and stays up until a day without: night is no repair.',
      class: 'maintenance',
      severity: 'minor',
      select: { types: ['smart_meter'] },
      when: {
        kind: 'peers',
        metric: 'yield_w_kwp',
        by: 'site',
        k: 6,
        minSpread: 30,
        minPeers: 5,
        maxAge: '15m',
      },
      for: '45m',
      keepFor: '24h',
      message: '{device}: {value} W/kWp, unlike its neighbours. Is a string missing, in shade or dirty?',
      labels,
    },
  ],
}
