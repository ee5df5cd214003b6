import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Stillness } from '../../rules/conditions/condition.ts'
import { SlidingWindow, WindowKind } from '../../rules/sliding-window.ts'
import { StoredWindow } from './stored-window.ts'

const lengthMs = 20
const wholeKind = new WindowKind(lengthMs)

/** What a rule may ask a window that is held for stillness alone. */
function moveOf(window: SlidingWindow, time: number, { tolerance, minCount }: Stillness) {
  const view = window.at(time)
  const before = view.before()
  const range =
    before === undefined ? undefined : Math.max(view.max(), before.value) - Math.min(view.min(), before.value)
  return { isMany: view.count >= minCount, isStill: range !== undefined && range <= tolerance }
}

/** Mostly one that stands still, within the tolerances tried. */
const value = fc.oneof(
  { arbitrary: fc.constant(2), weight: 12 },
  { arbitrary: fc.nat(4), weight: 3 },
  { arbitrary: fc.integer({ min: -90, max: 90 }), weight: 1 },
)
const readings = fc.array(fc.record({ gap: fc.nat(6), value }), { maxLength: 200, size: 'max' })

test('a window of which only stillness is asked tells it as one that holds everything', () => {
  const stillness = fc.record({ tolerance: fc.nat(4), minCount: fc.integer({ min: 1, max: 6 }) })
  let still = 0
  fc.assert(
    fc.property(readings, stillness, fc.nat(200), (given, asked, restartAt) => {
      const kept = new StoredWindow(lengthMs, 1_000, asked)
      const whole = new SlidingWindow(wholeKind)
      let time = 0
      for (const [i, { gap, value }] of given.entries()) {
        time += gap
        kept.window.add(time, value)
        whole.add(time, value)
        const expected = moveOf(whole, time, asked)
        expect(moveOf(kept.window, time, asked)).toEqual(expected)
        if (expected.isStill) still++
        if (i === restartAt) kept.saveAndLoad()
        else kept.save()
      }
    }),
    { numRuns: 400 },
  )
  expect(still).toBeGreaterThan(1_000)
})

test('a register that goes on rising is held as far back as the tolerance and the count reach', () => {
  const window = new SlidingWindow(new WindowKind(1e6, 1_000, { tolerance: 10, minCount: 3 }))
  for (let time = 0; time < 5_000; time++) window.add(time, time)
  expect(window.at(4_999).count).toBe(11)
  window.add(5_000, 9e9)
  expect(window.at(5_000).count).toBe(3)
  expect(window.overflowed).toBe(false)
})
