import { describe, expect, test } from 'vitest'
import { compiled, outcomesOf, series } from './drive.ts'
import { outcomesOfInputs } from './drive-inputs.ts'

const high = { kind: 'threshold', metric: 'm', above: 8, clear: 7 }
const rising = { kind: 'rate', metric: 'm', per: '1s', above: 0 }

describe('of an inner outcome, by whether it held before', () => {
  // The first two readings make the inner condition cleared, or met; the third is the one in question.
  test.each<[string, object, [number, number], [number, number], number | string, string, string]>([
    ['met', high, [0, 0], [0, 9], 9, 'cleared', 'cleared'],
    ['between', high, [0, 0], [0, 9], 7.5, 'met', 'cleared'],
    ['cleared', high, [0, 0], [0, 9], 7, 'met', 'met'],
    ['unknown', rising, [0, 0], [0, 9], 'text', 'unknown', 'unknown'],
  ])('%s', (_name, of, cleared, met, third, whereNot, whereHeld) => {
    const outcomeAfter = (before: readonly number[]) =>
      outcomesOf({ kind: 'not', of }, series([...before, third]))[2]
    expect(outcomeAfter(cleared)).toBe(whereNot)
    expect(outcomeAfter(met)).toBe(whereHeld)
  })

  test('unknown before its first reading', () => {
    expect(outcomesOf({ kind: 'not', of: rising }, series([1]))).toEqual(['unknown'])
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
  const subject = compiled({ kind: 'not', of: { kind: 'absence', metric: 'm', longerThan: '10ms' } })
  const inputs = [
    { ts: 0, values: { m: 1 } },
    { ts: 10, kind: 'tick' as const },
    { ts: 12, values: { m: 1 } },
  ]
  expect(outcomesOfInputs(subject, inputs)).toEqual(['met', 'cleared', 'met'])
})
