import { expect, test } from 'vitest'
import { type FaultPlanOptions, planFaults } from '../../simulators/fault-plan.ts'
import { faultKinds } from '../../simulators/faults/fault-kinds.ts'
import { fleetOf } from '../../simulators/fleet.ts'
import { faultSchema, scenarioSchema } from '../../simulators/scenario.ts'

const startMs = Date.UTC(2026, 10, 2)
const hourMs = 3_600_000
const endMs = startMs + 6 * hourMs
const sites = ['a', 'b', 'c', 'd', 'e', 'f']
const scenario = scenarioSchema.parse({
  name: 'faults',
  description: 'for tests',
  length: '6h',
  fleet: [
    { name: 'fridge', model: 'fridge', count: 60, labels: { site: sites } },
    { name: 'meter', model: 'water_meter', count: 20 },
  ],
})
const metrics: Readonly<Record<string, readonly string[]>> = {
  fridge: ['temperature_c', 'power_w'],
  water_meter: ['flow_l_h'],
}

type Entry = { readonly kind: string } & Readonly<Record<string, unknown>>
const planned = (entries: readonly Entry[], options: Partial<FaultPlanOptions> = {}, devices?: number) =>
  [
    ...planFaults(
      entries.map((entry) => faultSchema.parse(entry)),
      fleetOf(scenario, 1, devices),
      {
        seed: 1,
        startMs,
        endMs,
        hasMetric: ({ model }, metric) => metrics[model.name]!.includes(metric),
        ...options,
      },
    ).values(),
  ].flat()
const devicesOf = (...args: Parameters<typeof planned>) => planned(...args).map(({ fault }) => fault.device)
const sitesOf = (...args: Parameters<typeof planned>) =>
  [...new Set(planned(...args).map(({ group }) => group!))].sort()
const isFridge = (device: string) => device.startsWith('fridge')

test('who can have a fault: all devices, those of a group, or those that are named', () => {
  expect(devicesOf([{ kind: 'gap' }])).toHaveLength(80)
  const ofGroup = devicesOf([{ kind: 'gap', group: 'meter' }])
  expect(ofGroup).toHaveLength(20)
  expect(ofGroup.filter(isFridge)).toEqual([])
  expect(devicesOf([{ kind: 'gap', devices: ['fridge-3', 'meter-2'] }])).toEqual(['fridge-3', 'meter-2'])
})

test('a process fault is of devices whose model knows it, a sensor fault of those with one of its metrics', () => {
  expect(devicesOf([{ kind: 'door_left_open' }])).toHaveLength(60)
  expect(devicesOf([{ kind: 'drift', metric: ['flow_l_h', 'power_kw'] }])).toHaveLength(20)
  expect(devicesOf([{ kind: 'drift' }])).toHaveLength(80)
})

test('a share is of all candidates', () => {
  const few = devicesOf([{ kind: 'gap', share: 0.1 }])
  expect(few.length).toBeGreaterThan(0)
  expect(few.length).toBeLessThan(25)
  expect(devicesOf([{ kind: 'gap', share: 1 }])).toHaveLength(80)
  // A larger share has the smaller one in it.
  expect(devicesOf([{ kind: 'gap', share: 0.5 }])).toEqual(expect.arrayContaining(few))
})

test('as many as are counted, drawn by the seed and not by their numbers', () => {
  const entry = { kind: 'gap', group: 'fridge', count: 3 }
  const drawn = [1, 2, 3, 4].map((seed) => devicesOf([entry], { seed }))
  for (const devices of drawn) expect(new Set(devices).size).toBe(3)
  expect(new Set(drawn.map(String)).size).toBe(4)
})

test('counted faults stay with the scenario’s own devices, however many more there are', () => {
  const counted = [{ kind: 'gap', group: 'fridge', count: 8 }]
  expect(devicesOf(counted, {}, 800)).toEqual(devicesOf(counted))
})

