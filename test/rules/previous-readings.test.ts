import { describe, expect, test } from 'vitest'
import type { PreviousNeed } from '../../rules/conditions/condition.ts'
import { PreviousKinds, PreviousReadings } from '../../rules/previous-readings.ts'
import type { Condition } from '../../rules/rule.ts'
import { Evaluation, fridge, storedRule } from './evaluation.ts'

const any = (metric: string): PreviousNeed => ({ metric, type: 'any' })
const number = (metric: string): PreviousNeed => ({ metric, type: 'number' })
const always = Number.NEGATIVE_INFINITY

describe('previous readings', () => {
  test('of each need the newest that was noted is found, where it is later than asked', () => {
    const needs = [any('a'), number('a'), any('b')]
    const readings = PreviousReadings.load(new PreviousKinds(needs), undefined)
    expect(needs.map((need) => readings.get(need, always))).toEqual([undefined, undefined, undefined])
    readings.note(0, 10, 'text')
    readings.note(1, 5, 1.5)
    readings.note(0, 20, true)
    expect(readings.get(needs[0]!, always)).toEqual({ time: 20, value: true })
    expect(readings.get(needs[0]!, 19)).toEqual({ time: 20, value: true })
    expect(readings.get(needs[0]!, 20)).toBeUndefined()
    expect(readings.get(needs[1]!, always)).toEqual({ time: 5, value: 1.5 })
    expect(readings.get(needs[2]!, always)).toBeUndefined()
  })

  test('rules that ask for the same have one place', () => {
    const [first, second] = [any('a'), any('a')]
    const kinds = new PreviousKinds([first, number('a'), second])
    expect(kinds.all.map(({ metric, type }) => `${type} ${metric}`)).toEqual(['any a', 'number a'])
    expect(kinds.placeOf(second)).toBe(kinds.placeOf(first))
    expect(() => kinds.placeOf(any('a'))).toThrow('no previous reading of a is kept')
  })

  test('what was written is what is loaded, once for each change', () => {
    const needs = [any('__proto__'), number('m'), any('never')]
    const kinds = new PreviousKinds(needs)
    const readings = PreviousReadings.load(kinds, undefined)
    expect(readings.takeDirty()).toBeUndefined()
    readings.note(0, 1_764_150_000_123, 'tęxt')
    readings.note(1, 1_764_150_000_124, -0)
    const bytes = readings.takeDirty()
    expect(readings.takeDirty()).toBeUndefined()
    const loaded = PreviousReadings.load(kinds, bytes)
    expect(loaded.takeDirty()).toBeUndefined()
    for (const need of needs) expect(loaded.get(need, always)).toEqual(readings.get(need, always))
    // Divided by it, 0 and −0 would not be alike.
    expect(readings.get(needs[1]!, always)).toEqual({ time: 1_764_150_000_124, value: 0 })
  })

  test('after an edit those that are still asked for are taken over, and of others there is nothing', () => {
    const [kept, gone, fresh] = [any('kept'), any('gone'), any('fresh')]
    const before = PreviousReadings.load(new PreviousKinds([gone, kept]), undefined)
    before.note(0, 1, 'gone')
    before.note(1, 2, 'kept')
    const after = before.become(new PreviousKinds([fresh, kept]))
    expect(after.get(kept, always)).toEqual({ time: 2, value: 'kept' })
    expect(after.get(fresh, always)).toBeUndefined()
  })
})

const fell: Condition = { kind: 'counter', metric: 'register', event: 'reset' }
const warmAndMoist: Condition = { kind: 'expression', cel: 'temperature_c > 8.0 && humidity_pct > 80.0' }
const at = (ts: number, values: Record<string, number | string>) => ({ ts, values })

