import { expect, test } from 'vitest'
import { age, duration, figure, latency, plural, value } from '../../dashboard/format.ts'

const now = Date.UTC(2026, 10, 23, 12)
const before = (ms: number) => new Date(now - ms).toISOString()

test.each([
  [0, '0'],
  [1234.5678, '1235'],
  [230.14, '230.1'],
  [0.05, '0.05'],
  [0.00001234, '1.2e-5'],
  [12_345_678, '12,345,678'],
  [12_345.678, '12,346'],
  [-4.25, '-4.25'],
])('the number %d is shown as %s', (n, text) => {
  expect(figure(n)).toBe(text)
})

test.each([
  [true, 'yes'],
  [false, 'no'],
  ['ok', 'ok'],
  [undefined, '–'],
  [null, '–'],
  [[4, 8.5], '4 … 8.5'],
])('the value %j is shown as %s', (given, text) => {
  expect(value(given)).toBe(text)
})

test.each([
  [undefined, '–'],
  [0.00042, '0.4 ms'],
  [0.0234, '23 ms'],
  [1.26, '1.3 s'],
])('the latency %d s is shown as %s', (seconds, text) => {
  expect(latency(seconds)).toBe(text)
})

test.each([
  [0, '0 s'],
  [59_999, '59 s'],
  [60_000, '1 min'],
  [3_600_000 * 3 + 60_000 * 20 + 5_000, '3 h 20 min'],
  [86_400_000 * 2, '2 d'],
])('%d ms last %s', (ms, text) => {
  expect(duration(ms)).toBe(text)
})

test.each([
  [999, 'now'],
  [-2_000, 'now'],
  [1_000, '1 s ago'],
  [59_000, '59 s ago'],
  [3_599_000, '59 min ago'],
  [3 * 86_400_000, '3 d ago'],
  [-600_000, 'in 10 min'],
])('what was %d ms before is %s', (ms, text) => {
  expect(age(before(ms), now)).toBe(text)
})

test('what never was is never', () => {
  expect(age(null, now)).toBe('never')
})

test('one is one and all others are many', () => {
  expect([0, 1, 1_234].map((n) => plural(n, 'device'))).toEqual(['0 devices', '1 device', '1,234 devices'])
})
