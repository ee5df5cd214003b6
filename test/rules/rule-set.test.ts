import { expect, test } from 'vitest'
import { shippedProfiles } from '../../domain/shipped-profiles.ts'
import type { Rule } from '../../rules/rule.ts'
import { validateRuleSet } from '../../rules/rule-set.ts'
import { ruleOf } from './evaluation.ts'

const profiles = new Map(shippedProfiles.map((profile) => [profile.type, profile]))
const check = (inputs: readonly unknown[], others: readonly Rule[] = []) =>
  validateRuleSet(inputs, { profiles, others: new Map(others.map((rule) => [rule.id, rule])) })
const pointersOf = async (...given: Parameters<typeof check>) => {
  const checked = await check(...given)
  return checked.ok ? [] : checked.errors.map(({ pointer }) => pointer)
}
const flapping = (rule: string) =>
  ({ when: { kind: 'flapping', of: { rule }, above: 0.5, clear: 0.25 } }) as const

test('rules may name one another in any order, and those beside the set', async () => {
  const set = [
    ruleOf({ id: 'a', ...flapping('b') }),
    ruleOf({ id: 'b' }),
    ruleOf({ id: 'c', ...flapping('d') }),
  ]
  expect(await pointersOf(set, [ruleOf({ id: 'd' })])).toEqual([])
  expect(await pointersOf(set)).toEqual(['/rules/2/when/of/rule'])
})

test('each problem has a pointer below its own rule', async () => {
  const set = [
    ruleOf(),
    { ...ruleOf({ id: 'b' }), colour: 'red' },
    7,
    { ...ruleOf({ id: 'c' }), for: 'soon' },
  ]
  expect(await pointersOf(set)).toEqual(['/rules/1/colour', '/rules/2', '/rules/3/for'])
})

test('an id stands once', async () => {
  expect(await pointersOf([ruleOf(), ruleOf({ id: 'b' }), ruleOf()])).toEqual(['/rules/2/id'])
})

test('a circle within the set, or through a rule beside it, is refused', async () => {
  const [a, b] = [ruleOf({ id: 'a', suppressedBy: ['b'] }), ruleOf({ id: 'b', suppressedBy: ['a'] })]
  expect(await pointersOf([a, b])).toEqual(['/rules/0/suppressedBy/0', '/rules/1/suppressedBy/0'])
  expect(await pointersOf([a], [b])).toEqual(['/rules/0/suppressedBy/0'])
  // The set's own takes the place of the one beside it.
  expect(await pointersOf([a, ruleOf({ id: 'b' })], [b])).toEqual([])
})

test('at most 100 problems are told', async () => {
  const checked = await check(Array.from({ length: 300 }, () => 7))
  expect(checked).toMatchObject({ ok: false, errors: { length: 100 } })
})
