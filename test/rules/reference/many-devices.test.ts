import { describe, expect, test } from 'vitest'
import type { Condition, GroupCondition, PeersCondition } from '../../../rules/rule.ts'
import { minuteMs, outcomesOf, type Row, valuesOf } from './judged.ts'
import { reference } from './reference.ts'
import { ruleOf } from './rule-of.ts'
import type { World } from './world.ts'

const low: Condition = { kind: 'threshold', metric: 'm', below: 207, clear: 210 }
const given = (rows: readonly Row[]) =>
  rows.map(([minute, value, device = 'a']) => ({
    ts: minute * minuteMs,
    values: { m: value as number },
    device,
  }))

describe('group', () => {
  const two: GroupCondition = { kind: 'group', of: low, atLeast: 2 }
  test('is met when enough devices hold, each until it is past its own clear', () => {
    const rows: Row[] = [
      [0, 200, 'a'],
      [1, 200, 'b'],
      [2, 208, 'a'],
      [3, 210, 'a'],
    ]
    expect(outcomesOf(two, rows)).toBe('cleared met met cleared')
    expect(valuesOf(two, rows)).toEqual([1, 2, 2, 1])
  })
  test('a share is of all that are registered, and exclusive', () => {
    const half: GroupCondition = { kind: 'group', of: low, share: 0.5 }
    const rows: Row[] = [
      [0, 200, 'a'],
      [1, 200, 'b'],
      [2, 200, 'c'],
    ]
    expect(outcomesOf(half, rows, { members: ['a', 'b', 'c', 'd'] })).toBe('cleared cleared met')
    expect(valuesOf(half, rows, { members: ['a', 'b', 'c', 'd'] })).toEqual([0.25, 0.5, 0.75])
  })
  test('the alarm is of the group; a device without the label is in none', () => {
    const world: World = { labels: { a: { site: 'x' }, b: { site: 'x' }, c: { site: 'y' }, d: {} } }
    const rows: Row[] = [
      [0, 200, 'a'],
      [1, 200, 'c'],
      [2, 200, 'd'],
      [3, 200, 'b'],
    ]
    const rule = ruleOf({ ...two, by: 'site' })
    expect(reference(rule, given(rows), world).map(({ device, time }) => [device, time])).toEqual([
      ['site=x', 3 * minuteMs],
    ])
  })
  test('its time does not go back', () => {
    const rows: Row[] = [
      [5, 200, 'a'],
      [3, 200, 'b'],
      [4, 220, 'b'],
      [3, 200, 'b'],
    ]
    expect(reference(ruleOf(two), given(rows))).toMatchObject([
      { device: 'group=all', transition: 'raised', time: 5 * minuteMs, since: 5 * minuteMs },
      { device: 'group=all', transition: 'cleared', time: 5 * minuteMs },
    ])
  })
  test('with a wait, readings of all its devices are put in order', () => {
    const rows: Row[] = [
      [5, 200, 'a'],
      [3, 200, 'b'],
      [9, 220, 'c'],
    ]
    expect(reference(ruleOf(two, { wait: '4m' }), given(rows))).toMatchObject([{ time: 5 * minuteMs }])
    expect(reference(ruleOf(two, { wait: '5m' }), given(rows))).toEqual([])
  })
  test('labels of each device give the limits within', () => {
    const of: Condition = { kind: 'threshold', metric: 'm', above: { label: 'max', default: 5 } }
    const world: World = { labels: { a: { max: '1' }, b: {} } }
    const rule = ruleOf({ kind: 'group', of, atLeast: 1 })
    expect(
      reference(
        rule,
        given([
          [0, 3, 'b'],
          [1, 3, 'a'],
        ]),
        world,
      ),
    ).toMatchObject([{ time: minuteMs }])
  })
})

describe('peers', () => {
  const peers: PeersCondition = {
    kind: 'peers',
    metric: 'm',
    by: 'site',
    k: 2,
    minPeers: 2,
    maxAge: '5m',
    minSpread: 0,
  }
  test('compares with the median of the others, the reading itself not among them', () => {
    // For d the others are 1 2 3: median 2, deviation 1; within 0 … 4.
    const others: Row[] = [
      [0, 1, 'a'],
      [0, 2, 'b'],
      [0, 3, 'c'],
    ]
    expect(outcomesOf(peers, [...others, [0, 4, 'd']])).toBe('unknown unknown met cleared')
    expect(outcomesOf(peers, [...others, [0, 4.1, 'd']])).toBe('unknown unknown met met')
  })
  test('fewer than minPeers are unknown, and those older than maxAge do not count', () => {
    const rows: Row[] = [
      [0, 1, 'a'],
      [1, 1, 'b'],
      [5, 1, 'c'],
      [6, 9, 'd'],
    ]
    expect(outcomesOf(peers, rows)).toBe('unknown unknown cleared met')
    expect(outcomesOf(peers, [...rows, [6.5, 1, 'e'], [7, 1, 'a']])).toMatch(/cleared cleared$/)
    expect(
      outcomesOf({ ...peers, minPeers: 3 }, [
        [0, 1, 'a'],
        [1, 1, 'b'],
        [5, 1, 'c'],
        [6, 9, 'd'],
      ]),
    ).toBe('unknown unknown unknown unknown')
  })
  test('age is against the newest time of the group', () => {
    const rows: Row[] = [
      [0, 1, 'a'],
      [0, 1, 'b'],
      [9, 1, 'c'],
      [1, 9, 'd'],
    ]
    expect(outcomesOf(peers, rows).split(' ').at(-1)).toBe('unknown')
  })
  test('a deviation of 0 is taken as minSpread', () => {
    const rows: Row[] = [
      [0, 5, 'a'],
      [0, 5, 'b'],
      [0, 7, 'c'],
    ]
    expect(outcomesOf(peers, rows)).toBe('unknown unknown met')
    expect(outcomesOf({ ...peers, minSpread: 1 }, rows)).toBe('unknown unknown cleared')
  })
  test('only devices of the same label are peers, and the alarm is of the device', () => {
    const world: World = {
      labels: { a: { site: 'x' }, b: { site: 'x' }, c: { site: 'x' }, d: { site: 'y' } },
    }
    const rows: Row[] = [
      [0, 5, 'a'],
      [0, 5, 'b'],
      [0, 9, 'd'],
      [1, 9, 'c'],
    ]
    expect(reference(ruleOf(peers), given(rows), world).map(({ device }) => device)).toEqual(['c'])
  })
})
