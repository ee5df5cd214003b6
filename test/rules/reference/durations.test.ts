import { describe, expect, test } from 'vitest'
import type { Condition } from '../../../rules/rule.ts'
import { judged, outcomesOf, perMinute, type Row, valuesOf } from './judged.ts'

const over: Condition = { kind: 'threshold', metric: 'm', above: 3, clear: 1 }

describe('share', () => {
  const share: Condition = { kind: 'share', of: over, window: '4m', above: 0.25 }
  test('time counts from the reading at which it begins to hold, and the limit is exclusive', () => {
    expect(judged(share, perMinute(4, 4, 4))).toEqual([
      { outcome: 'cleared', value: 0 },
      { outcome: 'cleared', value: 0.25 },
      { outcome: 'met', value: 0.5 },
    ])
  })
  test('it holds until a reading past clear', () => {
    expect(valuesOf(share, perMinute(4, 2, 1, 0))).toEqual([0, 0.25, 0.5, 0.5])
  })
  test('a gap belongs to what held before it', () => {
    expect(
      valuesOf(share, [
        [0, 4],
        [3, 0],
        [10, 4],
        [12, 4],
      ]),
    ).toEqual([0, 0.75, 0, 0.5])
  })
  test('what is older than the window does not count', () => {
    expect(valuesOf(share, perMinute(4, 4, 0, 0, 0, 0, 0))).toEqual([0, 0.25, 0.5, 0.5, 0.5, 0.25, 0])
  })
})

describe('cumulative', () => {
  const reset: Condition = { kind: 'threshold', metric: 'in', equals: true }
  const sum: Condition = { kind: 'cumulative', of: over, longerThan: '2m' }
  test('is met past the limit, not at it', () => {
    expect(judged(sum, perMinute(4, 4, 4, 4)).map(({ outcome, value }) => [outcome, value])).toEqual([
      ['cleared', 0],
      ['cleared', 60],
      ['cleared', 120],
      ['met', 180],
    ])
  })
  test('adds several times up, and never forgets without a reset', () => {
    expect(valuesOf(sum, perMinute(4, 0, 4, 0, 0))).toEqual([0, 60, 60, 120, 120])
  })
  test('starts again at a reset', () => {
    const rows: Row[] = [
      [0, 4],
      [1, { in: true }],
      [2, { in: false }],
      [3, 4],
    ]
    expect(valuesOf({ ...sum, reset }, rows)).toEqual([0, 0, 0, 60])
  })
  test('time under a reset never counts', () => {
    const rows: Row[] = [
      [0, { in: true }],
      [1, 4],
      [2, 4],
      [3, { in: false }],
      [5, 4],
    ]
    expect(valuesOf({ ...sum, reset }, rows)).toEqual([0, 0, 0, 0, 120])
  })
})

describe('inverse-time', () => {
  const table: Condition = {
    kind: 'inverse-time',
    metric: 'm',
    table: [
      { above: 50, for: '3m' },
      { above: 100, for: '1m' },
    ],
  }
  test('each level has its own time, reached at exactly it', () => {
    expect(outcomesOf(table, perMinute(60, 60, 60, 60))).toBe('between between between met')
    expect(outcomesOf(table, perMinute(110, 110))).toBe('between met')
  })
  test('a level is exclusive', () => {
    expect(outcomesOf(table, perMinute(50, 100, 100))).toBe('cleared between between')
  })
  test('a reading that is not over a level starts its time again', () => {
    expect(outcomesOf(table, perMinute(110, 90, 110, 90))).toBe('between between between met')
    expect(outcomesOf(table, perMinute(60, 50, 60, 60, 60))).toBe('between cleared between between between')
  })
  test('a row with no time is met at once', () => {
    expect(outcomesOf({ ...table, table: [{ above: 3, for: '0s' }] }, perMinute(3, 4))).toBe('cleared met')
  })
})

describe('flapping', () => {
  /** States given one by one, as whether another rule is active. */
  const shares = (states: string) =>
    judged(
      { kind: 'flapping', of: { rule: 'other' }, above: 0.5, clear: 0.25 },
      perMinute(...states.split('').map(() => 0)),
      { isActive: (_, __, at) => states[at] === '1' },
    )
  test('one change weighs 1.2 of 20 when it is the newest, less as it grows older', () => {
    const values = shares('0100').map(({ value }) => value as number)
    expect(values[1]).toBeCloseTo(1.2 / 20, 12)
    expect(values[2]).toBeCloseTo((1.2 + 1.2 - 0.4 / 19) / 20, 12)
    expect(values[3]).toBeCloseTo((1.2 - 0.4 / 19 + 1.2 - 0.8 / 19) / 20, 12)
  })
  test('the oldest of 21 states weighs 0.8, and the next is forgotten', () => {
    const values = shares(`1${'0'.repeat(21)}`).map(({ value }) => value as number)
    expect(values[20]).toBeCloseTo(0.8 / 20, 12)
    expect(values[21]).toBe(0)
  })
  test('changing at every state is all of it', () => {
    const last = shares('010101010101010101010').at(-1)!
    expect(last.value).toBeCloseTo(1, 12)
    expect(last.outcome).toBe('met')
  })
  test('between the limits it is between, below the lower cleared', () => {
    // The newest 5 changes weigh 6 − 0.4 × 10 / 19 = 5.79 of 20; the newest 4 weigh 4.67.
    expect(shares('010101').at(-1)!.outcome).toBe('between')
    expect(shares('01010').at(-1)!.outcome).toBe('cleared')
  })
})
