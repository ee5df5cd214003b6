import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { WindowView } from '../../rules/conditions/condition.ts'
import { SlidingWindow, WindowKind } from '../../rules/sliding-window.ts'
import { StoredWindow } from './stored-window.ts'

interface Point {
  readonly time: number
  readonly value: number
}

/** What a view is to answer, by a plain list. */
function expectedView(points: readonly Point[], edge: number, after: number) {
  const within = points.filter(({ time }) => time > Math.max(edge, after)).map(({ value }) => value)
  const sorted = within.toSorted((a, b) => a - b)
  const sum = within.reduce((total, value) => total + value, 0)
  return {
    count: within.length,
    sum,
    mean: sum / within.length,
    min: sorted[0] ?? Number.NaN,
    max: sorted.at(-1) ?? Number.NaN,
    p50: quantileOf(sorted, 0.5),
    p95: quantileOf(sorted, 0.95),
    before: points.filter(({ time }) => time <= edge && time > after).at(-1),
  }
}

function quantileOf(sorted: readonly number[], q: number): number {
  const rank = (sorted.length - 1) * q
  const low = Math.floor(rank)
  const lower = sorted[low] ?? Number.NaN
  return low === rank ? lower : lower + (sorted[low + 1]! - lower) * (rank - low)
}

function spreadOf(points: readonly Point[], edge: number): number {
  const within = points.filter(({ time }) => time > edge).map(({ value }) => value)
  const mean = within.reduce((total, value) => total + value, 0) / within.length
  return Math.sqrt(within.reduce((total, value) => total + (value - mean) ** 2, 0) / within.length)
}

function answersOf(view: WindowView) {
  return {
    count: view.count,
    sum: view.sum(),
    mean: view.mean(),
    min: view.min(),
    max: view.max(),
    p50: view.quantile(0.5),
    p95: view.quantile(0.95),
    before: view.before(),
  }
}

interface Step {
  readonly gapMs: number
  readonly value: number
  readonly ask: 'all' | 'quantile' | 'nothing'
  readonly aheadMs: number
  readonly afterMs: number
  readonly save: 'load' | 'save' | 'nothing'
}

function stepsOf(values: fc.Arbitrary<number>): fc.Arbitrary<Step[]> {
  const step = fc.record({
    gapMs: fc.constantFrom(0, 0, 1, 1, 2, 3, 10, 40, 100, 700),
    value: values,
    ask: fc.constantFrom('all', 'quantile', 'nothing', 'nothing'),
    aheadMs: fc.constantFrom(0, 0, 0, 0, 5, 100),
    // How long before the reading the rule that asks began; mostly long ago.
    afterMs: fc.constantFrom(Infinity, Infinity, Infinity, 0, 1, 30, 100, 130, 600),
    save: fc.constantFrom('nothing', 'nothing', 'nothing', 'save', 'load'),
  } as const)
  return fc.array(step, { maxLength: 150, size: 'max' })
}

const lengths = fc.constantFrom(1, 2, 63, 64, 65, 100, 130, 640, 10_000)
const firstTimes = fc.constantFrom(0, -777, 1_732_000_000_123)
const integers = fc.integer({ min: -20, max: 20 })
const floats = fc.double({ min: -1e9, max: 1e9, noNaN: true })

