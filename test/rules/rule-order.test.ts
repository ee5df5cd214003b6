import { expect, test } from 'vitest'
import { CompiledRule } from '../../rules/compile.ts'
import type { Rule } from '../../rules/rule.ts'
import { inOrderOfDependence } from '../../rules/rule-order.ts'
import { storedRule } from './evaluation.ts'

/** Ids in the order of evaluation; of each rule the fields by which it depends on others. */
function orderOf(rules: Readonly<Record<string, Partial<Rule>>>): string[] {
  const compiled = Object.entries(rules).map(
    ([id, fields]) => [id, new CompiledRule(storedRule({ id, ...fields }), 1)] as const,
  )
  return inOrderOfDependence(new Map(compiled)).map(({ rule }) => rule.id)
}

const flapping = (rule: string): Partial<Rule> => ({
  when: { kind: 'flapping', of: { rule }, above: 0.5, clear: 0.25 },
})

test('rules that depend on none stand by id, whatever the order in which they were made', () => {
  expect(orderOf({ c: {}, a: {}, b: {} })).toEqual(['a', 'b', 'c'])
})

test('a rule comes after those that suppress it and that it watches, and those after theirs', () => {
  expect(orderOf({ a: { suppressedBy: ['d', 'c'] }, b: {}, c: flapping('e'), d: {}, e: {} })).toEqual([
    'd',
    'e',
    'c',
    'a',
    'b',
  ])
  // Also where what it watches stands within another condition.
  const within = { when: { kind: 'not', of: flapping('z').when! } } as const
  expect(orderOf({ a: within, z: {} })).toEqual(['z', 'a'])
})

test('a rule that there is not is no one’s before', () => {
  expect(orderOf({ a: { suppressedBy: ['gone'] }, b: {} })).toEqual(['a', 'b'])
})

test('of a circle each rule is there once, and one that depends on it comes after', () => {
  const circle = { b: { suppressedBy: ['c'] }, c: flapping('d'), d: { suppressedBy: ['b'] } }
  expect(orderOf({ a: { suppressedBy: ['b'] }, ...circle })).toEqual(['d', 'c', 'b', 'a'])
  expect(orderOf({ a: { suppressedBy: ['a'] } })).toEqual(['a'])
})
