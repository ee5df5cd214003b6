import { expect, test } from 'vitest'
import {
  addSample,
  dropUntil,
  isFirstOfPart,
  noSamples,
  partLengthMs,
} from '../../../rules/conditions/samples.ts'

test('the first reading of each part is a sample, whatever gaps there are', () => {
  const seen = { part: -1 }
  expect([0, 5, 9, 10, 10, 19, 45, 49, 50].filter((time) => isFirstOfPart(seen, 10, time))).toEqual([
    0, 10, 45, 50,
  ])
})

test('a sample at the time of the limit is dropped, a later one is kept', () => {
  const samples = noSamples()
  for (const time of [1, 2, 3]) addSample(samples, time, time * 10)
  expect(dropUntil(samples, 0)).toBe(false)
  expect(dropUntil(samples, 2)).toBe(true)
  expect(samples).toEqual({ times: [3], values: [30] })
})

test('parts are whole milliseconds, rounded up, and never none', () => {
  expect([256, 257, 512, 1, 0].map((windowMs) => partLengthMs(windowMs, 256))).toEqual([1, 2, 2, 1, 1])
})
