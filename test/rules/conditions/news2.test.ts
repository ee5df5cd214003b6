import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rounded } from '../../../rules/conditions/news2.ts'

/** Of the decimal number as it is written. */
function roundedAsWritten(value: number): number {
  const size = Math.abs(value)
  if (size >= 2 ** 53) return value
  return size < 1e-6 ? 0 : ((value < 0 ? -1 : 1) * Math.round(Number(`${size}e1`))) / 10
}

test.each([
  [38.05, 38.1],
  [38.04999, 38],
  [-38.05, -38.1],
  [1.15, 1.2],
  [2 ** 53 + 2, 2 ** 53 + 2],
  [1e-7, 0],
])('%d is %d to one decimal', (value, expected) => {
  expect(rounded(value, 1)).toBe(expected)
})

test('to one decimal it is what the number as written gives', () => {
  const nearHalves = fc
    .tuple(fc.integer({ min: -1e10, max: 1e10 }), fc.constantFrom(0, 1e-9, -1e-9, 1e-7, -1e-7, 1e-6, -1e-6))
    .map(([tenths, off]) => (tenths + 0.5) / 10 + off)
  const someNumbers = fc.oneof(
    fc.double({ min: 30, max: 45, noNaN: true }),
    fc.integer({ min: -1e6, max: 1e6 }).map((hundredths) => hundredths / 100),
    nearHalves,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
  )
  fc.assert(
    fc.property(someNumbers, (value) => {
      expect(rounded(value, 1) + 0).toBe(roundedAsWritten(value) + 0)
    }),
    { numRuns: 20_000 },
  )
})
