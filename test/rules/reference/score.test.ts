import { expect, test } from 'vitest'
import type { ScoreCondition } from '../../../rules/rule.ts'
import { judged, outcomesOf, type Row, valuesOf } from './judged.ts'

const news2: ScoreCondition = { kind: 'score', table: 'news2', above: 6, maxAge: '15m' }

test('NEWS2 adds up its chart: 25 breaths 3, SpO2 92 2, pulse 115 2', () => {
  const rows: Row[] = [
    [0, { respiration_rate_bpm: 25 }],
    [1, { spo2_pct: 92 }],
    [2, { heart_rate_bpm: 115 }],
  ]
  expect(judged(news2, rows)).toEqual([
    { outcome: 'cleared', value: 3 },
    { outcome: 'cleared', value: 5 },
    { outcome: 'met', value: 7 },
  ])
})
test('NEWS2 rounds inputs half away from zero first', () => {
  const points = (values: Record<string, number>) => valuesOf(news2, [[0, values]])[0]
  expect([points({ spo2_pct: 91.4 }), points({ spo2_pct: 91.5 })]).toEqual([3, 2])
  expect([points({ temperature_c: 35.04 }), points({ temperature_c: 35.06 })]).toEqual([3, 1])
  expect([points({ respiration_rate_bpm: 8.4 }), points({ respiration_rate_bpm: 8.5 })]).toEqual([3, 1])
})
test('NEWS2 gives every band of its chart its points', () => {
  const points = (metric: string, ...values: (number | boolean)[]) =>
    values.map((value) => valuesOf(news2, [[0, { [metric]: value }]])[0])
  expect(points('respiration_rate_bpm', 8, 9, 11, 12, 20, 21, 24, 25)).toEqual([3, 1, 1, 0, 0, 2, 2, 3])
  expect(points('spo2_pct', 91, 92, 93, 94, 95, 96)).toEqual([3, 2, 2, 1, 1, 0])
  expect(points('systolic_mmhg', 90, 91, 100, 101, 110, 111, 219, 220)).toEqual([3, 2, 2, 1, 1, 0, 0, 3])
  expect(points('heart_rate_bpm', 40, 41, 50, 51, 90, 91, 110, 111, 130, 131)).toEqual([
    3, 1, 1, 0, 0, 1, 1, 2, 2, 3,
  ])
  expect(points('temperature_c', 35, 35.1, 36, 36.1, 38, 38.1, 39, 39.1)).toEqual([3, 1, 1, 0, 0, 1, 1, 2])
  expect(points('oxygen_given', true, false)).toEqual([2, 0])
  expect(points('alert', true, false)).toEqual([0, 3])
})
test('an input exactly as old as maxAge counts, an older one does not', () => {
  expect(
    valuesOf(news2, [
      [0, { spo2_pct: 90 }],
      [15, { alert: true }],
      [16, { alert: true }],
    ]),
  ).toEqual([3, 3, 0])
})
test('single is met when any one input gives that many points', () => {
  const single: ScoreCondition = { kind: 'score', table: 'news2', single: 3, maxAge: '15m' }
  const rows: Row[] = [
    [0, { spo2_pct: 92 }],
    [1, { heart_rate_bpm: 115 }],
    [2, { alert: false }],
  ]
  expect(outcomesOf(single, rows)).toBe('cleared cleared met')
  expect(valuesOf(single, rows)).toEqual([2, 2, 3])
})
test('of a table of its own a value takes the first row that it does not exceed; a text alone is unknown', () => {
  const own: ScoreCondition = {
    kind: 'score',
    table: { m: [{ upTo: 1, points: 2 }, { points: 5 }] },
    above: 2,
    maxAge: '15m',
  }
  expect(
    outcomesOf(own, [
      [0, 1],
      [1, 1.1],
      [2, 'x'],
    ]),
  ).toBe('cleared met unknown')
})
