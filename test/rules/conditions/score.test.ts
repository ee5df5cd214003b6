import { describe, expect, test } from 'vitest'
import type { Value } from '../../../domain/profile.ts'
import { score } from '../../../rules/conditions/score.ts'
import { compiled, drive, type GivenReading, inputOf, outcomesOf, series } from './drive.ts'

const minute = 60_000
const news = { kind: 'score', table: 'news2', above: 6 }
const simple = { t: [{ upTo: 10, points: 0 }, { upTo: 20, points: 2 }, { points: 5 }] }

function pointsOf(metric: string, value: Value): unknown {
  return drive(news, [{ ts: 0, values: { [metric]: value } }])[0]!.value
}

describe('NEWS2: each band at, just under and just over its limits', () => {
  test.each<[string, Value, number]>([
    ['respiration_rate_bpm', 7, 3],
    ['respiration_rate_bpm', 8, 3],
    ['respiration_rate_bpm', 8.4, 3],
    ['respiration_rate_bpm', 8.5, 1],
    ['respiration_rate_bpm', 9, 1],
    ['respiration_rate_bpm', 11, 1],
    ['respiration_rate_bpm', 11.49, 1],
    ['respiration_rate_bpm', 12, 0],
    ['respiration_rate_bpm', 20, 0],
    ['respiration_rate_bpm', 20.49, 0],
    ['respiration_rate_bpm', 20.5, 2],
    ['respiration_rate_bpm', 21, 2],
    ['respiration_rate_bpm', 24, 2],
    ['respiration_rate_bpm', 24.5, 3],
    ['respiration_rate_bpm', 25, 3],
    ['spo2_pct', 91, 3],
    ['spo2_pct', 91.5, 2],
    ['spo2_pct', 92, 2],
    ['spo2_pct', 93, 2],
    ['spo2_pct', 93.4, 2],
    ['spo2_pct', 94, 1],
    ['spo2_pct', 95, 1],
    ['spo2_pct', 95.5, 0],
    ['spo2_pct', 96, 0],
    ['systolic_mmhg', 90, 3],
    ['systolic_mmhg', 90.5, 2],
    ['systolic_mmhg', 91, 2],
    ['systolic_mmhg', 100, 2],
    ['systolic_mmhg', 101, 1],
    ['systolic_mmhg', 110, 1],
    ['systolic_mmhg', 111, 0],
    ['systolic_mmhg', 219, 0],
    ['systolic_mmhg', 219.4, 0],
    ['systolic_mmhg', 220, 3],
    ['heart_rate_bpm', 40, 3],
    ['heart_rate_bpm', 41, 1],
    ['heart_rate_bpm', 50, 1],
    ['heart_rate_bpm', 51, 0],
    ['heart_rate_bpm', 90, 0],
    ['heart_rate_bpm', 91, 1],
    ['heart_rate_bpm', 110, 1],
    ['heart_rate_bpm', 111, 2],
    ['heart_rate_bpm', 130, 2],
    ['heart_rate_bpm', 130.5, 3],
    ['heart_rate_bpm', 131, 3],
    ['temperature_c', 35, 3],
    ['temperature_c', 35.04, 3],
    ['temperature_c', 35.05, 1],
    ['temperature_c', 35.1, 1],
    ['temperature_c', 36, 1],
    ['temperature_c', 36.04, 1],
    ['temperature_c', 36.05, 0],
    ['temperature_c', 38, 0],
    ['temperature_c', 38.04, 0],
    ['temperature_c', 38.05, 1],
    ['temperature_c', 38.1, 1],
    ['temperature_c', 39, 1],
    ['temperature_c', 39.05, 2],
    ['temperature_c', 39.1, 2],
    ['temperature_c', -38.05, 3],
    ['temperature_c', 1e-7, 3],
    ['temperature_c', 1e21, 2],
    ['oxygen_given', true, 2],
    ['oxygen_given', false, 0],
    ['alert', false, 3],
    ['alert', true, 0],
  ])('%s %s gives %d', (metric, value, points) => {
    expect(pointsOf(metric, value)).toBe(points)
  })
})

describe('the sum', () => {
  const six = { spo2_pct: 91, respiration_rate_bpm: 25 }

  test('of exactly the limit is not met, above it is', () => {
    expect(outcomesOf(news, [{ ts: 0, values: six }])).toEqual(['cleared'])
    expect(drive(news, [{ ts: 0, values: { ...six, heart_rate_bpm: 50 } }])).toEqual([
      { outcome: 'met', value: 7, threshold: 6 },
    ])
  })

  test('is over the newest values, of whatever reading', () => {
    const readings: GivenReading[] = [
      { ts: 0, values: { spo2_pct: 91 } },
      { ts: minute, values: { respiration_rate_bpm: 25 } },
      { ts: 2 * minute, values: { alert: false } },
      { ts: 3 * minute, values: { spo2_pct: 98 } },
    ]
    expect(drive(news, readings).map(({ value }) => value)).toEqual([3, 6, 9, 6])
  })

  test.each([
    [15 * minute, 6],
    [15 * minute + 1, 3],
  ])('of an input %d ms old', (ageMs, sum) => {
    const readings = [
      { ts: 0, values: { spo2_pct: 91 } },
      { ts: ageMs, values: { alert: false } },
    ]
    expect(drive(news, readings)[1]!.value).toBe(sum)
  })

  test('is unknown while no input is at hand', () => {
    expect(outcomesOf({ ...news, table: simple }, [{ ts: 0, values: { t: 'warm' } }])).toEqual(['unknown'])
  })

  test('takes its limit from a label', () => {
    const condition = { ...news, above: { label: 'max_score', default: 6 } }
    const readings = [{ ts: 0, values: { alert: false } }]
    expect(outcomesOf(condition, readings)).toEqual(['cleared'])
    expect(outcomesOf(condition, readings, { labels: { max_score: '2' } })).toEqual(['met'])
  })
})

