import { describe, expect, test } from 'vitest'
import { boundBy, percentiles } from '../../../simulators/bench/measurement.ts'

describe('the limit was', () => {
  const late = (p99: number) => ({ p99, max: p99 })
  test.each([
    ['the generator, when it was late on its schedule', 11, 0.2, { keptUp: true }, 'generator'],
    ['nobody, when both kept to the schedule', 10, 0.2, { keptUp: true }, 'schedule'],
    ['nobody, when the generator was busy and yet kept up', 3, 0.99, { keptUp: true }, 'schedule'],
    ['the broker, when the generator had time and was in time', 3, 0.9, { keptUp: false }, 'broker'],
    ['the generator, when it had no time for acknowledgements', 3, 0.95, { keptUp: false }, 'generator'],
    ['without a schedule the generator, when it waited for nothing', 0, 0.95, undefined, 'generator'],
    ['without a schedule the broker, when the generator waited', 0, 0.94, undefined, 'broker'],
  ] as const)('%s', (_case, p99, generatorBusy, schedule, expected) => {
    expect(boundBy({ generatorLateMs: late(p99), generatorBusy }, schedule)).toBe(expected)
  })
})

test('a percentile is the smallest value that so many do not exceed', () => {
  const values = Array.from({ length: 200 }, (_, i) => 200 - i)
  expect(percentiles(values)).toEqual({ p50: 100, p90: 180, p99: 198, max: 200 })
  expect(percentiles([7])).toEqual({ p50: 7, p90: 7, p99: 7, max: 7 })
  expect(percentiles([])).toEqual({ p50: 0, p90: 0, p99: 0, max: 0 })
})