describe('rules over previous readings', () => {
  test('one that begins later does not know what came before it, over a restart too', () => {
    const evaluation = new Evaluation([storedRule({ id: 'first', when: fell })])
    evaluation.give(at(1_000, { register: 100 }))
    evaluation.setRule(storedRule({ id: 'later', when: fell }))
    evaluation.give(at(2_000, { temperature_c: 5 }))
    evaluation.restart()
    const raised = evaluation.give(at(3_000, { register: 10 }))
    expect(raised.map(({ instance, threshold }) => [instance.rule.id, threshold])).toEqual([['first', 100]])
    expect(evaluation.give(at(4_000, { register: 50 }), at(5_000, { register: 5 }))).toHaveLength(3)
  })

  test('are found again after a restart, of a rule that waits and of a member of a group too', () => {
    const group: Condition = { kind: 'group', of: warmAndMoist, by: 'site', atLeast: 1 }
    const evaluation = new Evaluation([
      storedRule({ id: 'now', when: warmAndMoist }),
      storedRule({ id: 'waits', when: warmAndMoist, wait: '1s' }),
      storedRule({ id: 'in-group', when: group }),
    ])
    evaluation.give(at(1_000, { temperature_c: 9 }), at(2_500, { temperature_c: 9.5 }))
    evaluation.restart()
    const raised = [
      ...evaluation.give(at(3_000, { humidity_pct: 90 })),
      ...evaluation.give(at(4_500, { humidity_pct: 90 })),
    ]
    expect(raised.map(({ instance, time }) => `${instance.rule.id}@${time}`).sort()).toEqual([
      'in-group@3000',
      'now@3000',
      'waits@3000',
    ])
  })

  test('a second reading of one time is found again after a restart', () => {
    const evaluation = new Evaluation([storedRule({ when: fell })])
    evaluation.give(at(1_000, { register: 100 }))
    evaluation.give(at(1_000, { register: 60 }))
    evaluation.restart()
    // Less than half of the first, and not of the second.
    expect(evaluation.give(at(2_000, { register: 40 }))).toEqual([])
  })

  test('a register passes over a text, and an expression is given it', () => {
    const isText: Condition = { kind: 'expression', cel: 'register == "none" && humidity_pct > 80.0' }
    const evaluation = new Evaluation([
      storedRule({ id: 'register', when: fell }),
      storedRule({ id: 'text', when: isText }),
    ])
    evaluation.give(at(1_000, { register: 100 }), at(2_000, { register: 'none' }))
    const raised = evaluation.give(at(3_000, { humidity_pct: 90 }), at(4_000, { register: 10 }))
    expect(raised.map(({ instance, transition }) => `${instance.rule.id} ${transition}`)).toEqual([
      'text raised',
      'register raised',
      'text cleared',
    ])
  })

  test('of two devices do not mix', () => {
    const other = { ...fridge, id: 'fridge-2' }
    const evaluation = new Evaluation([storedRule({ when: warmAndMoist })], { devices: [fridge, other] })
    evaluation.give(
      at(1_000, { temperature_c: 9 }),
      { ...at(1_000, { humidity_pct: 90 }), device: other.id },
      { ...at(2_000, { temperature_c: 5 }), device: other.id },
      at(2_000, { humidity_pct: 90 }),
    )
    expect(evaluation.occurrences.map(({ instance, time }) => `${instance.device.id}@${time}`)).toEqual([
      'fridge-1@2000',
    ])
  })

  test('are kept once for all rules of a device, and no longer once none asks', () => {
    const evaluation = new Evaluation([
      storedRule({ id: 'a', when: fell }),
      storedRule({ id: 'b', when: { kind: 'any', of: [fell, warmAndMoist] } }),
    ])
    evaluation.give(at(1_000, { register: 1 }), at(1_500, { register: 1, temperature_c: 5, humidity_pct: 5 }))
    const written = evaluation.kept.statesWritten
    evaluation.give(at(2_000, { register: 2, temperature_c: 5, humidity_pct: 5 }))
    expect(evaluation.kept.statesWritten).toBe(written)
    expect(evaluation.kept.sizes.windows).toBe(1)
    for (const id of ['a', 'b'])
      evaluation.setRule(storedRule({ id, when: { kind: 'threshold', metric: 'register', above: 1e6 } }))
    evaluation.give(at(3_000, { register: 3 }))
    expect(evaluation.kept.sizes.windows).toBe(0)
  })
})
