import { describe, expect, test } from 'vitest'
import { anyCondition } from '../../../rules/condition-kinds.ts'
import { outcomes } from '../../../rules/conditions/condition.ts'
import { not } from '../../../rules/conditions/not.ts'
import { outcomesOf } from './drive.ts'
import { contextWith, outcomesOfInputs, scripted, silence } from './drive-inputs.ts'

const of = { kind: 'threshold', metric: 'm', equals: 1 } as const

describe('of an inner outcome, by whether it held before', () => {
  test.each([
    ['met', 'cleared', 'cleared'],
    ['between', 'met', 'cleared'],
    ['cleared', 'met', 'met'],
    ['unknown', 'unknown', 'unknown'],
  ] as const)('%s: %s where it did not, %s where it did', (inner, whereNot, whereHeld) => {
    const subject = not(anyCondition).compile({ kind: 'not', of }, contextWith({ m: scripted('m') }))
    const afterOutcome = (before: number) =>
      outcomesOfInputs(subject, [
        { ts: 0, values: { m: before } },
        { ts: 1, values: { m: outcomes[inner] } },
      ])[1]
    expect(afterOutcome(outcomes.cleared)).toBe(whereNot)
    expect(afterOutcome(outcomes.met)).toBe(whereHeld)
  })
})

test('clear counts inside: the inner condition holds until it is past clear', () => {
  const condition = { kind: 'not', of: { kind: 'threshold', metric: 'm', above: 8, clear: 7 } }
  const readings = [7.5, 9, 7.5, 7, 7.5].map((m, ts) => ({ ts, values: { m } }))
  expect(outcomesOf(condition, readings)).toEqual(['met', 'cleared', 'cleared', 'met', 'met'])
})

test('twice is itself but for between, which is met or cleared by what held', () => {
  const condition = {
    kind: 'not',
    of: { kind: 'not', of: { kind: 'threshold', metric: 'm', above: 8, clear: 7 } },
  }
  const readings = [7.5, 9, 7.5, 7].map((m, ts) => ({ ts, values: { m } }))
  expect(outcomesOf(condition, readings)).toEqual(['cleared', 'met', 'met', 'cleared'])
})

test('is judged when the clock reaches the deadline of the inner condition', () => {
  const subject = not(anyCondition).compile({ kind: 'not', of }, contextWith({ m: silence('m', 10) }))
  const inputs = [
    { ts: 0, values: { m: 1 } },
    { ts: 10, kind: 'tick' as const },
    { ts: 12, values: { m: 1 } },
  ]
  expect(outcomesOfInputs(subject, inputs)).toEqual(['met', 'cleared', 'met'])
})
