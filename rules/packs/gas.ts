import { practiceNotStandard, type RulePack } from './rule-pack.ts'

const pack = 'gas'
const alarmTimes = 'EN 50291-1:2018, table of alarm conditions (50, 100 and 300 ppm)'

/** Carbon monoxide. */
export const gas: RulePack = {
  name: pack,
  description:
    'Carbon monoxide by the alarm times of domestic detectors, for devices of any type that send co_ppm. It does not replace a certified detector with its own siren. Explosive gas is left out: no shipped profile measures it.',
  standards: [alarmTimes],
  rules: [
    {
      id: 'gas-co-alarm',
      name: 'Carbon monoxide',
      description:
        'At 50 ppm after 60 minutes (the standard: 60 to 90), at 100 ppm after 10 (10 to 40), at 300 ppm after 1 (within 3). Levels belong to it, so the limits lie just under them.',
      class: 'health',
      severity: 'critical',
      select: {},
      when: {
        kind: 'inverse-time',
        metric: 'co_ppm',
        table: [
          { above: 49.99, for: '60m' },
          { above: 99.99, for: '10m' },
          { above: 299.99, for: '1m' },
        ],
      },
      keepFor: '5m',
      message: '{device}: {value} ppm of carbon monoxide. Open windows, leave the building, call 112.',
      labels: { pack, standard: alarmTimes },
    },
    {
      id: 'gas-co-elevated',
      name: 'Carbon monoxide, low but lasting',
      description:
        'At 30 ppm for 120 minutes. The standard only says that a detector must not alarm earlier there; that this one does then is practice.',
      class: 'health',
      severity: 'minor',
      select: {},
      when: { kind: 'threshold', metric: 'co_ppm', above: 29.99, clear: 20 },
      for: '120m',
      keepFor: '15m',
      suppressedBy: ['gas-co-alarm'],
      message:
        '{device}: {value} ppm of carbon monoxide for two hours. Air the room, have the boiler checked.',
      labels: {
        pack,
        standard: `${practiceNotStandard}: EN 50291-1:2018 forbids an alarm at 30 ppm before 120 min`,
      },
    },
  ],
}
