import { expect, test } from 'vitest'
import type { Condition } from '../../rules/rule.ts'
import { Evaluation, storedRule } from './evaluation.ts'

const above = (metric: string, limit: number): Condition => ({ kind: 'threshold', metric, above: limit })
const either: Condition = { kind: 'any', of: [above('temperature_c', 8), above('humidity_pct', 80)] }
const minute = 60_000

/** After which of the readings (one a minute, of °C) the state was written, from 0. */
function writes(when: Condition, temperatures: readonly number[], rule: object = {}): number[] {
  const evaluation = new Evaluation([storedRule({ when, ...rule })])
  return temperatures.flatMap((value, i) => {
    const before = evaluation.kept.statesWritten
    evaluation.give({ ts: i * minute, values: { temperature_c: value } })
    return evaluation.kept.statesWritten > before ? [i] : []
  })
}

test('a state that a reading leaves as it was is not written again', () => {
  expect(writes(either, [5, 6, 5, 9, 9, 5, 5])).toEqual([0, 3, 5])
  expect(writes({ kind: 'not', of: either }, [9, 9, 5, 5, 9])).toEqual([0, 2, 4])
  expect(writes({ kind: 'all', of: [either, above('temperature_c', 7)] }, [5, 5, 7.5, 7.5, 9])).toEqual([
    0, 2, 4,
  ])
})

test('a reading of another metric is noted, since an event would report that', () => {
  const evaluation = new Evaluation([storedRule({ when: either })])
  const written = (values: object, i: number) => {
    evaluation.give({ ts: i * minute, values: { ...values } })
    return evaluation.kept.statesWritten
  }
  expect(
    [{ temperature_c: 5 }, { humidity_pct: 5 }, { humidity_pct: 6 }, { temperature_c: 6 }].map(written),
  ).toEqual([1, 2, 2, 3])
})

test('of a share, it is written for as long as anything of the window counts', () => {
  const when: Condition = { kind: 'share', of: either, window: '3m', above: 0.9 }
  expect(writes(when, [5, 5, 9, 5, 5, 5, 5, 5, 5])).toEqual([0, 2, 3, 4, 5, 6])
})

test('of repeated, it is written for as long as readings add to the row', () => {
  const when: Condition = { kind: 'repeated', of: either, times: 3, for: '0s' }
  expect(writes(when, [5, 5, 9, 9, 5, 5])).toEqual([0, 2, 3, 4])
})

test('what remembers each reading is written each time, within others too', () => {
  const changes: Condition = { kind: 'flapping', of: 'connection', above: 0.5, clear: 0.25 }
  expect(writes({ kind: 'any', of: [either, changes] }, [5, 6, 7])).toEqual([0, 1, 2])
  expect(writes(either, [5, 6, 7], { gaps: 'reset' })).toEqual([0, 1, 2])
})

test('what only compares a reading with the one before it has no state of its own to write', () => {
  const counter: Condition = { kind: 'counter', metric: 'temperature_c', event: 'reset', max: 100 }
  expect(writes({ kind: 'any', of: [either, counter] }, [5, 6, 7, 1])).toEqual([0, 1, 3])
})
