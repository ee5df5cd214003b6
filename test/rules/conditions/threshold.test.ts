import { describe, expect, test } from 'vitest'
import type { Value } from '../../../domain/profile.ts'
import type { ThresholdCondition } from '../../../rules/rule.ts'
import { compiled, outcomesOf, series } from './drive.ts'

const [met, between, cleared] = ['met', 'between', 'cleared']
type Limits = Omit<ThresholdCondition, 'kind' | 'metric'>

function judged(limits: Limits, value: Value): string | undefined {
  return outcomesOf({ kind: 'threshold', metric: 'm', ...limits }, series([value]))[0]
}

describe('limits are exclusive and clear is inclusive', () => {
  test.each<[string, Limits, Value, string | undefined]>([
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
    ['equals: a boolean is compared as 0 or 1', { equals: true }, 1, met],
    ['equals: true', { equals: true }, true, met],
    ['equals: a number and a boolean', { equals: 1 }, true, met],
    ['equals: false', { equals: false }, 0, met],
    ['equals: the other boolean', { equals: true }, 0, cleared],
    ['equals: text', { equals: 'walking' }, 'walking', met],
    ['equals: a text that looks like the number', { equals: 8 }, '8', cleared],
    ['above: a boolean', { above: 0 }, true, met],
    ['equals: other text', { equals: 'walking' }, 'Walking', cleared],
    ['above: text meets no limit', { above: 8 }, '9', between],
  ])('%s', (_name, limits, value, expected) => {
    expect(judged(limits, value)).toBe(expected)
  })
})

test.each<[Limits, Value | readonly number[]]>([
  [{ above: 8 }, 8],
  [{ outside: [1, 2] }, [1, 2]],
  [{ equals: true }, true],
])('events name the limit of %o', (limits, expected) => {
  expect(compiled({ kind: 'threshold', metric: 'm', ...limits }).threshold).toEqual(expected)
})
