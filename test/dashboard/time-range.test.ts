import { expect, test } from 'vitest'
import { moved, ranges, stepFor, zoomed } from '../../dashboard/time-range.ts'
import { durationMs } from '../../domain/duration.ts'

test('no span has more windows than a page of the API, and each window is a duration that the API reads', () => {
  for (const ms of [10_000, ...ranges.map((range) => range.ms), 400 * 86_400_000, 10 * 365 * 86_400_000]) {
    const { every, everyMs } = stepFor({ from: 0, to: ms })
    expect(durationMs(every)).toBe(everyMs)
    expect(ms / everyMs, `${ms}`).toBeLessThanOrEqual(1_000)
  }
})

test('a short span is drawn finely', () => {
  expect(stepFor({ from: 0, to: 600_000 }).every).toBe('1s')
  expect(stepFor({ from: 0, to: 3_600_000 }).every).toBe('5s')
  expect(stepFor({ from: 0, to: 86_400_000 }).every).toBe('5m')
})

test('zooming keeps the middle, and ends at 10 s', () => {
  expect(zoomed({ from: 0, to: 100_000 }, 0.5)).toEqual({ from: 25_000, to: 75_000 })
  expect(zoomed({ from: 25_000, to: 75_000 }, 2)).toEqual({ from: 0, to: 100_000 })
  expect(zoomed({ from: 0, to: 12_000 }, 0.5)).toEqual({ from: 1_000, to: 11_000 })
})

test('moving keeps the length', () => {
  expect(moved({ from: 0, to: 100 }, -0.5)).toEqual({ from: -50, to: 50 })
})
