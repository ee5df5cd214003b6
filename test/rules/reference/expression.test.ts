import { expect, test } from 'vitest'
import type { ExpressionCondition } from '../../../rules/rule.ts'
import { evaluateCel, Failure, namesIn, parseCel } from './cel.ts'
import { outcomesOf, type Row, valuesOf } from './judged.ts'

const cel = (text: string, maxAge?: string): ExpressionCondition => ({
  kind: 'expression',
  cel: text,
  maxAge,
})

test('is over the newest value of each metric, unknown while one has none', () => {
  const rows: Row[] = [
    [0, { t: 9 }],
    [1, { open: false }],
    [2, { t: 8 }],
  ]
  expect(outcomesOf(cel('t > 8.0 && !open'), rows)).toBe('unknown met cleared')
})
test('a value exactly as old as maxAge counts, an older one makes it unknown', () => {
  const rows: Row[] = [
    [0, { t: 9 }],
    [5, { open: false }],
    [6, { open: false }],
  ]
  expect(outcomesOf(cel('t > 8.0 && !open', '5m'), rows)).toBe('unknown met unknown')
})
test('a label that the device does not have makes it unknown, unless the other side decides', () => {
  expect(
    outcomesOf(cel('m > 1.0 && labels.x == "a"'), [
      [0, 2],
      [1, 1],
    ]),
  ).toBe('unknown cleared')
  expect(
    outcomesOf(cel('m > 1.0 || labels.x == "a"'), [
      [0, 2],
      [1, 1],
    ]),
  ).toBe('met unknown')
  expect(outcomesOf(cel('labels.x == "a"'), [], { labels: { x: 'a' } })).toBe('')
  expect(outcomesOf(cel('m > 1.0 && labels.x == "a"'), [[0, 2]], { labels: { x: 'a' } })).toBe('met')
})
test('reports the first metric it names that the reading holds', () => {
  const rows: Row[] = [
    [0, { b: 2, a: 1 }],
    [1, { b: 3 }],
  ]
  expect(valuesOf(cel('a < b'), rows)).toEqual([1, 3])
})
test('the device is its id', () => {
  expect(outcomesOf(cel('m > 0.0 && device == "d2"'), [[0, 1, 'd2']])).toBe('met')
})
test('operators bind as in CEL', () => {
  const value = (text: string) => evaluateCel(parseCel(text), { values: { a: 3 }, labels: { x: '4' } })
  expect(value('1.0 + 2.0 * a == 7.0')).toBe(true)
  expect(value('a - 1.0 - 1.0 == 1.0')).toBe(true)
  expect(value('true || false && false')).toBe(true)
  expect(value('!(a > 2.0) ? 1.0 : -a')).toBe(-3)
  expect(value('double(labels.x) / 2.0')).toBe(2)
  expect(value('a > "x"')).toBeInstanceOf(Failure)
  expect(namesIn('b + a > b && labels.c == device')).toEqual(['b', 'a'])
})
