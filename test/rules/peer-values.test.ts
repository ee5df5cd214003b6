import { describe, expect, test } from 'vitest'
import { PeerValues } from '../../rules/peer-values.ts'

/** The values of the others of a device at a time, with values of up to 10 ms before. */
function othersOf(values: PeerValues, device: string, newest: number): number[] {
  const count = values.collectOthers(values.slotOf(device), newest, 10)
  return [...values.collected.subarray(0, count)]
}

describe('the values of peers', () => {
  test('are those of the others, of as many as there are', () => {
    const values = new PeerValues()
    const ids = Array.from({ length: 30 }, (_, i) => `d${i}`)
    for (const [i, id] of ids.entries()) values.set(values.slotOf(id), 5, i)
    expect(othersOf(values, 'd7', 5)).toEqual(ids.map((_, i) => i).filter((i) => i !== 7))
  })

  test('leave out who has none yet, and who has one too old', () => {
    const values = new PeerValues()
    values.set(values.slotOf('a'), 0, 1)
    values.set(values.slotOf('b'), 5, 2)
    values.slotOf('c')
    expect(othersOf(values, 'c', 10)).toEqual([1, 2])
    expect(othersOf(values, 'c', 11)).toEqual([2])
    expect(othersOf(values, 'b', 5)).toEqual([1])
  })

  test('leave out who has left, also where another took its place', () => {
    const values = new PeerValues()
    values.set(values.slotOf('a'), 5, 1)
    values.set(values.slotOf('b'), 5, 2)
    values.remove('a')
    expect(othersOf(values, 'c', 5)).toEqual([2])
    values.set(values.slotOf('c'), 5, 3)
    expect(othersOf(values, 'b', 5)).toEqual([3])
    values.remove('nobody')
    expect(othersOf(values, 'a', 5)).toEqual([3, 2])
  })
})
