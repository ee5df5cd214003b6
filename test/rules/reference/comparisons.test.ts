import { describe, expect, test } from 'vitest'
import type { Condition } from '../../../rules/rule.ts'
import { judged, outcomesOf, perMinute, valuesOf } from './judged.ts'

describe('threshold', () => {
  test('above is met over the limit only; between it and clear is between', () => {
    expect(
      outcomesOf({ kind: 'threshold', metric: 'm', above: 8, clear: 7.5 }, perMinute(8.1, 8, 7.6, 7.5, 'x')),
    ).toBe('met between between cleared between')
  })
  test('below is met under the limit only, and cleared at clear', () => {
    expect(outcomesOf({ kind: 'threshold', metric: 'm', below: 2, clear: 4 }, perMinute(1, 2, 3, 4))).toBe(
      'met between between cleared',
    )
  })
  test('outside is met past either end, and cleared within clear, both ends included', () => {
    expect(
      outcomesOf(
        { kind: 'threshold', metric: 'm', outside: [207, 253], clear: [210, 250] },
        perMinute(206, 207, 209, 210, 250, 251, 253, 254),
      ),
    ).toBe('met between between cleared cleared between between met')
  })
  test('inside is met strictly between its ends', () => {
    expect(outcomesOf({ kind: 'threshold', metric: 'm', inside: [2, 4] }, perMinute(2, 3, 4))).toBe(
      'cleared met cleared',
    )
  })
  test('equals compares numbers, texts and booleans, a boolean being 0 or 1', () => {
    expect(outcomesOf({ kind: 'threshold', metric: 'm', equals: true }, perMinute(true, 1, 0, 'x'))).toBe(
      'met met cleared cleared',
    )
    expect(outcomesOf({ kind: 'threshold', metric: 'm', equals: 'on' }, perMinute('on', 'off'))).toBe(
      'met cleared',
    )
  })
  test('a label that holds a number gives the limit, any other the default', () => {
    const condition: Condition = { kind: 'threshold', metric: 'm', above: { label: 'max', default: 8 } }
    expect(outcomesOf(condition, perMinute(5), { labels: { max: '4.5' } })).toBe('met')
    expect(outcomesOf(condition, perMinute(5), { labels: { max: 'high' } })).toBe('cleared')
    expect(outcomesOf(condition, perMinute(5))).toBe('cleared')
  })
})

describe('rate', () => {
  const rate: Condition = { kind: 'rate', metric: 'm', per: '1m', above: 2 }
  test('is the change from the previous reading, per minute, and unknown at the first', () => {
    expect(judged(rate, perMinute(1, 3, 6))).toEqual([
      { outcome: 'unknown', value: undefined },
      { outcome: 'cleared', value: 2 },
      { outcome: 'met', value: 3 },
    ])
  })
  test('a gap is divided by its length', () => {
    expect(
      valuesOf(rate, [
        [0, 0],
        [4, 6],
      ]),
    ).toEqual([undefined, 1.5])
  })
  test('two readings of one time have the same earlier one', () => {
    expect(
      valuesOf(rate, [
        [0, 0],
        [1, 3],
        [1, 1],
        [2, 1],
      ]),
    ).toEqual([undefined, 3, 1, 0])
    expect(
      outcomesOf(rate, [
        [0, 0],
        [0, 9],
      ]),
    ).toBe('unknown unknown')
  })
  test('with a window it is from the newest reading that is at least as old', () => {
    expect(
      valuesOf({ ...rate, window: '2m' }, [
        [0, 0],
        [1, 10],
        [2, 6],
        [3.5, 20],
      ]),
    ).toEqual([undefined, undefined, 3, 4])
  })
  test('a text is unknown and leaves no trace', () => {
    expect(valuesOf(rate, perMinute(1, 'x', 5))).toEqual([undefined, undefined, 2])
  })
})

