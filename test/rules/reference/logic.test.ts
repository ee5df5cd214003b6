import { describe, expect, test } from 'vitest'
import type { Condition } from '../../../rules/rule.ts'
import { judged, outcomesOf, perMinute, type Row, valuesOf } from './judged.ts'

const hot: Condition = { kind: 'threshold', metric: 't', above: 8, clear: 6 }
const open: Condition = { kind: 'threshold', metric: 'door', equals: true }

describe('all', () => {
  const all: Condition = { kind: 'all', of: [hot, open] }
  test('is unknown until each was judged, unless one is cleared', () => {
    expect(
      outcomesOf(all, [
        [0, { t: 9 }],
        [1, { door: true }],
      ]),
    ).toBe('unknown met')
    expect(outcomesOf(all, [[0, { t: 5 }]])).toBe('cleared')
  })
  test('an inner condition keeps its outcome until its next reading', () => {
    expect(
      outcomesOf(all, [
        [0, { door: true }],
        [1, { t: 9 }],
        [9, { t: 9 }],
        [10, { door: false }],
      ]),
    ).toBe('unknown met met cleared')
  })
  test('is between when one is and none is cleared or unknown', () => {
    expect(outcomesOf(all, [[0, { t: 7, door: true }]])).toBe('between')
    expect(outcomesOf(all, [[0, { t: 7, door: false }]])).toBe('cleared')
  })
  test('reports the value of the first that the reading reached', () => {
    expect(
      valuesOf(all, [
        [0, { t: 9, door: true }],
        [1, { door: true }],
      ]),
    ).toEqual([9, true])
  })
})

describe('any', () => {
  const any: Condition = { kind: 'any', of: [hot, open] }
  test('is met if one is, whatever the other', () => {
    expect(
      outcomesOf(any, [
        [0, { t: 9 }],
        [1, { door: false }],
        [2, { t: 1 }],
      ]),
    ).toBe('met met cleared')
  })
  test('is between before cleared, and cleared before unknown', () => {
    expect(
      outcomesOf(any, [
        [0, { t: 7, door: false }],
        [1, { t: 5 }],
      ]),
    ).toBe('between cleared')
    expect(outcomesOf(any, [[0, { door: false }]])).toBe('cleared')
  })
  test('is unknown when all are', () => {
    const rate: Condition = { kind: 'rate', metric: 'm', per: '1m', above: 1 }
    expect(outcomesOf({ kind: 'any', of: [rate, open] }, perMinute(1, 9))).toBe('unknown met')
  })
  test('readings of other metrics do not reach it', () => {
    expect(judged(any, [[0, { z: 1 }]])).toEqual([])
  })
})

describe('not', () => {
  const not: Condition = { kind: 'not', of: hot }
  test('is the opposite of holding', () => {
    expect(
      outcomesOf(not, [
        [0, { t: 9 }],
        [1, { t: 5 }],
      ]),
    ).toBe('cleared met')
  })
  test('the inner one holds until it is past clear', () => {
    expect(
      outcomesOf(not, [
        [0, { t: 7 }],
        [1, { t: 9 }],
        [2, { t: 7 }],
        [3, { t: 6 }],
      ]),
    ).toBe('met cleared cleared met')
  })
  test('unknown stays', () => {
    const rate: Condition = { kind: 'rate', metric: 'm', per: '1m', above: 1 }
    expect(outcomesOf({ kind: 'not', of: rate }, perMinute(1, 2, 4))).toBe('unknown met cleared')
  })
  test('twice not is holding', () => {
    const rows: Row[] = [
      [0, { t: 9 }],
      [1, { t: 7 }],
      [2, { t: 6 }],
    ]
    expect(outcomesOf({ kind: 'not', of: not }, rows)).toBe('met met cleared')
  })
})

describe('sequence', () => {
  const sequence: Condition = { kind: 'sequence', steps: [{ when: open }, { when: hot, within: '5m' }] }
  test('is met at the reading of the last step, at exactly within too', () => {
    expect(
      outcomesOf(sequence, [
        [0, { door: true }],
        [1, { door: false }],
        [5, { t: 9 }],
        [6, { t: 9 }],
      ]),
    ).toBe('cleared cleared met cleared')
    expect(
      outcomesOf(sequence, [
        [0, { door: true }],
        [0.5, { door: false }],
        [5.1, { t: 9 }],
      ]),
    ).toBe('cleared cleared cleared')
  })
  test('a condition that still holds serves at a later reading', () => {
    expect(
      outcomesOf(sequence, [
        [0, { door: true }],
        [8, { t: 5 }],
        [10, { t: 9 }],
      ]),
    ).toBe('cleared cleared met')
  })
  test('one reading serves one step', () => {
    expect(
      outcomesOf(sequence, [
        [0, { door: true, t: 9 }],
        [1, { t: 9 }],
      ]),
    ).toBe('cleared met')
  })
  test('starts again when met', () => {
    const rows: Row[] = [
      [0, { door: true }],
      [1, { t: 9 }],
      [2, { t: 9 }],
      [3, { t: 9 }],
      [4, { t: 9 }],
    ]
    expect(outcomesOf(sequence, rows)).toBe('cleared met cleared met cleared')
  })
  test('of several ways one is enough: an old first step does not stand in the way of a new one', () => {
    const steps = [
      { when: open },
      { when: { ...open, metric: 'key' }, within: '2m' },
      { when: hot, within: '2m' },
    ]
    const rows: Row[] = [
      [0, { door: true }],
      [1, { door: false, key: true }],
      [2, { door: true, key: false }],
      [3, { door: false, key: true }],
      [5, { t: 9 }],
    ]
    expect(outcomesOf({ kind: 'sequence', steps }, rows)).toBe('cleared cleared cleared cleared met')
    expect(valuesOf({ kind: 'sequence', steps }, rows).at(-1)).toBe(9)
  })
})
