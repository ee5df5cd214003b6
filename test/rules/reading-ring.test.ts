import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ReadingRing, RingRoom } from '../../rules/reading-ring.ts'

/** All that a ring holds, by its indices. */
function heldBy(ring: ReadingRing): [index: number, time: number, value: number][] {
  return Array.from({ length: ring.count }, (_, i) => {
    const index = ring.first + i
    return [index, ring.timeAt(index), ring.valueAt(index)]
  })
}

describe('rings that share a room', () => {
  test('each hold what a list does, however the others grow', () => {
    const step = fc.record({ ring: fc.nat(2), adds: fc.nat(30), drops: fc.nat(30) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const room = new RingRoom()
        const firsts = [0, 32, 5]
        const rings = firsts.map((first) => new ReadingRing(room, first))
        const lists: [number, number, number][][] = [[], [], []]
        const ends = [...firsts]
        let time = 0
        for (const { ring, adds, drops } of steps) {
          for (let i = 0; i < adds; i++) {
            time += 1
            rings[ring]!.append(time, -time)
            lists[ring]!.push([ends[ring]!, time, -time])
            ends[ring]! += 1
          }
          for (let i = 0; i < drops && lists[ring]!.length > 0; i++) {
            rings[ring]!.dropOldest()
            lists[ring]!.shift()
          }
          expect(rings.map(heldBy)).toEqual(lists)
          const [middle = [0, 0, 0]] = lists[ring]!.slice(lists[ring]!.length >> 1)
          const after = lists[ring]!.filter(([, at]) => at > middle[1]).length
          expect(rings[ring]!.firstAfter(middle[1])).toBe(rings[ring]!.end - after)
        }
      }),
      { numRuns: 100 },
    )
  })

  test('take no more than a quarter beyond what they ever held, and four readings', () => {
    const room = new RingRoom()
    const rings = [1, 61, 260].map((count) => {
      const ring = new ReadingRing(room)
      for (let i = 0; i < count; i++) ring.append(i, i)
      return ring
    })
    for (let i = 260; i < 1_000; i++) {
      rings[2]!.append(i, i)
      rings[2]!.dropOldest()
    }
    expect(room.numbers.length / 2).toBeLessThanOrEqual(1.25 * (1 + 61 + 260) + 3 * 4)
  })

  test('leave it to the others when they are no longer needed', () => {
    const room = new RingRoom()
    const [gone, kept] = [new ReadingRing(room), new ReadingRing(room)]
    for (let i = 0; i < 100; i++) gone.append(i, i)
    kept.append(1, 2)
    gone.leave()
    for (let i = 2; i < 10; i++) kept.append(i, 2 * i)
    expect(room.numbers.length / 2).toBe(kept.capacity)
    expect(heldBy(kept).map(([, time]) => time)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
  })
})
