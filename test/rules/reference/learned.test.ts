import { describe, expect, test } from 'vitest'
import type { BaselineCondition, TrendCondition } from '../../../rules/rule.ts'
import { judged, outcomesOf, perMinute, type Row, valuesOf } from './judged.ts'

const hour = 60

describe('baseline', () => {
  const mad: BaselineCondition = {
    kind: 'baseline',
    metric: 'm',
    method: 'mad',
    window: '256m',
    k: 2,
    direction: 'both',
    warmup: '4m',
    minSpread: 0,
    timezone: 'UTC',
  }
  test('mad: further than k deviations from the median, from exactly warmup on; judged before it is learned', () => {
    // Of 1 2 3 4: median 2.5, deviations 1.5 0.5 0.5 1.5, so 1; within 0.5 … 4.5.
    expect(outcomesOf(mad, perMinute(1, 2, 3, 4, 4.5))).toBe('unknown unknown unknown unknown cleared')
    expect(outcomesOf(mad, perMinute(1, 2, 3, 4, 4.6))).toBe('unknown unknown unknown unknown met')
    expect(outcomesOf({ ...mad, warmup: '5m' }, perMinute(1, 2, 3, 4, 9))).not.toContain('met')
  })
  test('mad: a sample is the first reading of its part, and one exactly a window old is none', () => {
    const now = { ...mad, warmup: '0s' }
    expect(
      outcomesOf(now, [
        [0, 3],
        [0.5, 100],
        [1, 3],
        [2, 4],
      ]),
    ).toBe('unknown met cleared met')
    expect(
      outcomesOf(now, [
        [0, 3],
        [256, 3],
      ]),
    ).toBe('unknown unknown')
    expect(
      outcomesOf(now, [
        [1, 3],
        [256, 3],
      ]),
    ).toBe('unknown cleared')
  })
  test('mad: with one direction the other is cleared; no spread is taken as minSpread', () => {
    const now: BaselineCondition = { ...mad, warmup: '0s', direction: 'below', minSpread: 1 }
    expect(outcomesOf(now, perMinute(5, 9))).toBe('unknown cleared')
    expect(outcomesOf(now, perMinute(5, 3))).toBe('unknown cleared')
    expect(outcomesOf(now, perMinute(5, 2.9))).toBe('unknown met')
  })
  test('daily: only samples of the same hour of the day count, the first of each quarter', () => {
    const daily: BaselineCondition = { ...mad, method: 'daily', window: '2d', warmup: '0s', minSpread: 1 }
    const rows: Row[] = [
      [0, 5],
      [10, 50],
      [hour, 9],
      [24 * hour, 5],
      [25 * hour, 5],
      [48 * hour, 9],
    ]
    // At 48 h the reading of 0 h is exactly the window old: 5 of 24 h alone is left.
    expect(outcomesOf(daily, rows)).toBe('unknown met unknown cleared met met')
  })
  test('daily: the hour is that of the time zone, half hours too', () => {
    const daily: BaselineCondition = { ...mad, method: 'daily', window: '2d', warmup: '0s' }
    const rows: Row[] = [
      [0, 5],
      [40, 5],
    ]
    expect(outcomesOf(daily, rows)).toBe('unknown cleared')
    expect(outcomesOf({ ...daily, timezone: 'Asia/Kolkata' }, rows)).toBe('unknown unknown')
  })
  test('ewma: mean and variance forget with the window', () => {
    // After 0 and 4 a minute apart, window 1 minute: a = 1 − 1/e, mean 2.528, variance (1 − a)·a·16 = 3.7208, spread 1.929.
    const ewma: BaselineCondition = { ...mad, method: 'ewma', window: '1m', warmup: '2m', k: 1 }
    const a = 1 - Math.exp(-1)
    const edge = 4 * a + Math.sqrt((1 - a) * a * 16)
    expect(edge).toBeCloseTo(4.4575, 3)
    expect(outcomesOf(ewma, perMinute(0, 4, edge + 1e-6))).toBe('unknown unknown met')
    expect(outcomesOf(ewma, perMinute(0, 4, edge - 1e-6))).toBe('unknown unknown cleared')
  })
  test('ewma: the first reading is the mean, with no spread; a reading of the same time teaches nothing', () => {
    const ewma: BaselineCondition = { ...mad, method: 'ewma', window: '1m', warmup: '0s' }
    expect(
      outcomesOf(ewma, [
        [0, 5],
        [0, 6],
        [1, 5],
        [2, 5.1],
      ]),
    ).toBe('unknown met cleared met')
  })
})

describe('trend', () => {
  const trend: TrendCondition = {
    kind: 'trend',
    metric: 'm',
    window: '48m',
    reaches: 10,
    within: '3m',
    minSamples: 3,
  }
  test('is met when the slope leads there within the time, exactly it included', () => {
    expect(judged(trend, perMinute(16, 15, 14, 13))).toEqual([
      { outcome: 'unknown', value: undefined },
      { outcome: 'unknown', value: undefined },
      { outcome: 'cleared', value: 240 },
      { outcome: 'met', value: 180 },
    ])
  })
  test('is met when the value is there, or went past it within the window', () => {
    expect(judged(trend, perMinute(12, 11, 10)).at(-1)).toEqual({ outcome: 'met', value: 0 })
    expect(judged(trend, perMinute(9, 11, 12)).at(-1)).toEqual({ outcome: 'met', value: 0 })
    expect(judged(trend, perMinute(10, 9, 8)).at(-1)).toEqual({ outcome: 'met', value: 0 })
    expect(judged(trend, perMinute(10, 10, 10)).at(-1)).toEqual({ outcome: 'met', value: 0 })
  })
  test('a slope of 0, or one that leads away, is cleared and has no value', () => {
    const away = { outcome: 'cleared', value: undefined }
    expect(judged(trend, perMinute(11, 11, 11)).at(-1)).toEqual(away)
    expect(judged(trend, perMinute(11, 12, 13)).at(-1)).toEqual(away)
    expect(judged(trend, perMinute(9, 8, 7)).at(-1)).toEqual(away)
  })
  test('the slope is the median of those of all pairs, so one wild reading does not turn it', () => {
    // 8 7 99 5 4: of the ten slopes −1 six times, 92 45.5 −94 −47.5 one each … the median is −1.
    expect(valuesOf({ ...trend, reaches: 0 }, perMinute(8, 7, 99, 5, 4)).at(-1)).toBe(240)
  })
  test('a sample is the first reading of its part, and one exactly a window old is none', () => {
    expect(
      outcomesOf({ ...trend, minSamples: 2 }, [
        [0, 5],
        [0.5, 9],
        [1, 6],
      ]),
    ).toBe('unknown unknown cleared')
    expect(
      outcomesOf({ ...trend, minSamples: 2 }, [
        [0, 5],
        [48, 9],
      ]),
    ).toBe('unknown unknown')
  })
})
