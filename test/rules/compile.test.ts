import { describe, expect, test } from 'vitest'
import type { ThresholdCondition } from '../../rules/rule.ts'
import { Evaluation, fridge, storedRule } from './evaluation.ts'

type Limits = Omit<ThresholdCondition, 'kind' | 'metric'>

/** Whether a reading of `value` raises the alarm, and (of one that is up) clears it. */
function saidOf(limits: Limits, value: number, labels: Record<string, string> = {}): string[] {
  const rule = storedRule({ when: { kind: 'threshold', metric: 'temperature_c', ...limits } })
  const evaluation = new Evaluation([rule], { devices: [{ ...fridge, labels }] })
  evaluation.give({ ts: 1, values: { temperature_c: value } })
  return evaluation.said
}

const met = ['raised@1']

describe('a limit from a label', () => {
  const limits: Limits = { above: { label: 'max_c', default: 8 } }

  test.each<[string, Record<string, string>, number]>([
    ['is the number in the label', { max_c: '4' }, 4],
    ['is the default without the label', {}, 8],
    ['is the default where the label holds no number', { max_c: 'warm' }, 8],
    ['is the default where the label is blank', { max_c: ' ' }, 8],
    ['is the default where the label is infinite', { max_c: '1e999' }, 8],
  ])('%s', (_name, labels, limit) => {
    expect(saidOf(limits, limit, labels)).toEqual([])
    expect(saidOf(limits, limit + 0.01, labels)).toEqual(met)
  })

  test('is not taken from the prototype of labels', () => {
    expect(saidOf({ above: { label: 'constructor', default: 8 } }, 9)).toEqual(met)
  })

  test('stays met above it where clear lies beyond it', () => {
    expect(saidOf({ ...limits, clear: 7.5 }, 7, { max_c: '4' })).toEqual(met)
    expect(saidOf({ ...limits, clear: 7.5 }, 4, { max_c: '4' })).toEqual([])
  })
})

test.each<[string, Record<string, string>, number]>([
  ['is the duration in the label', { grace: '2m' }, 120_000],
  ['is the default without the label', {}, 60_000],
  ['is the default where the label holds no duration', { grace: 'soon' }, 60_000],
])('a duration from a label %s', (_name, labels, forMs) => {
  const evaluation = new Evaluation([storedRule({ for: { label: 'grace', default: '1m' } })], {
    devices: [{ ...fridge, labels }],
  })
  for (let ts = 0; ts <= 180_000; ts += 30_000) evaluation.give({ ts, values: { temperature_c: 9 } })
  expect(evaluation.said).toEqual([`raised@${forMs}`])
})
