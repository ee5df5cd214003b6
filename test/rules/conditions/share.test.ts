import { describe, expect, test } from 'vitest'
import { anyCondition } from '../../../rules/condition-kinds.ts'
import { type ShareState, share } from '../../../rules/conditions/share.ts'
import { compiled, drive, inputOf, outcomesOf } from './drive.ts'
import { driveInputs } from './drive-inputs.ts'

const high = { kind: 'threshold', metric: 'v', above: 10, clear: 8 } as const
const tenth = { kind: 'share', of: high, window: '100s', above: 0.1 } as const

/** Times in seconds. */
const at = (seconds: number, v: number | string) => ({ ts: seconds * 1000, values: { v } })

function shares(...readings: [seconds: number, v: number][]) {
  return drive(
    tenth,
    readings.map(([seconds, v]) => at(seconds, v)),
  ).map(({ value }) => value)
}

describe('the time held', () => {
  test.each<[string, [number, number][], number[]]>([
    [
      'counts from the reading at which it begins, which counts for nothing',
      [
        [0, 11],
        [5, 11],
      ],
      [0, 0.05],
    ],
    [
      'counts until the reading at which it ends, gap included',
      [
        [0, 11],
        [40, 7],
        [50, 7],
      ],
      [0, 0.4, 0.4],
    ],
    [
      'does not count where nothing held before a gap',
      [
        [0, 7],
        [40, 11],
        [41, 11],
      ],
      [0, 0, 0.01],
    ],
    [
      'goes on until clear',
      [
        [0, 11],
        [10, 9],
        [20, 8],
        [30, 9],
      ],
      [0, 0.1, 0.2, 0.2],
    ],
    [
      'begins only when met',
      [
        [0, 9],
        [10, 9],
        [20, 11],
      ],
      [0, 0, 0],
    ],
    [
      'leaves the window second by second',
      [
        [0, 11],
        [20, 7],
        [100, 7],
        [105, 7],
        [120, 7],
        [121, 7],
      ],
      [0, 0.2, 0.2, 0.15, 0, 0],
    ],
    [
      'is the whole window at most',
      [
        [0, 11],
        [100, 11],
        [250, 11],
      ],
      [0, 1, 1],
    ],
    [
      'fills the window after a long gap',
      [
        [0, 11],
        [5, 7],
        [10, 11],
        [1000, 7],
        [1050, 7],
      ],
      [0, 0.05, 0.05, 1, 0.5],
    ],
    [
      'counts several stretches',
      [
        [0, 11],
        [5, 7],
        [10, 11],
        [12, 7],
        [20, 11],
        [23, 7],
        [103, 7],
      ],
      [0, 0.05, 0.05, 0.07, 0.07, 0.1, 0.07],
    ],
    [
      'counts nothing of a stretch without length',
      [
        [5, 11],
        [5, 7],
        [6, 7],
      ],
      [0, 0, 0],
    ],
  ])('%s', (_name, readings, expected) => {
    expect(shares(...readings)).toEqual(expected)
  })

  test('is not counted before the inner condition was ever judged', () => {
    expect(outcomesOf(tenth, [at(0, 'text')])).toEqual(['cleared'])
  })
})

test('exactly the share is not met; a millisecond more is; both by the time not seen counted as not held', () => {
  const readings = [at(0, 11), { ts: 10_000, values: { v: 11 } }, { ts: 10_001, values: { v: 7 } }]
  expect(outcomesOf(tenth, readings)).toEqual(['cleared', 'cleared', 'met'])
})

test('a twentieth of a week at exactly 0.05 is not met', () => {
  const week = { kind: 'share', of: high, window: '7d', above: 0.05 }
  const twentiethMs = (7 * 86_400_000) / 20
  const readings = [0, twentiethMs, twentiethMs + 1].map((ts) => ({ ts, values: { v: 11 } }))
  expect(outcomesOf(week, readings)).toEqual(['cleared', 'cleared', 'met'])
})

test('is judged at the readings of the inner condition alone', () => {
  expect(outcomesOf(tenth, [at(0, 11), { ts: 50_000, values: { other: 1 } }, at(60, 11)])).toEqual([
    'cleared',
    'met',
  ])
})

test('takes limit and window from labels', () => {
  const labelled = {
    ...tenth,
    window: { label: 'window', default: '1h' },
    above: { label: 'share', default: 0.9 },
  }
  const judged = drive(labelled, [at(0, 11), at(6, 11)], { labels: { window: '10s', share: '0.5' } })
  expect(judged.map(({ outcome, value, threshold }) => [outcome, value, threshold])).toEqual([
    ['cleared', 0, 0.5],
    ['met', 0.6, 0.5],
  ])
})

test('a window of a label that says 0s gives a number', () => {
  const labelled = { ...tenth, window: { label: 'window', default: '1h' } }
  const judged = drive(labelled, [at(0, 11), at(6, 11)], { labels: { window: '0s' } })
  expect(judged.map(({ value }) => value)).toEqual([0, 1])
})

test('counts from a tick at which the inner condition begins to hold', () => {
  const silent = { ...tenth, of: { kind: 'absence', metric: 'v', longerThan: '10s' } }
  const judged = driveInputs(compiled(silent), [at(0, 1), { ts: 10_000, kind: 'tick' }, at(40, 1), at(50, 1)])
  expect(judged.map(({ value }) => value)).toEqual([0, 0, 0.3, 0.3])
  expect(judged[0]!.deadline).toBe(10_000)
})

describe('beyond 10,000 stretches', () => {
  /** A stretch of 1 s every 3 s; times in seconds. */
  function stateAfter(count: number) {
    const subject = compiled({ ...tenth, window: '7d' })
    const state = subject.initial({ beganAt: 0 }) as ShareState
    const step = (seconds: number, v: number) => subject.step(state, inputOf(at(seconds, v), []))
    for (let i = 0; i < count; i++) {
      step(3 * i, 11)
      step(3 * i + 1, 7)
    }
    return { state, step }
  }

  test('remembers no more, and the oldest moves up to the next, so that no time held is lost', () => {
    const { state } = stateAfter(10_002)
    expect(state.stretches).toHaveLength(20_000)
    expect(state.heldMs).toBe(10_002_000)
    // Three seconds of three stretches, up to the end of the third.
    expect(state.stretches.slice(0, 4)).toEqual([4_000, 7_000, 9_000, 10_000])
    expect(state.share).toBe(10_002_000 / (7 * 86_400_000))
  })

  test('forgets a moved one when it has left the window', () => {
    const { state, step } = stateAfter(10_001)
    step(7 * 86_400 + 3, 7)
    expect(state.share).toBe((10_001_000 - 1_000) / (7 * 86_400_000))
    step(7 * 86_400 + 4, 7)
    expect(state.stretches.slice(0, 2)).toEqual([6_000, 7_000])
  })
})

test.each<[string, object, (string | number)[]]>([
  ['a share of 1 that nothing exceeds', { above: 1 }, ['above']],
  ['a negative share', { above: -0.1 }, ['above']],
  ['a share of 1 as default of a label', { above: { label: 'share', default: 1 } }, ['above']],
  ['no window', { window: '0s' }, ['window']],
  ['no condition', { of: undefined }, ['of']],
  ['a comparison of a threshold', { below: 3 }, []],
])('refuses %s', (_name, fields, path) => {
  const { error } = share(anyCondition).schema.safeParse({ ...tenth, ...fields })
  expect(error?.issues.map((issue) => issue.path)).toEqual([path])
})
