import { describe, expect, test } from 'vitest'
import { SlidingWindow, WindowKind } from '../../rules/sliding-window.ts'
import { StoredWindow } from './stored-window.ts'

describe('saving', () => {
  const taken = (window: SlidingWindow) =>
    window.takeDirty().map(({ start, bytes }) => [start, bytes?.length])

  test('writes a row of 32 again for one more reading, and says which are gone', () => {
    const window = new SlidingWindow(new WindowKind(64))
    window.add(0, 1)
    window.add(15, 2)
    expect(taken(window)).toEqual([[0, 32]])
    expect(taken(window)).toEqual([])
    for (let time = 16; time < 16 + 31; time++) window.add(time, 3)
    expect(taken(window)).toEqual([
      [0, 32 * 16],
      [32, 16],
    ])
    window.add(109, 4)
    expect(taken(window)).toEqual([[32, 32]])
    window.add(111, 5)
    expect(taken(window)).toEqual([
      [0, undefined],
      [32, 48],
    ])
  })

  test('of a row whose oldest readings left, writes those that remain', () => {
    const window = new SlidingWindow(new WindowKind(10))
    for (let time = 0; time < 30; time++) window.add(time, 1)
    expect(taken(window)).toEqual([[0, 11 * 16 + 1]])
  })

  test('goes on in the row that it was in, of which the oldest readings are gone', () => {
    const stored = new StoredWindow(10)
    for (let time = 0; time < 70; time++) {
      stored.window.add(time, time)
      if (time % 7 === 0) stored.saveAndLoad()
    }
    stored.saveAndLoad()
    expect([...stored.stored.keys()].sort()).toEqual([32, 64])
    expect([stored.window.at(69).count, stored.window.at(69).sum()]).toEqual([10, 645])
  })

  test('gives up what was given up before it was stored', () => {
    const stored = new StoredWindow(6_400, 2)
    for (const value of [1, 2]) stored.window.add(5, value)
    stored.save()
    stored.window.add(5, 3)
    stored.saveAndLoad()
    expect(stored.window.at(5).sum()).toBe(5)
  })

  test('reads the rows of version 0.1, one for each 64th of the window', () => {
    const old = [640, 650, 1_270].map((start) => {
      const bytes = Buffer.alloc(32)
      for (const [i, number] of [start + 3, start + 4, 1, 2].entries()) bytes.writeDoubleLE(number, 8 * i)
      return { start, bytes }
    })
    const window = SlidingWindow.load(new WindowKind(640), old)
    expect([window.newestTime, window.at(1_274).sum()]).toEqual([1_274, 9])
    window.add(1_300, 4)
    expect([window.at(1_300).sum(), window.at(1_300).before()]).toEqual([7, { time: 654, value: 2 }])
    expect(taken(window)).toEqual([
      [640, undefined],
      [650, undefined],
      [1_270, undefined],
      [0, 65],
    ])
  })

  test('refuses bytes that are no row', () => {
    expect(() => SlidingWindow.load(new WindowKind(100), [{ start: 0, bytes: Buffer.alloc(18) }])).toThrow(
      '18 bytes',
    )
  })
})
