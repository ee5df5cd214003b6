import { expect, test } from 'vitest'
import type { Fault } from '../../../simulators/faults/fault.ts'
import { bin } from '../../../simulators/models/bin.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const startMs = Date.UTC(2026, 5, 3)
const fault = (kind: string): Fault => ({
  id: `${kind}-bin-1`,
  device: 'bin-1',
  kind,
  class: 'process',
  severity: 1,
  onsetMs: startMs + 5 * hourMs,
  endMs: startMs + 9 * hourMs,
  parameters: {},
})
const binWith = (faults: Fault[] = [], id = 'bin-1') => bin.create(5, id, { faults })
const counts = (of: ReturnType<typeof binWith>, timeMs: number) => {
  const { ordered_items: ordered, picked_items: picked } = of.valuesAt(timeMs)
  return { ordered: ordered as number, picked: picked as number }
}
const everyMs = 10_000
const times = Array.from({ length: (2 * 24 * hourMs) / everyMs }, (_, i) => startMs + i * everyMs)

test('what is ordered is picked, and never for eight minutes are orders open', () => {
  for (const id of ['bin-1', 'bin-2', 'bin-3', 'bin-4']) {
    const one = binWith([], id)
    let openSinceMs: number | undefined
    let before = counts(one, startMs)
    const first = before
    for (const timeMs of times) {
      const now = counts(one, timeMs)
      expect(now.ordered).toBeGreaterThanOrEqual(before.ordered)
      expect(now.picked).toBeGreaterThanOrEqual(before.picked)
      expect(now.picked).toBeLessThanOrEqual(now.ordered)
      before = now
      openSinceMs = now.ordered > now.picked ? (openSinceMs ?? timeMs) : undefined
      if (openSinceMs !== undefined) expect(timeMs - openSinceMs).toBeLessThan(8 * minuteMs)
    }
    // 60 to 120 a day, for two days.
    expect(before.ordered - first.ordered).toBeGreaterThanOrEqual(118)
    expect(before.ordered - first.ordered).toBeLessThanOrEqual(242)
  }
})

test('the weight follows the stock: it falls by an item a pick, and from empty it is full again', () => {
  const one = bin.create(5, 'bin-1', { parameters: { item_g: 100 } })
  let { weight_g: weight } = one.valuesAt(startMs) as { weight_g: number }
  let picked = counts(one, startMs).picked
  for (const timeMs of times) {
    const now = one.valuesAt(timeMs) as { weight_g: number; picked_items: number }
    for (; picked < now.picked_items; picked++) weight = weight === 1_300 ? 5_200 : weight - 100
    expect(now.weight_g).toBe(weight)
  }
})

test('an order that is overlooked is open from when it would have been picked until the end', () => {
  const missed = fault('pick_missed')
  const [whole, one] = [binWith(), binWith([missed])]
  const { detectableFromMs: fromMs } = one.consequenceOf!(missed)
  expect(fromMs).toBeGreaterThan(missed.onsetMs)
  expect(counts(whole, fromMs).picked).toBe(counts(whole, fromMs - 1).picked + 1)
  for (const timeMs of [...times, fromMs - 1, fromMs, missed.endMs - 1, missed.endMs]) {
    const open = timeMs >= fromMs && timeMs < missed.endMs ? 1 : 0
    const { ordered, picked } = counts(whole, timeMs)
    expect(counts(one, timeMs)).toEqual({ ordered, picked: picked - open })
  }
})

test('a pick without an order is one too many from the onset until an order is written for it', () => {
  const wrong = fault('miscount')
  const [whole, one] = [binWith(), binWith([wrong])]
  expect(one.consequenceOf!(wrong).detectableFromMs).toBe(wrong.onsetMs)
  for (const timeMs of [...times, wrong.onsetMs - 1, wrong.onsetMs, wrong.endMs - 1, wrong.endMs]) {
    const { ordered, picked } = counts(whole, timeMs)
    expect(counts(one, timeMs)).toEqual({
      ordered: ordered + (timeMs >= wrong.endMs ? 1 : 0),
      picked: picked + (timeMs >= wrong.onsetMs ? 1 : 0),
    })
  }
})
