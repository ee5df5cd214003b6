import { describe, expect, test } from 'vitest'
import { CompiledRule } from '../../rules/compile.ts'
import type { Instance } from '../../rules/instance.ts'
import { RangeColumns, RangeTable } from '../../rules/range-table.ts'
import type { Rule } from '../../rules/rule.ts'
import { fridge, storedRule } from './evaluation.ts'

const metric = 'temperature_c'
const over = (limit: number): Partial<Rule> => ({ when: { kind: 'threshold', metric, above: limit } })

/** A table of rules by their ids; `shown` are the ids that a value reaches. */
class Shown {
  readonly table: RangeTable
  readonly instances = new Map<string, Instance>()
  #reached: string[] = []

  constructor(rules: Readonly<Record<string, Partial<Rule>>>, kept: Readonly<Record<string, Instance>> = {}) {
    const compiled = Object.entries(rules).map(([id, fields]) =>
      new CompiledRule(storedRule({ id, ...fields }), 1).forDevice(fridge, undefined),
    )
    const instances = Object.keys(rules).map((id) => kept[id])
    this.table = new RangeTable(new RangeColumns(metric, compiled), fridge, instances)
  }

  shown(value: number | undefined, becomes?: 'normal' | 'active'): string[] {
    this.#reached = []
    this.table.judge(value, {
      step: (instance) => {
        this.#reached.push(instance.rule.id)
        this.instances.set(instance.rule.id, instance)
        if (becomes !== undefined) instance.ownAlarm().condition = becomes
      },
    })
    return this.#reached
  }
}

describe('a value', () => {
  test('reaches the rules outside whose limits it is: at the limit it is not', () => {
    const table = new Shown({
      high: over(8),
      higher: over(10),
      low: { when: { kind: 'threshold', metric, below: 2 } },
      out: { when: { kind: 'threshold', metric, outside: [3, 9] } },
    })
    const reached = [1, 2, 2.9, 3, 8, 8.1, 9, 9.1, 10.1].map((value) => table.shown(value).join(' '))
    expect(reached).toEqual(['low out', 'out', 'out', '', '', 'high', 'high', 'high out', 'high higher out'])
  })

  test('that reaches none makes no instance; one that does makes it once', () => {
    const table = new Shown({ high: over(8) })
    table.shown(8)
    expect(table.table.instances()).toEqual([])
    table.shown(9, 'normal')
    const [instance] = table.table.instances()
    expect([instance?.device, instance?.rule.id]).toEqual([fridge, 'high'])
    table.shown(9)
    expect(table.instances.get('high')).toBe(instance)
    expect(table.table.instances()).toEqual([instance])
  })

  test('of whatever size reaches a rule that is up, until it is normal again', () => {
    const table = new Shown({ high: over(8), other: over(20) })
    expect(table.shown(9, 'active')).toEqual(['high'])
    expect(table.shown(5)).toEqual(['high'])
    expect(table.shown(-1e300, 'normal')).toEqual(['high'])
    expect(table.shown(5)).toEqual([])
    expect(table.shown(9)).toEqual(['high'])
  })
})

test('a text reaches only what is up', () => {
  const table = new Shown({ high: over(8), other: over(8) })
  expect(table.shown(undefined)).toEqual([])
  table.shown(9, 'active')
  table.instances.get('other')!.ownAlarm().condition = 'normal'
  expect(table.shown(undefined)).toEqual(['high'])
})

test('what was kept goes on in the place of its rule', () => {
  const before = new Shown({ high: over(8) })
  before.shown(9, 'active')
  const kept = before.instances.get('high')!
  const table = new Shown({ first: over(20), high: over(8), last: over(30) }, { high: kept })
  expect(table.table.size).toBe(3)
  expect(table.shown(0)).toEqual(['high'])
  expect(table.instances.get('high')).toBe(kept)
})