test('a device has one process fault at most, where they are counted, and any other beside it', () => {
  const doors = { kind: 'door_left_open', group: 'fridge', count: 30 }
  const leaks = { kind: 'refrigerant_leak', group: 'fridge', count: 40 }
  const devices = devicesOf([doors, leaks])
  expect(devices).toHaveLength(60)
  expect(new Set(devices).size).toBe(60)
  // A gap is no process fault, and no reason for one to stay away.
  expect(devicesOf([{ kind: 'gap', group: 'fridge' }, doors, { ...leaks, count: 60 }])).toHaveLength(120)
  expect(devicesOf([doors, leaks, { kind: 'gap', group: 'fridge', count: 60 }])).toHaveLength(120)
})

test('who is drawn has no process fault at the time of another, also of one that stands below and is named', () => {
  const door = { kind: 'door_left_open', group: 'fridge', onset: '1h', lasts: '1h' }
  const leak = { kind: 'refrigerant_leak', devices: ['fridge-7'], onset: '90m' }
  const drawn = devicesOf([{ ...door, count: 59 }, leak])
  expect(drawn).toHaveLength(60)
  expect(new Set(drawn).size).toBe(60)
  const shared = planned([{ ...door, share: 1 }, leak])
  expect(shared.filter(({ fault }) => fault.device === 'fridge-7').map(({ fault }) => fault.kind)).toEqual([
    'refrigerant_leak',
  ])
  // The door is shut before it leaks.
  expect(
    devicesOf([
      { ...door, share: 1 },
      { ...leak, onset: '2h' },
    ]),
  ).toHaveLength(61)
})

test('faults of a device stand in the order of their entries', () => {
  const door = { kind: 'door_left_open', group: 'fridge', onset: '1h', lasts: '1h', share: 1 }
  const kinds = planned([door, { kind: 'gap', devices: ['fridge-2'] }, { kind: 'drop', share: 1 }])
    .filter(({ fault }) => fault.device === 'fridge-2')
    .map(({ fault }) => fault.kind)
  expect(kinds).toEqual(['door_left_open', 'gap', 'drop'])
})

test('a phase is lost only where there are three', () => {
  const fleet = [{ name: 'm', model: 'smart_meter', count: 4, parameters: { phases: [1, 3] } }]
  const of = scenarioSchema.parse({ ...scenario, length: '6h', fleet })
  const options = { seed: 1, startMs, endMs, hasMetric: () => true }
  const faults = planFaults([faultSchema.parse({ kind: 'phase_loss' })], fleetOf(of, 1), options)
  expect([...faults].filter(([, { length }]) => length > 0).map(([id]) => id)).toEqual(['m-2', 'm-4'])
})

test('two entries of a kind draw each for itself, and have ids of their own', () => {
  const entry = { kind: 'gap', group: 'fridge', count: 20, onset: ['0s', '5h'] }
  const faults = planned([entry, entry]).map(({ fault }) => fault)
  const first = faults.filter(({ id }) => id === `gap-${id.slice('gap-'.length)}` && !id.startsWith('gap-2-'))
  const second = faults.filter(({ id }) => id.startsWith('gap-2-'))
  expect([first.length, second.length]).toEqual([20, 20])
  expect(new Set(faults.map(({ id }) => id)).size).toBe(40)
  expect(second.map(({ device }) => device)).not.toEqual(first.map(({ device }) => device))
  for (const { id, device } of second) expect(id).toBe(`gap-2-${device}`)
})

test('onset, severity, length and metric are drawn apart from each other, each over its whole range', () => {
  const entry = {
    kind: 'drift',
    metric: ['temperature_c', 'power_w'],
    group: 'fridge',
    onset: ['1h', '2h'],
    lasts: ['1h', '2h'],
    severity: [1, 2],
  }
  const faults = planned([entry]).map(({ fault }) => fault)
  const shares = faults.map(({ onsetMs, endMs: over, severity }) => ({
    onset: (onsetMs - startMs) / hourMs - 1,
    severity: severity - 1,
    lasts: (over - onsetMs) / hourMs - 1,
  }))
  for (const name of ['onset', 'severity', 'lasts'] as const) {
    const drawn = shares.map((share) => share[name])
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0)
    expect(Math.min(...drawn)).toBeLessThan(0.2)
    expect(Math.max(...drawn)).toBeGreaterThan(0.8)
    expect(Math.max(...drawn)).toBeLessThanOrEqual(1)
  }
  const differ = (a: 'onset' | 'severity' | 'lasts', b: typeof a) =>
    shares.filter((share) => Math.abs(share[a] - share[b]) > 0.01).length
  for (const [a, b] of [
    ['onset', 'severity'],
    ['severity', 'lasts'],
    ['lasts', 'onset'],
  ] as const)
    expect(differ(a, b)).toBeGreaterThan(40)
  const ofTemperature = faults.filter(({ metric }) => metric === 'temperature_c').length
  expect(ofTemperature).toBeGreaterThan(10)
  expect(ofTemperature).toBeLessThan(50)
})