describe('aggregate', () => {
  const of = (fn: string, more: object = {}): Condition => ({
    kind: 'aggregate',
    metric: 'm',
    fn,
    window: '3m',
    above: 4,
    minCount: 1,
    ...more,
  })
  test('leaves out the reading that is exactly a window old', () => {
    expect(valuesOf(of('sum'), perMinute(1, 2, 4, 8))).toEqual([1, 3, 7, 14])
    expect(valuesOf(of('count'), perMinute(1, 2, 4, 8))).toEqual([1, 2, 3, 3])
  })
  test('mean, min, max, range and the deviation of the population', () => {
    const rows = perMinute(2, 4, 9)
    const last = (fn: string) => valuesOf(of(fn), rows).at(-1)
    expect([last('mean'), last('min'), last('max'), last('range')]).toEqual([5, 2, 9, 7])
    expect(last('stddev')).toBeCloseTo(Math.sqrt((9 + 1 + 16) / 3), 12)
    expect(valuesOf(of('stddev'), perMinute(7))).toEqual([0])
  })
  test('a quantile stands at (n − 1) × q, between its neighbours', () => {
    const rows = perMinute(0, 10, 20)
    expect(valuesOf(of('p50'), rows)).toEqual([0, 5, 10])
    expect(valuesOf(of('p75'), rows)).toEqual([0, 7.5, 15])
  })
  test('fewer than minCount are unknown, and a gap empties the window', () => {
    expect(
      outcomesOf(of('mean', { minCount: 2 }), [
        [0, 9],
        [1, 9],
        [4, 9],
        [5, 3],
        [5, 0],
      ]),
    ).toBe('unknown met unknown met cleared')
  })
  test('the limit is exclusive', () => {
    expect(outcomesOf(of('max'), perMinute(4, 5))).toBe('cleared met')
  })
})

describe('stuck', () => {
  const stuck: Condition = { kind: 'stuck', metric: 'm', window: '3m', tolerance: 0, minCount: 3 }
  test('needs a reading as old as the window and enough within it', () => {
    expect(outcomesOf(stuck, perMinute(5, 5, 5, 5))).toBe('unknown unknown unknown met')
    expect(
      outcomesOf(stuck, [
        [0, 5],
        [3, 5],
        [4, 5],
        [5, 5],
      ]),
    ).toBe('unknown unknown unknown met')
  })
  test('counts the newest reading that is at least as old as the window', () => {
    expect(outcomesOf(stuck, perMinute(4, 5, 5, 5, 5))).toBe('unknown unknown unknown cleared met')
  })
  test('allows exactly the tolerance', () => {
    expect(outcomesOf({ ...stuck, tolerance: 1 }, perMinute(5, 6, 5, 6, 7))).toBe(
      'unknown unknown unknown met cleared',
    )
  })
  test('is unknown again after a gap', () => {
    expect(
      outcomesOf(stuck, [
        [0, 5],
        [1, 5],
        [2, 5],
        [3, 5],
        [9, 5],
      ]),
    ).toBe('unknown unknown unknown met unknown')
  })
})

describe('counter', () => {
  const event = (name: 'reset' | 'rollover' | 'reverse', max?: number): Condition => ({
    kind: 'counter',
    metric: 'm',
    event: name,
    max,
  })
  test('a fall to less than half is a reset, to half or more a reverse', () => {
    expect(outcomesOf(event('reset'), perMinute(8, 4, 1.9, 2))).toBe('unknown cleared met cleared')
    expect(outcomesOf(event('reverse'), perMinute(8, 4, 1.9, 2))).toBe('unknown met cleared cleared')
  })
  test('a fall that is shorter by way of the maximum is a rollover, and no reset', () => {
    // 9 → 1 under 10: 1 + 1 = 2 up, 8 down. 6 → 1: 5 up, 5 down: no rollover.
    expect(outcomesOf(event('rollover', 10), perMinute(9, 1, 6, 1))).toBe('unknown met cleared cleared')
    expect(outcomesOf(event('reset', 10), perMinute(9, 1, 6, 1))).toBe('unknown cleared cleared met')
  })
  test('a rise beyond maxPerHour is implausible, at it is not', () => {
    const implausible: Condition = { kind: 'counter', metric: 'm', event: 'implausible', maxPerHour: 4 }
    expect(
      outcomesOf(implausible, [
        [0, 0],
        [30, 2],
        [60, 5],
        [75, 1],
      ]),
    ).toBe('unknown cleared met cleared')
  })
  test('at the same time any rise is implausible', () => {
    const implausible: Condition = { kind: 'counter', metric: 'm', event: 'implausible', maxPerHour: 4 }
    expect(
      outcomesOf(implausible, [
        [0, 0],
        [0, 0],
        [0, 0.1],
      ]),
    ).toBe('unknown cleared met')
  })
})
