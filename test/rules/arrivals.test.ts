import fc from 'fast-check'
import { expect, test } from 'vitest'
import { gapsMax, usualInterval } from '../../rules/arrivals.ts'

test('nothing is usual before the first gap', () => {
  expect(usualInterval([])).toBeUndefined()
})

test('the usual interval is the median of the gaps, which stay in their order', () => {
  const someGaps = fc.array(fc.integer({ min: 1, max: 1e12 }), { minLength: 1, maxLength: gapsMax })
  fc.assert(
    fc.property(someGaps, (gaps) => {
      const given = [...gaps]
      const sorted = gaps.toSorted((a, b) => a - b)
      const middle = gaps.length >> 1
      const expected = gaps.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
      expect(usualInterval(gaps)).toBe(expected)
      expect(gaps).toEqual(given)
    }),
  )
})