test('single is met when one input gives at least that many points, not when several do together', () => {
  const condition = { kind: 'score', table: 'news2', single: 3 }
  const two = { heart_rate_bpm: 120, spo2_pct: 93 }
  expect(drive(condition, [{ ts: 0, values: two }])).toEqual([{ outcome: 'cleared', value: 2, threshold: 3 }])
  expect(drive(condition, [{ ts: 0, values: { ...two, alert: false } }])).toEqual([
    { outcome: 'met', value: 3, threshold: 3 },
  ])
})

test('a value takes the first row of a table that it does not exceed, unrounded', () => {
  const condition = { kind: 'score', table: simple, above: 0 }
  const values = drive(condition, series([-5, 10, 10.001, 20, 20.001, true], minute, 't'))
  expect(values.map(({ value }) => value)).toEqual([0, 0, 2, 2, 5, 0])
})

describe('evidence', () => {
  function evidenceOf(readings: readonly GivenReading[]) {
    const subject = compiled({ kind: 'score', table: { ...simple, u: simple.t, v: simple.t }, above: 1 })
    const state = subject.initial({ beganAt: 0 })
    for (const reading of readings) subject.step(state, inputOf(reading, readings))
    return subject.evidence!(state, inputOf(readings.at(-1)!, readings))
  }

  test('has what counted and names what is missing and what is too old', () => {
    const readings = [
      { ts: 0, values: { u: 5 } },
      { ts: 16 * minute, values: { t: 15 } },
    ]
    const ts = 16 * minute
    expect(evidenceOf(readings)).toEqual([
      { ts, t: 15 },
      { ts, missing: 'v', stale: 'u' },
    ])
  })

  test('names several with commas', () => {
    expect(evidenceOf([{ ts: 0, values: { t: 15 } }])[1]).toEqual({ ts: 0, missing: 'u, v' })
  })

  test('is one row when every input counted', () => {
    expect(evidenceOf([{ ts: 0, values: { t: 15, u: true, v: 3 } }])).toEqual([
      { ts: 0, t: 15, u: true, v: 3 },
    ])
  })
})

describe('what is refused, and where', () => {
  const row = { points: 1 }
  test.each<[string, object, (string | number)[]]>([
    ['neither above nor single', { table: 'news2' }, []],
    ['both', { table: 'news2', above: 1, single: 1 }, ['single']],
    ['a single of none', { table: 'news2', single: 0 }, ['single']],
    ['no table', { above: 1 }, ['table']],
    ['null as table', { table: null, above: 1 }, ['table']],
    ['an unknown table', { table: 'news3', above: 1 }, ['table']],
    ['an empty table', { table: {}, above: 1 }, ['table']],
    ['no rows', { table: { t: [] }, above: 1 }, ['table', 't']],
    ['a bad metric', { table: { 'a b': [row] }, above: 1 }, ['table', 'a b']],
    ['upTo in the last row', { table: { t: [{ upTo: 1, points: 1 }] }, above: 1 }, ['table', 't', 0, 'upTo']],
    ['no upTo in another', { table: { t: [row, row] }, above: 1 }, ['table', 't', 0]],
    [
      'upTo that does not rise',
      { table: { t: [{ upTo: 1, points: 1 }, { upTo: 1, points: 2 }, row] }, above: 1 },
      ['table', 't', 1, 'upTo'],
    ],
    ['points of text', { table: { t: [{ points: '1' }] }, above: 1 }, ['table', 't', 0, 'points']],
    ['an unknown field of a row', { table: { t: [{ points: 1, from: 2 }] }, above: 1 }, ['table', 't', 0]],
    [
      'a prototype as a metric',
      { table: JSON.parse('{"__proto__":[],"t":[{"points":1}]}'), above: 1 },
      ['table', '__proto__'],
    ],
    ['a bad duration', { table: 'news2', above: 1, maxAge: 'soon' }, ['maxAge']],
  ])('%s', (_name, given, path) => {
    const parsed = score.schema.safeParse({ kind: 'score', ...given })
    expect(parsed.error?.issues.map((issue) => issue.path)).toContainEqual(path)
  })

  test('maxAge is 15m when it is left out', () => {
    expect(score.schema.parse(news)).toEqual({ ...news, maxAge: '15m' })
  })
})

test('each input is read where the table names it', () => {
  const parsed = score.schema.parse({ kind: 'score', table: simple, above: 1 })
  expect(score.reads(parsed)).toEqual([{ path: ['table', 't'], metric: 't' }])
  expect(score.reads(score.schema.parse(news))).toHaveLength(7)
})
