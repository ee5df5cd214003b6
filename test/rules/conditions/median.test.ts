import fc from 'fast-check'
import { expect, test } from 'vitest'
import { medianOf } from '../../../rules/conditions/median.ts'

test.each<[number[], number]>([
  [[], Number.NaN],
  [[3], 3],
  [[4, 1], 2.5],
  [[9, 1, 5], 5],
  [[1, 1, 1, 1], 1],
  [[4, 3, 2, 1], 2.5],
  [[Number.MAX_VALUE, Number.MAX_VALUE], Number.MAX_VALUE],
])('the median of %j is %d', (values, expected) => {
  expect(medianOf(Float64Array.from(values), values.length)).toBe(expected)
})

test('only the first values count', () => {
  expect(medianOf(Float64Array.of(5, 7, 6, 100, 100), 3)).toBe(6)
})

test('it is what sorting gives', () => {
  const someValues = fc.array(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer()), { minLength: 1 })
  fc.assert(
    fc.property(someValues, (values) => {
      const sorted = [...values].sort((a, b) => a - b)
      const middle = values.length >> 1
      const expected = values.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
      // + 0: zero may come as −0.
      expect(medianOf(Float64Array.from(values), values.length) + 0).toBe(expected + 0)
    }),
    { numRuns: 2_000 },
  )
})

test('of many values that fall and rise again it takes no longer than of others', () => {
  // Were they gone through once for each, this would take minutes.
  const count = 300_001
  const values = Float64Array.from({ length: count }, (_, i) => Math.abs(i - (count >> 1)) + i / count)
  expect(medianOf(values, count)).toBeCloseTo(75_000, -1)
})