describe('a window answers as a plain list does', () => {
  test('to the bit for integers, wherever it is saved and loaded', () => {
    fc.assert(
      fc.property(lengths, firstTimes, stepsOf(integers), (lengthMs, firstTime, steps) => {
        const stored = new StoredWindow(lengthMs)
        const points: Point[] = []
        let time: number = firstTime
        for (const { gapMs, value, ask, aheadMs, afterMs, save } of steps) {
          time += gapMs
          stored.window.add(time, value)
          points.push({ time, value })
          if (save === 'save') stored.save()
          if (save === 'load') stored.saveAndLoad()
          const [now, after] = [ask === 'nothing' ? time : time + aheadMs, time - afterMs]
          const expected = expectedView(points, now - lengthMs, after)
          const view = stored.window.at(now, after)
          if (ask === 'all') expect(answersOf(view)).toEqual(expected)
          if (ask === 'quantile') expect(view.quantile(0.95)).toBe(expected.p95)
        }
      }),
      { numRuns: 1_000 },
    )
  })

  test('within rounding for the standard deviation, values far from zero included', () => {
    fc.assert(
      fc.property(lengths, stepsOf(integers), (lengthMs, steps) => {
        const window = new SlidingWindow(new WindowKind(lengthMs))
        const points: Point[] = []
        let time = 0
        for (const { gapMs, value } of steps) {
          time += gapMs
          window.add(time, 1e9 + value)
          points.push({ time, value: 1e9 + value })
          expect(window.at(time).stddev()).toBeCloseTo(spreadOf(points, time - lengthMs), 5)
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('results follow from the readings in view, to the bit', () => {
  test('whether or not the window was saved and loaded in between', () => {
    fc.assert(
      fc.property(lengths, stepsOf(floats), fc.constantFrom(8, 100_000), (lengthMs, steps, readingsMax) => {
        const kept = new SlidingWindow(new WindowKind(lengthMs, readingsMax))
        const stored = new StoredWindow(lengthMs, readingsMax)
        let time = 1_732_000_000_123
        for (const { gapMs, value, ask, afterMs, save } of steps) {
          time += gapMs
          kept.add(time, value)
          stored.window.add(time, value)
          if (save === 'save') stored.save()
          if (save === 'load') stored.saveAndLoad()
          if (ask === 'nothing') continue
          const [one, other] = [kept.at(time, time - afterMs), stored.window.at(time, time - afterMs)]
          expect(answersOf(one)).toEqual(answersOf(other))
          expect(one.stddev()).toBe(other.stddev())
        }
      }),
      { numRuns: 500 },
    )
  })

  test('whether the window began with the rule or was there before it', () => {
    fc.assert(
      fc.property(lengths, stepsOf(floats), fc.nat(60), (lengthMs, steps, beginning) => {
        const older = new SlidingWindow(new WindowKind(lengthMs))
        const younger = new SlidingWindow(new WindowKind(lengthMs))
        let time = 1_732_000_000_123
        let after = Number.NEGATIVE_INFINITY
        for (const [i, { gapMs, value, ask }] of steps.entries()) {
          time += gapMs
          older.add(time, value)
          if (i <= beginning) after = time
          else if (time > after) younger.add(time, value)
          if (ask === 'nothing') continue
          const [one, other] = [older.at(time, after), younger.at(time)]
          expect(answersOf(one)).toEqual(answersOf(other))
          expect(one.stddev()).toBe(other.stddev())
        }
      }),
      { numRuns: 500 },
    )
  })
})

/** Readings over many times the length of a window of 640 ms, with silences and with questions of two rules. */
const longSteps = fc.array(
  fc.record({
    gapMs: fc.oneof({ weight: 20, arbitrary: fc.nat(25) }, fc.constantFrom(0, 200, 600, 700)),
    value: floats,
    ask: fc.constantFrom('both', 'elder', 'younger', 'nothing'),
  } as const),
  { minLength: 200, maxLength: 400, size: 'max' },
)

describe('what is summed up ahead of a question', () => {
  test('answers as a window does that was never asked before, to the bit', () => {
    fc.assert(
      fc.property(longSteps, fc.nat(200), fc.constantFrom(40, 100_000), (steps, beginning, readingsMax) => {
        const stored = new StoredWindow(640, readingsMax)
        let time = 1_732_000_000_123
        let after = Number.NEGATIVE_INFINITY
        for (const [i, { gapMs, value, ask }] of steps.entries()) {
          time += gapMs
          stored.window.add(time, value)
          if (i <= beginning) after = time
          if (ask === 'nothing') continue
          stored.save()
          const rows = [...stored.stored].map(([start, bytes]) => ({ start, bytes }))
          const begins = { both: [-Infinity, after], elder: [-Infinity], younger: [after] }[ask]
          for (const from of begins) {
            const [asked, unasked] = [
              stored.window,
              SlidingWindow.load(new WindowKind(640, readingsMax), rows),
            ]
            const sums = [asked, unasked].map((window) => {
              const view = window.at(time, from)
              return [view.sum(), view.min(), view.max(), view.stddev()]
            })
            expect(sums[0]).toEqual(sums[1])
          }
        }
      }),
      { numRuns: 60 },
    )
  })

  test('holds what a list does over many lengths of the window', () => {
    fc.assert(
      fc.property(longSteps, (steps) => {
        const window = new SlidingWindow(new WindowKind(640))
        const points: Point[] = []
        let time = -20_000
        for (const { gapMs, value, ask } of steps) {
          time += gapMs
          const rounded = Math.round(value / 1e6) + 0
          window.add(time, rounded)
          points.push({ time, value: rounded })
          if (ask === 'nothing') continue
          const { sum, min, max } = expectedView(points, time - 640, -Infinity)
          const view = window.at(time)
          expect([view.sum(), view.min(), view.max()]).toEqual([sum, min, max])
          expect(view.stddev()).toBeCloseTo(spreadOf(points, time - 640), 6)
        }
      }),
      { numRuns: 100 },
    )
  })
})

describe('the edge of a window', () => {
  const window = new SlidingWindow(new WindowKind(100))
  window.add(0, 1)
  window.add(0, 2)
  window.add(50, 4)

  test('lets go of a reading that is exactly as old as it is long', () => {
    expect(window.at(99).sum()).toBe(7)
    expect(window.at(100).sum()).toBe(4)
  })

  test('shows the newest of the readings at it as the one before', () => {
    expect(window.at(99).before()).toBeUndefined()
    expect(window.at(100).before()).toEqual({ time: 0, value: 2 })
    expect(window.at(150).before()).toEqual({ time: 50, value: 4 })
  })

  test('hides from a rule what is not later than its beginning', () => {
    expect(window.at(60, 0).count).toBe(1)
    expect(window.at(60, -1).count).toBe(3)
    expect(window.at(120, 0).before()).toBeUndefined()
    expect(window.at(150, 0).before()).toEqual({ time: 50, value: 4 })
  })

  test('leaves nothing of a window in which silence outlasted its length', () => {
    const view = window.at(1_000)
    expect(answersOf(view)).toEqual({
      ...{ count: 0, sum: 0, mean: NaN, min: NaN, max: NaN, p50: NaN, p95: NaN },
      before: { time: 50, value: 4 },
    })
    expect(view.stddev()).toBeNaN()
  })

  test('refuses a reading, and a question, of a time that is over', () => {
    expect(() => window.add(49, 1)).toThrow('added after 50')
    expect(() => window.at(49)).toThrow('has readings of 50')
  })
})

describe('quantiles', () => {
  test('take out the value that left, where 0 and −0 are both there', () => {
    const window = new SlidingWindow(new WindowKind(10))
    for (const [time, value] of [
      [0, -0],
      [1, 0],
      [2, -0],
    ] as const)
      window.add(time, value)
    expect(window.at(2).quantile(0.5)).toBe(0)
    expect(window.at(10).quantile(1)).toBe(0)
    expect(window.at(11).quantile(0)).toBe(0)
  })

  test('are right after many readings left at once', () => {
    const window = new SlidingWindow(new WindowKind(1_000))
    for (let time = 0; time < 1_000; time++) window.add(time, time % 7)
    expect(window.at(999).quantile(1)).toBe(6)
    window.add(1_990, 3)
    window.add(1_991, 5)
    expect(window.at(1_991).count).toBe(10)
    expect(window.at(1_991).quantile(0.5)).toBe(3.5)
  })
})

describe('what a window keeps is bounded', () => {
  test('gives up its oldest reading when it holds as many as it may, and says so', () => {
    const window = new SlidingWindow(new WindowKind(6_400, 10))
    for (let time = 0; time < 1_000; time += 100) window.add(time, 1)
    expect([window.at(900).count, window.overflowed]).toEqual([10, false])
    window.add(1_000, 1)
    expect([window.at(1_000).count, window.overflowed]).toEqual([10, true])
  })

  test('gives up the first of readings that all have one time', () => {
    const window = new SlidingWindow(new WindowKind(6_400, 10))
    for (let i = 0; i < 12; i++) window.add(5, i)
    expect(window.at(5).sum()).toBe(2 + 3 + 4 + 5 + 6 + 7 + 8 + 9 + 10 + 11)
    expect(window.overflowed).toBe(true)
  })

  test('has not overflowed when the readings that made it full are too old', () => {
    const window = new SlidingWindow(new WindowKind(64, 10))
    for (let time = 0; time < 1_000; time += 8) window.add(time, 1)
    expect(window.overflowed).toBe(false)
  })

  test('keeps no account of rows that were never stored', () => {
    const window = new SlidingWindow(new WindowKind(64))
    for (let time = 0; time < 10_000; time++) window.add(time, 1)
    const rows = window.takeDirty()
    expect(rows.length).toBeLessThanOrEqual(3)
    expect(rows.every(({ bytes }) => bytes !== undefined)).toBe(true)
  })
})

test('windows of one kind, asked in turn, each answer for themselves, and anew after each reading', () => {
  const kind = new WindowKind(100)
  const windows = [new SlidingWindow(kind), new SlidingWindow(kind)]
  for (let time = 1; time <= 3; time++) {
    for (const [i, window] of windows.entries()) window.add(time, time * 10 ** i)
    for (const [i, window] of windows.entries()) {
      const view = window.at(3)
      const times = 10 ** i
      expect([view.count, view.sum(), view.max()]).toEqual([
        time,
        ((time * (time + 1)) / 2) * times,
        time * times,
      ])
    }
    expect([windows[0]!.at(3, time - 1).sum(), windows[0]!.at(3).min()]).toEqual([time, 1])
  }
})
