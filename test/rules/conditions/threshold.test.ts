import { describe, expect, test } from 'vitest'
import type { Value } from '../../../domain/profile.ts'
import { outcomes } from '../../../rules/conditions/condition.ts'
import { threshold } from '../../../rules/conditions/threshold.ts'
import type { ThresholdCondition } from '../../../rules/rule.ts'
import { fridge } from '../evaluation.ts'

const { met, between, cleared } = outcomes
type Limits = Omit<ThresholdCondition, 'kind' | 'metric'>

function judged(limits: Limits, value: number | string, labels: Record<string, string> = {}) {
  const condition: ThresholdCondition = { kind: 'threshold', metric: 'temperature_c', ...limits }
  return threshold.compile(condition, { ...fridge, labels }).judge(value)
}

describe('limits are exclusive and clear is inclusive', () => {
  test.each<[string, Limits, number | string, number]>([
    ['above: over', { above: 8 }, 8.001, met],
    ['above: at the limit', { above: 8 }, 8, cleared],
    ['above with clear: at the limit', { above: 8, clear: 7.5 }, 8, between],
    ['above with clear: just over clear', { above: 8, clear: 7.5 }, 7.501, between],
    ['above with clear: at clear', { above: 8, clear: 7.5 }, 7.5, cleared],
    ['below: under', { below: 2 }, 1.999, met],
    ['below: at the limit', { below: 2 }, 2, cleared],
    ['below with clear: between', { below: 2, clear: 3 }, 2.5, between],
    ['below with clear: at clear', { below: 2, clear: 3 }, 3, cleared],
    ['outside: low side', { outside: [207, 253] }, 206.9, met],
    ['outside: high side', { outside: [207, 253] }, 253.1, met],
    ['outside: at the low limit', { outside: [207, 253] }, 207, cleared],
    ['outside: at the high limit', { outside: [207, 253] }, 253, cleared],
    ['outside with clear: low margin', { outside: [207, 253], clear: [210, 250] }, 209, between],
    ['outside with clear: high margin', { outside: [207, 253], clear: [210, 250] }, 250.1, between],
    ['outside with clear: at clear', { outside: [207, 253], clear: [210, 250] }, 250, cleared],
    ['inside: within', { inside: [0, 4] }, 1, met],
    ['inside: at the low limit', { inside: [0, 4] }, 0, cleared],
    ['inside: at the high limit', { inside: [0, 4] }, 4, cleared],
    ['equals: a boolean arrives as 0 or 1', { equals: true }, 1, met],
    ['equals: false', { equals: false }, 0, met],
    ['equals: the other boolean', { equals: true }, 0, cleared],
    ['equals: text', { equals: 'walking' }, 'walking', met],
    ['equals: other text', { equals: 'walking' }, 'Walking', cleared],
    ['above: text meets no limit', { above: 8 }, '9', between],
  ])('%s', (_name, limits, value, expected) => {
    expect(judged(limits, value)).toBe(expected)
  })
})

describe('a limit from a label', () => {
  const limits: Limits = { above: { label: 'max_c', default: 8 } }

  test.each<[string, Record<string, string>, number]>([
    ['is the number in the label', { max_c: '4' }, 4],
    ['is the default without the label', {}, 8],
    ['is the default where the label holds no number', { max_c: 'warm' }, 8],
    ['is the default where the label is blank', { max_c: ' ' }, 8],
    ['is the default where the label is infinite', { max_c: '1e999' }, 8],
  ])('%s', (_name, labels, limit) => {
    expect(judged(limits, limit, labels)).toBe(cleared)
    expect(judged(limits, limit + 0.01, labels)).toBe(met)
  })

  test('is not taken from the prototype of labels', () => {
    expect(judged({ above: { label: 'constructor', default: 8 } }, 9)).toBe(met)
  })

  test('stays met above it where clear lies beyond it', () => {
    expect(judged({ ...limits, clear: 7.5 }, 7, { max_c: '4' })).toBe(met)
    expect(judged({ ...limits, clear: 7.5 }, 4, { max_c: '4' })).toBe(cleared)
  })
})

test.each<[Limits, Value | readonly number[]]>([
  [{ above: 8 }, 8],
  [{ outside: [1, 2] }, [1, 2]],
  [{ equals: true }, true],
])('events name the limit of %o', (limits, expected) => {
  const condition: ThresholdCondition = { kind: 'threshold', metric: 'm', ...limits }
  expect(threshold.compile(condition, fridge).threshold).toEqual(expected)
})
