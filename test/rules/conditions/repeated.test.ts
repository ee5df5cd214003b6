import { describe, expect, test } from 'vitest'
import { compiled, drive, outcomesOf, series } from './drive.ts'
import { outcomesOfInputs } from './drive-inputs.ts'
import { problemsOf } from './problems.ts'

const high = { kind: 'threshold', metric: 'm', above: 8, clear: 7 }
const thrice = { kind: 'repeated', of: high, times: 3 }

describe('readings in a row', () => {
  test.each<[string, readonly (number | string)[], string[]]>([
    ['as many as asked for, and on', [9, 9, 9, 9], ['between', 'between', 'met', 'met']],
    [
      'one that is not begins the row again',
      [9, 9, 7, 9, 9, 9],
      ['between', 'between', 'cleared', 'between', 'between', 'met'],
    ],
    ['one in between does too', [9, 9, 7.5, 9, 9], ['between', 'between', 'between', 'between', 'between']],
    [
      'after it was met the inner outcome is its own',
      [9, 9, 9, 7.5, 7],
      ['between', 'between', 'met', 'between', 'cleared'],
    ],
  ])('%s', (_name, values, expected) => {
    expect(outcomesOf(thrice, series(values))).toEqual(expected)
  })

  test('one of which nothing can be said neither counts nor ends the row', () => {
    const rising = { kind: 'repeated', of: { kind: 'rate', metric: 'm', per: '1s', above: 0 }, times: 2 }
    expect(outcomesOf(rising, series([1, 2, 'text', 3]))).toEqual(['unknown', 'between', 'unknown', 'met'])
  })

  test('one that is sent twice counts once', () => {
    const readings = [0, 0, 1, 1, 2].map((ts) => ({ ts, values: { m: 9 } }))
    expect(outcomesOf(thrice, readings)).toEqual(['between', 'between', 'between', 'between', 'met'])
  })

  test('another of the same time that is not met ends it', () => {
    const readings = [
      [0, 9],
      [1, 9],
      [1, 7],
      [2, 9],
    ].map(([ts, m]) => ({ ts: ts!, values: { m: m! } }))
    expect(outcomesOf(thrice, readings)).toEqual(['between', 'between', 'cleared', 'between'])
  })
})

describe('for', () => {
  test.each<[string, string, string]>([
    ['exactly as long', '2m', 'met'],
    ['a millisecond less', '120001ms', 'between'],
  ])('%s', (_name, lasting, expected) => {
    expect(outcomesOf({ ...thrice, for: lasting }, series([9, 9, 9])).at(-1)).toBe(expected)
  })

  test('counts from the first of the row, of more readings than are asked for too', () => {
    const judged = outcomesOf({ ...thrice, times: 2, for: '3m' }, series([9, 7, 9, 9, 9, 9]))
    expect(judged).toEqual(['between', 'cleared', 'between', 'between', 'between', 'met'])
  })

  test('comes from a label', () => {
    const condition = { ...thrice, for: { label: 'hold', default: '1h' } }
    expect(outcomesOf(condition, series([9, 9, 9]), { labels: { hold: '2m' } }).at(-1)).toBe('met')
    expect(outcomesOf(condition, series([9, 9, 9])).at(-1)).toBe('between')
  })
})

describe('within', () => {
  test.each<[string, string, string]>([
    ['exactly as late counts', '1m', 'met'],
    ['a millisecond later begins the row again', '59999ms', 'between'],
  ])('%s', (_name, within, expected) => {
    expect(outcomesOf({ ...thrice, within }, series([9, 9, 9])).at(-1)).toBe(expected)
  })

  test('the one that comes too late is the first of a new row', () => {
    const readings = [0, 1, 9, 10, 11].map((minute) => ({ ts: minute * 60_000, values: { m: 9 } }))
    const judged = outcomesOf({ ...thrice, within: '2m', for: '2m' }, readings)
    expect(judged).toEqual(['between', 'between', 'between', 'between', 'met'])
  })

  test('is from one that counts to the next: what is unknown does not bridge it', () => {
    const rising = { kind: 'rate', metric: 'm', per: '1s', above: 0 }
    const condition = { kind: 'repeated', of: rising, times: 2, within: '1m' }
    expect(outcomesOf(condition, series([1, 2, 'text', 3])).at(-1)).toBe('between')
  })
})

test('reports what the inner condition does', () => {
  expect(drive(thrice, series([9, 10, 11])).at(-1)).toEqual({ outcome: 'met', value: 11, threshold: 8 })
  const register = { kind: 'repeated', of: { kind: 'counter', metric: 'm', event: 'reverse' }, times: 2 }
  expect(drive(register, series([9, 8, 7])).at(-1)).toEqual({ outcome: 'met', value: 7, threshold: 8 })
  const both = { kind: 'repeated', of: { kind: 'expression', cel: 'm > 3.0 && n > 3.0' }, times: 2 }
  expect(drive(both, series([9]))).toMatchObject([{ outcome: 'unknown', value: undefined }])
})

test('runs on the clock where the inner condition does', () => {
  const absence = { kind: 'absence', metric: 'm', longerThan: '10ms' }
  const subject = compiled({ kind: 'repeated', of: { kind: 'any', of: [absence, high] }, times: 2 })
  const inputs = [
    { ts: 0, values: { m: 9 } },
    { ts: 10, kind: 'tick' as const },
  ]
  expect(outcomesOfInputs(subject, inputs)).toEqual(['between', 'met'])
})

test.each<[string, object, string[]]>([
  ['once', { times: 1 }, ['/times']],
  ['more times than are counted', { times: 1_001 }, ['/times']],
  ['a broken number of times', { times: 2.5 }, ['/times']],
  ['no number of times', { times: undefined }, ['/times']],
  ['no condition', { of: undefined }, ['/of']],
  ['a duration that is none', { for: 'soon' }, ['/for']],
  ['a within that is none', { within: 'soon' }, ['/within']],
  ['an unknown field', { window: '1m' }, ['/window']],
])('refuses %s', (_name, fields, pointers) => {
  expect(problemsOf({ ...thrice, ...fields })).toEqual(pointers)
})

test('takes two times and a thousand', () => {
  expect(problemsOf({ ...thrice, times: 2 })).toEqual([])
  expect(problemsOf({ ...thrice, times: 1_000 })).toEqual([])
})
