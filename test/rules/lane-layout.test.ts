import { describe, expect, test } from 'vitest'
import { CompiledRule, type RuleForDevice } from '../../rules/compile.ts'
import { LaneLayouts } from '../../rules/lane-layout.ts'
import { ReadingShapes } from '../../rules/reading-input.ts'
import type { Rule } from '../../rules/rule.ts'
import { fridge, storedRule } from './evaluation.ts'

const metric = 'temperature_c'
const compiled = (id: string, when: Rule['when']): RuleForDevice =>
  new CompiledRule(storedRule({ id, when }), 1).forDevice(fridge, undefined)
const over = (id: string, above: number) => compiled(id, { kind: 'threshold', metric, above })
const mean = (id: string, window: string, of = metric) =>
  compiled(id, { kind: 'aggregate', metric: of, fn: 'mean', window, minCount: 1, above: 1 })

describe('lanes of the same rules', () => {
  test('have one layout, of other rules another', () => {
    const layouts = new LaneLayouts(10)
    const [a, b, c] = [mean('a', '10m'), over('b', 1), over('c', 1)]
    const layout = layouts.of([a, b], [c])
    expect(layouts.of([a, b], [c])).toBe(layout)
    for (const [rules, inRanges] of [
      [[b, a], [c]],
      [[a, b, c], []],
      [[a], [b, c]],
      [[a, b], []],
    ] as const)
      expect(layouts.of(rules, inRanges)).not.toBe(layout)
  })

  test('have another once the rules have changed', () => {
    const layouts = new LaneLayouts(10)
    const rules = [mean('a', '10m')]
    const layout = layouts.of(rules, [])
    layouts.clear()
    expect(layouts.of(rules, [])).not.toBe(layout)
  })
})

describe('a layout', () => {
  const layouts = new LaneLayouts(10)
  const shapes = new ReadingShapes()

  test('has each window once, however many rules need it', () => {
    const needs = [mean('a', '10m'), mean('b', '600s'), mean('c', '5m'), mean('d', '10m', 'humidity')]
    const { windows } = layouts.of(needs, [])
    expect(windows.all.map(({ metric, kind }) => [metric, kind.lengthMs])).toEqual([
      [metric, 600_000],
      [metric, 300_000],
      ['humidity', 600_000],
    ])
    expect(windows.all.map(({ metric, kind }) => windows.placeOf(metric, kind.lengthMs))).toEqual([0, 1, 2])
    expect([windows.placeOf(metric, 1), windows.placeOf('power', 600_000)]).toEqual([undefined, undefined])
  })

  test('tells for the metrics of a reading which previous readings it becomes', () => {
    const cel = `${metric} > 8.0 && humidity > 80.0`
    const rules = [
      compiled('a', { kind: 'counter', metric, event: 'reset' }),
      compiled('b', { kind: 'expression', cel }),
    ]
    expect(layouts.of(rules, []).plan(shapes.of(['power', metric])).previous).toEqual([
      { place: 0, at: 1, isNumber: true },
      { place: 1, at: 1, isNumber: false },
    ])
  })

  test('tells for the metrics of a reading which tables, rules and windows they reach', () => {
    const rules = [mean('a', '10m', 'humidity'), mean('b', '10m')]
    const layout = layouts.of(rules, [over('c', 1), over('d', 2)])
    expect(layout.ranges.map(({ metric, rules }) => [metric, rules.length])).toEqual([[metric, 2]])
    expect(layout.plan(shapes.of(['power', metric]))).toEqual({
      ranges: [{ place: 0, at: 1 }],
      instances: [1],
      windows: [{ place: 1, at: 1 }],
      previous: [],
    })
    expect(layout.plan(shapes.of(['power']))).toEqual({
      ranges: [],
      instances: [],
      windows: [],
      previous: [],
    })
  })
})