test('a fault that says no length lasts to the end of the run', () => {
  const [{ fault }] = planned([{ kind: 'gap', devices: ['fridge-1'], onset: '2h' }]) as [
    ReturnType<typeof planned>[number],
  ]
  expect([fault.onsetMs, fault.endMs]).toEqual([startMs + 2 * hourMs, endMs])
})

test('what an entry says goes before what its kind says: parameters and what is expected', () => {
  const of = (more: object) => planned([{ kind: 'duplicate', devices: ['fridge-1'], ...more }])[0]!
  const { probability } = faultKinds.duplicate!.parameters
  expect(of({}).fault.parameters).toEqual({ probability: probability!.default })
  expect(of({ parameters: { probability: 0.7 } }).fault.parameters).toEqual({ probability: 0.7 })
  const door = planned([{ kind: 'door_left_open', devices: ['fridge-1'] }])[0]!
  expect(door.expect).toEqual(faultKinds.door_left_open!.expect)
  expect(door.expect.length).toBeGreaterThan(0)
  expect(planned([{ kind: 'door_left_open', devices: ['fridge-1'], expect: ['mine'] }])[0]!.expect).toEqual([
    'mine',
  ])
})

test('each kind brings its own grace', () => {
  const kinds = Object.entries(faultKinds).filter(([, { graceMs }]) => graceMs > 0)
  const ofFridge = kinds.filter(([kind]) => planned([{ kind }]).length > 0)
  expect(ofFridge.length).toBeGreaterThan(0)
  for (const [kind, { graceMs }] of ofFridge) expect(planned([{ kind }])[0]!.graceMs).toBe(graceMs)
})

test('what fails together: as many groups as are counted or as the share draws, in no order of names', () => {
  const entry = { kind: 'gap', together: 'site' }
  expect(sitesOf([entry])).toEqual(sites.map((site) => `site=${site}`))
  const counted = [1, 2, 3, 4, 5, 6].map((seed) => sitesOf([{ ...entry, count: 2 }], { seed }))
  for (const drawn of counted) expect(drawn).toHaveLength(2)
  expect(new Set(counted.map(String)).size).toBeGreaterThan(2)
  const shared = [1, 2, 3, 4, 5, 6].map((seed) => sitesOf([{ ...entry, share: 0.5 }], { seed }).length)
  expect(Math.min(...shared)).toBeLessThan(6)
  expect(Math.max(...shared)).toBeGreaterThan(0)
})

test('what fails together fails at one time and as badly; another group at another', () => {
  const faults = planned([
    {
      kind: 'bias',
      metric: 'temperature_c',
      together: 'site',
      onset: ['1h', '3h'],
      lasts: ['1h', '2h'],
      severity: [1, 2],
    },
  ])
  // Devices without the label are none of it.
  expect(faults).toHaveLength(60)
  const draws = new Map<string, Set<string>>()
  for (const { group, fault } of faults) {
    const { onsetMs, endMs: over, severity } = fault
    const known = draws.get(group!) ?? new Set()
    draws.set(group!, known.add(JSON.stringify([onsetMs, over, severity])))
  }
  expect([...draws.values()].map(({ size }) => size)).toEqual([1, 1, 1, 1, 1, 1])
  expect(new Set([...draws.values()].flatMap((known) => [...known])).size).toBe(6)
})
