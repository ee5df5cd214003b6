import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { rulePacks } from '../../rules/rule-packs.ts'
import { faultKinds } from '../../simulators/faults/fault-kinds.ts'
import { findModel } from '../../simulators/models/models.ts'
import { loadFaults, loadScenario, shippedScenarios } from '../../simulators/scenario.ts'
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
  expect(loadScenario(written(good))).toMatchObject({
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
    expect(() => loadScenario(file)).toThrow(
      expect.objectContaining({ code: 'TIDEMARK_SCENARIO_INVALID', exitCode: 2 }),
    )
    expect(() => loadScenario(file)).toThrow(message)
  })

  test('a file that is not there: told which scenarios there are', () => {
    expect(() => loadScenario('nosuch')).toThrow(/ENOENT.*expected one of .*mixed/)
  })
})

test('a fault file has entries as a scenario has them', () => {
  const file = written('faults:\n  - { kind: gap, onset: 10m, lasts: [5m, 1h], share: 0.5 }\n')
  expect(loadFaults(file)).toMatchObject([
    { kind: 'gap', onset: [600_000, 600_000], lasts: [300_000, 3_600_000], severity: [1, 1] },
  ])
  expect(() => loadFaults(written(good))).toThrow('/')
})

describe('the scenarios that ship', () => {
  const packs = new Map(rulePacks.map((pack) => [pack.name, pack.rules.map(({ id }) => id)]))

  test.each(shippedScenarios())('%s is valid, and what it names exists', (name) => {
    const scenario = loadScenario(name)
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
