import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { rulePacks } from '../../rules/rule-packs.ts'
import { faultKinds } from '../../simulators/faults/fault-kinds.ts'
import { findModel } from '../../simulators/models/models.ts'
import { shippedScenarios } from '../../simulators/scenario.ts'
import { checkedFaults, checkedScenario } from '../../simulators/scenario-check.ts'
import { newTempDir } from '../support/temp-dir.ts'

const dir = newTempDir()
afterAll(() => dir.remove())

let files = 0
const written = (text: string) => {
  const file = join(dir.path, `${++files}.yaml`)
  writeFileSync(file, text)
  return file
}
const good =
  'name: one\ndescription: one fridge\nlength: 1h\nfleet:\n  - { name: fridge, model: fridge, count: 1 }\n'

test('a scenario of one’s own in a file has its defaults filled in', () => {
  expect(checkedScenario(written(good))).toMatchObject({
    name: 'one',
    length: 3_600_000,
    speed: 'max',
    packs: [],
    fleet: [{ name: 'fridge', model: 'fridge', count: 1, labels: {}, parameters: {} }],
    faults: [],
    pass: [],
  })
})

describe('what is wrong in a scenario is told with its place', () => {
  test.each([
    [good.replace('length: 1h', 'length: soon'), '/length: expected a duration'],
    [good.replace('length: 1h', 'length: 1h\nspeed: 0.0001'), '/speed'],
    [good.replace('model: fridge', 'model: toaster'), '/fleet/0/model: not a model'],
    [good.replace('count: 1', 'count: 0'), '/fleet/0/count'],
    [good.replace('count: 1', 'count: 1, ids: fridge'), '/fleet/0/ids: needs {n}'],
    [good.replace('count: 1', 'count: 1, color: red'), 'Unrecognized key: "color"'],
    [`${good}faults:\n  - { kind: gremlins }\n`, '/faults/0/kind: not a kind of fault'],
    [`${good}faults:\n  - { kind: gap, onset: [1h] }\n`, '/faults/0/onset'],
    [`${good}faults:\n  - { kind: gap, share: 1.5 }\n`, '/faults/0/share'],
    [`${good}kills: [database]\n`, '/kills/0'],
    [`${good}pass:\n  - { figure: recall, atLeast: high }\n`, '/pass/0/atLeast'],
    ['name: [', 'Flow sequence'],
    ['', '/: Invalid input'],
  ])('%j', (text, message) => {
    const file = written(text)
    expect(() => checkedScenario(file)).toThrow(
      expect.objectContaining({ code: 'TIDEMARK_SCENARIO_INVALID', exitCode: 2 }),
    )
    expect(() => checkedScenario(file)).toThrow(message)
  })

  const faulty = (entry: string) => `${good}faults:\n  - { ${entry} }\n`
  const meters = (more: string) =>
    good.replace(
      'name: fridge, model: fridge, count: 1',
      `name: meter, model: smart_meter, count: 2, ${more}`,
    )
  const grouped = (more: string) => good.replace('count: 1', `count: 2, ${more}`)

  // Each of these was a scenario in which nothing happened, or one that only the platform or the simulator's own crash refused.
  test.each([
    [good.replace('1h', '0s'), '/length: expected a duration above 0'],
    [grouped('interval: 0s'), '/fleet/0/interval: expected a duration above 0'],
    [
      `${good}  - { name: fridge, model: wearable, count: 1 }\n`,
      '/fleet/1/name: there are two groups fridge',
    ],
    [
      `${good}  - { name: van, model: fridge, count: 1, ids: 'fridge-{n}' }\n`,
      '/fleet: fridge-1 is a device of fridge and of van',
    ],
    [grouped('ids: 1'), '/fleet/0/ids'],
    [grouped("ids: 'a/{n}'"), '/fleet: a/1, of fridge, is no device id'],
    [grouped(`ids: '{n}${'x'.repeat(64)}'`), 'is no device id'],
    [grouped("labels: { 'a b': x }"), '/fleet/0/labels/a b: not a label name'],
    [grouped(`labels: { site: ${'é'.repeat(129)} }`), '/fleet/0/labels/site: longer than 256 bytes'],
    [
      grouped('parameters: { colour: 3 }'),
      '/fleet/0/parameters/colour: fridge has no such parameter; it has ambient_c',
    ],
    [
      grouped('parameters: { ambient_c: [22, warm] }'),
      '/fleet/0/parameters/ambient_c/1: expected a number from 10 to 43',
    ],
    [
      grouped('parameters: { ambient_c: -5 }'),
      '/fleet/0/parameters/ambient_c: expected a number from 10 to 43',
    ],
    [grouped('parameters: { ambient_c: .nan }'), '/fleet/0/parameters/ambient_c: Invalid input'],
    [grouped('parameters: { filling: 1 }'), '/fleet/0/parameters/filling: expected true or false'],
    [meters('parameters: { phases: 7 }'), '/fleet/0/parameters/phases: expected 1 or 3'],
    [meters('parameters: { pv_kwp: -6 }'), '/fleet/0/parameters/pv_kwp: expected a number from 0 to 100'],
    [
      meters('parameters: { pv_since_year: 2026.5 }'),
      '/fleet/0/parameters/pv_since_year: expected a whole number from 2000 to 2099',
    ],
    [meters('parameters: { home: true }'), '/fleet/0/parameters/home: expected text'],
    [
      `${meters('parameters: { phases: 1 }')}faults:\n  - { kind: phase_loss }\n`,
      '/faults/0/kind: none of these devices can have phase_loss',
    ],
    [
      `${meters('parameters: { phases: [3, 1] }')}faults:\n  - { kind: phase_loss, devices: [meter-1, meter-2] }\n`,
      '/faults/0/devices: meter-2 cannot have phase_loss',
    ],
    [
      `${faulty('kind: door_left_open, onset: [0s, 20m], lasts: 15m')}  - { kind: refrigerant_leak, onset: 30m }\n`,
      '/faults/1: fridge-1 can have door_left_open (/faults/0) at the same time',
    ],
    [
      `${faulty('kind: refrigerant_leak, devices: [fridge-1], onset: 30m')}  - { kind: refrigerant_leak, onset: 40m, lasts: 1m }\n`,
      '/faults/1: fridge-1 can have refrigerant_leak (/faults/0) at the same time',
    ],
    [faulty('kind: gap, group: van'), '/faults/0/group: the fleet has no group van'],
    [faulty('kind: gap, devices: [van-1]'), '/faults/0/devices: there is no device van-1'],
    [faulty('kind: bearing_wear'), '/faults/0/kind: none of these devices can have bearing_wear'],
    [faulty('kind: drift, metric: speed'), '/faults/0/metric: none of these devices has speed'],
    [faulty('kind: gap, metric: power_w'), '/faults/0/metric: gap is not of one metric'],
    [faulty('kind: gap, together: region'), '/faults/0/together: none of these devices has the label region'],
    [faulty('kind: gap, count: 1, share: 0.5'), '/faults/0: takes count or share'],
    [faulty('kind: gap, lasts: 0s'), '/faults/0/lasts: expected a duration above 0'],
    [faulty('kind: gap, onset: [2m, 1m]'), '/faults/0/onset: the first end of the range is above the second'],
    [
      faulty('kind: gap, parameters: { depth: 1 }'),
      '/faults/0/parameters: gap has no parameter depth; it has lost',
    ],
    [
      faulty('kind: oversize, parameters: { bytes: -5 }'),
      '/faults/0/parameters/bytes: expected a number from 1',
    ],
    [
      faulty('kind: drop, parameters: { probability: 5 }'),
      '/faults/0/parameters/probability: expected a number from 0 to 1',
    ],
    [`${good}pass:\n  - { figure: beauty, atLeast: 1 }\n`, '/pass/0: beauty is no figure'],
    [`${good}pass:\n  - { figure: recall }\n`, '/pass/0: recall needs atLeast or atMost'],
    [
      `${good}pass:\n  - { figure: recall, fault: gremlins, atLeast: 1 }\n`,
      '/pass/0/fault: not a kind of fault',
    ],
    [`${good}# ${'x'.repeat(1024 * 1024)}\n`, 'longer than 1048576 bytes'],
  ])('%.200j', (text, message) => {
    const file = written(text)
    expect(() => checkedScenario(file)).toThrow(
      expect.objectContaining({ code: 'TIDEMARK_SCENARIO_INVALID', exitCode: 2 }),
    )
    expect(() => checkedScenario(file)).toThrow(file)
    expect(() => checkedScenario(file)).toThrow(message)
  })

  test('a file that is not there: told which scenarios there are', () => {
    expect(() => checkedScenario('nosuch')).toThrow(/ENOENT.*expected one of .*mixed/)
  })
})

