import { expect, test } from 'vitest'
import { WindowKinds, Windows } from '../../rules/windows.ts'
import { KeptMemory } from './kept-memory.ts'

const owner = { owner: 'fridge-1 0', device: 'fridge-1' }
const need = (metric: string, lengthMs: number) => ({ metric, lengthMs })
const kindsOf = (...needs: ReturnType<typeof need>[]) => new WindowKinds(needs, 100)

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
