import { expect, test } from 'vitest'
import type { Stillness, WindowNeed } from '../../rules/conditions/condition.ts'
import { WindowKinds, Windows } from '../../rules/windows.ts'
import { KeptMemory } from './kept-memory.ts'

const owner = { owner: 'fridge-1 0', device: 'fridge-1' }
const need = (metric: string, lengthMs: number, stillness?: Stillness): WindowNeed =>
  stillness === undefined ? { metric, lengthMs } : { metric, lengthMs, stillness }
const kindsOf = (...needs: WindowNeed[]) => new WindowKinds([{ windows: needs }], 100)

test('windows that rules still need after an edit go on with their readings, whatever comes and goes beside them', () => {
  const kept = new KeptMemory()
  const before = Windows.load(kindsOf(need('a', 100), need('b', 100)), owner, kept)
  for (let time = 0; time < 50; time++) for (const window of before.all) window.add(time, time)
  const after = Windows.load(kindsOf(need('c', 100), need('b', 100), need('b', 10)), owner, kept, before)
  expect(after.get('b', 100)).toBe(before.get('b', 100))
  expect(after.get('a', 100)).toBeUndefined()
  for (let time = 50; time < 90; time++) for (const window of after.all) window.add(time, time)
  const sums = after.all.map((window) => [window.at(89).count, window.at(89).sum()])
  expect(sums).toEqual([
    [40, 40 * 69.5],
    [90, 90 * 44.5],
    [10, 10 * 84.5],
  ])
})

test('a window holds what the most demanding of its rules asks of it, from when that rule is there', () => {
  const kept = new KeptMemory()
  const still = need('a', 50, { tolerance: 0, minCount: 3 })
  const tolerant = need('a', 50, { tolerance: 4, minCount: 2 })
  let time = 0
  const heldBy = (windows: Windows) => {
    for (const until = time + 80; time < until; time++)
      for (const window of windows.all) window.add(time, time)
    return windows.all.map((window) => window.at(time - 1).count)
  }
  const first = Windows.load(kindsOf(still), owner, kept)
  expect(heldBy(first)).toEqual([3])
  const second = Windows.load(kindsOf(still, tolerant), owner, kept, first)
  expect(heldBy(second)).toEqual([5])
  const third = Windows.load(kindsOf(tolerant, need('a', 50), still), owner, kept, second)
  expect(heldBy(third)).toEqual([50])
  expect(heldBy(Windows.load(kindsOf(still), owner, kept, third))).toEqual([3])
})