test('a fault file has entries as a scenario has them', () => {
  const file = written('faults:\n  - { kind: gap, onset: 10m, lasts: [5m, 1h], share: 0.5 }\n')
  expect(checkedFaults(file, checkedScenario(written(good)))).toMatchObject([
    { kind: 'gap', onset: [600_000, 600_000], lasts: [300_000, 3_600_000], severity: [1, 1] },
  ])
  expect(() => checkedFaults(written(good), checkedScenario(written(good)))).toThrow('/')
  const ofOthers = written('faults:\n  - { kind: gap, group: meter }\n')
  expect(() => checkedFaults(ofOthers, checkedScenario(written(good)))).toThrow(
    `${ofOthers}: /faults/0/group: the fleet has no group meter`,
  )
  const doors = `${good}faults:\n  - { kind: door_left_open, onset: 10m, lasts: 10m }\n`
  const leakFrom = (onset: string) => written(`faults:\n  - { kind: refrigerant_leak, onset: ${onset} }\n`)
  const early = leakFrom('19m')
  expect(() => checkedFaults(early, checkedScenario(written(doors)))).toThrow(
    `${early}: /faults/0: fridge-1 can have door_left_open (the scenario’s /faults/0) at the same time`,
  )
  expect(checkedFaults(leakFrom('20m'), checkedScenario(written(doors)))).toHaveLength(1)
})

