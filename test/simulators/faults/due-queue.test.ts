import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DueQueue } from '../../../simulators/faults/due-queue.ts'

const queued = (entries: readonly (readonly [dueMs: number, meantMs: number])[]) => {
  const queue = new DueQueue()
  for (const [nth, [dueMs, meantMs]] of entries.entries()) {
    queue.add({ device: 'a', dueMs, kind: 'oversize', bytes: nth }, meantMs)
  }
  return queue
}
const nthOf = (transmission: { kind: string; bytes?: number }) => transmission.bytes

test('it gives what sorting by due time, meant time and order of adding gives', () => {
  const time = fc.integer({ min: 0, max: 9 })
  fc.assert(
    fc.property(fc.array(fc.tuple(time, time)), (entries) => {
      const sorted = [...entries.keys()].sort((a, b) => {
        const [dueA, meantA] = entries[a]!
        const [dueB, meantB] = entries[b]!
        return dueA - dueB || meantA - meantB || a - b
      })
      const queue = queued(entries)
      const early = [...queue.dueBefore(5)].map(nthOf)
      expect(early).toEqual(sorted.filter((nth) => entries[nth]![0] < 5))
      expect([...early, ...[...queue.dueBefore(Number.POSITIVE_INFINITY)].map(nthOf)]).toEqual(sorted)
      expect([...queue.dueBefore(Number.POSITIVE_INFINITY)]).toEqual([])
    }),
  )
})
