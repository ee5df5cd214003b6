import { type PackRule, practiceNotStandard, type RulePack } from './rule-pack.ts'

const pack = 'cold-chain'
const fridge = { class: 'maintenance', select: { types: ['fridge'] } } as const
const productLabel = 'product label 2–8 °C; EU GDP 2013/C 343/01 asks that it be kept'
const who = (clause: string) => `WHO PQS E006/TR07, ${clause}`
const shipment = { labels: { shipment: 'yes' } }
const type2 = { labels: { shipment: 'yes', shipment_type: '2' } }

/** A summed time above a level; the standard's limits are inclusive, ours exclusive. */
const summed = (
  id: string,
  celsius: number,
  hours: number,
  select: PackRule['select'],
  clause: string,
): PackRule => ({
  id,
  name: `Shipment at ${celsius} °C for ${hours} hours in all`,
  description: `${celsius} °C or more for ${hours} hours in all since the label shipment was given. The limits lie just under, as these belong to it. Take the label away when the shipment ends: the sum never falls.`,
  class: 'maintenance',
  severity: 'major',
  select,
  when: {
    kind: 'cumulative',
    of: { kind: 'threshold', metric: 'temperature_c', above: celsius - 0.001 },
    longerThan: `${hours * 3600 - 0.001}s`,
  },
  message: `{device}: ${celsius} °C or more for {value} s in all. Hold the shipment; ask quality assurance.`,
  labels: { pack, standard: who(clause) },
})

const single = (id: string, name: string, when: object, description: string, clause: string): PackRule => ({
  id,
  name,
  description: `${description} The limit lies just beyond, as it belongs to it.`,
  class: 'maintenance',
  severity: 'major',
  select: shipment,
  when: { kind: 'threshold', metric: 'temperature_c', ...when },
  for: '1h',
  message: '{device}: {value} °C for an hour. Hold the shipment; ask quality assurance.',
  labels: { pack, standard: who(clause) },
})

/** Refrigerators and shipments at 2–8 °C. */
export const coldChain: RulePack = {
  name: pack,
  description:
    'Refrigerators at 2–8 °C and shipments of vaccines. Rules for shipments are for devices with the label shipment = yes, that for 10 °C with shipment_type = 2 too. Mean kinetic temperature is left out: no kind of condition calculates it.',
  standards: [who('type 1 and type 2'), productLabel],
  rules: [
    {
      ...fridge,
      id: 'cold-chain-fridge-too-warm',
      name: 'Fridge above 8 °C',
      description: 'Above 8 °C for 15 minutes, longer than a door that was open for three keeps it there.',
      severity: 'major',
      when: { kind: 'threshold', metric: 'temperature_c', above: 8, clear: 7.5 },
      for: '15m',
      keepFor: '5m',
      escalate: [{ after: '2h', severity: 'critical' }],
      message:
        '{device} is {value} °C (limit {threshold}). Close the door; move what is in it if it stays warm.',
      labels: { pack, standard: productLabel },
    },
    {
      ...fridge,
      id: 'cold-chain-fridge-too-cold',
      name: 'Fridge below 2 °C',
      description: 'Below 2 °C for 15 minutes. What freezes is often lost, vaccines with aluminium among it.',
      severity: 'major',
      when: { kind: 'threshold', metric: 'temperature_c', below: 2, clear: 2.5 },
      for: '15m',
      keepFor: '5m',
      escalate: [{ after: '2h', severity: 'critical' }],
      message: '{device} is {value} °C (limit {threshold}). Check the thermostat before anything freezes.',
      labels: { pack, standard: productLabel },
    },
    {
      ...fridge,
      id: 'cold-chain-compressor-duty',
      name: 'Compressor runs too much',
      description:
        'The compressor ran for more than 60 % of the last 3 hours: refrigerant is leaking, the condenser is dirty or the door does not close, long before 8 °C. Of fewer than 120 readings there is no share.',
      severity: 'minor',
      when: {
        kind: 'aggregate',
        metric: 'compressor_on',
        fn: 'mean',
        window: '3h',
        minCount: 120,
        above: 0.6,
      },
      keepFor: '1h',
      message:
        '{device}: the compressor ran for a share of {value} of 3 hours. Have the refrigerant checked.',
      labels: { pack, standard: practiceNotStandard },
    },
    {
      ...fridge,
      id: 'cold-chain-door-open',
      name: 'Door open',
      description: 'The door was open at every reading for 5 minutes.',
      severity: 'warning',
      when: { kind: 'threshold', metric: 'door_open', equals: true },
      for: '5m',
      message: '{device}: the door has been open for 5 minutes. Close it.',
      labels: { pack, standard: practiceNotStandard },
    },
    single(
      'cold-chain-shipment-45',
      'Shipment at 45 °C for an hour',
      { above: 44.999 },
      '45 °C or more for an hour.',
      'type 1 and type 2 (45 °C, 1 h)',
    ),
    single(
      'cold-chain-shipment-freeze',
      'Shipment at −0.5 °C for an hour',
      { below: -0.499 },
      '−0.5 °C or less for an hour.',
      'type 1 and type 2 (−0.5 °C, 1 h)',
    ),
    summed('cold-chain-shipment-30', 30, 10, shipment, 'type 1 and type 2 (30 °C, 10 h cumulative)'),
    summed('cold-chain-shipment-10', 10, 20, type2, 'type 2 (10 °C, 20 h cumulative)'),
  ],
}