describe('the scenarios that ship', () => {
  const packs = new Map(rulePacks.map((pack) => [pack.name, pack.rules.map(({ id }) => id)]))

  test.each(shippedScenarios())('%s is valid, and what it names exists', (name) => {
    const scenario = checkedScenario(name)
    expect(scenario.name).toBe(name)
    const groups = new Map(scenario.fleet.map((group) => [group.name, group]))
    const rules = new Set([
      ...scenario.packs.flatMap((pack) => {
        if (!packs.has(pack)) throw new Error(`there is no pack ${pack}`)
        return packs.get(pack)!
      }),
      ...scenario.rules.map(({ id }) => id as string),
    ])
    for (const { kind, group, expect: expected } of scenario.faults) {
      if (group !== undefined && !groups.has(group)) throw new Error(`there is no group ${group}`)
      const { models, expect: told } = faultKinds[kind]!
      if (group !== undefined && models !== undefined) expect(models).toContain(groups.get(group)!.model)
      const known = (expected ?? told).filter((rule) => rules.has(rule))
      if ((expected ?? told).length > 0 && known.length === 0) throw new Error(`no rule tells of ${kind}`)
    }
    for (const { fault } of scenario.pass) if (fault !== undefined) expect(faultKinds).toHaveProperty(fault)
    for (const { model, parameters } of scenario.fleet) {
      for (const parameter of Object.keys(parameters))
        expect(findModel(model)!.parameters).toHaveProperty(parameter)
    }
  })
})
