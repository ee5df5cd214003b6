import { describe, expect, test } from 'vitest'
import { anyCondition } from '../../../rules/condition-kinds.ts'
import { sequence } from '../../../rules/conditions/sequence.ts'
import type { Condition } from '../../../rules/rule.ts'
import { compiled, drive, outcomesOf } from './drive.ts'
import { driveInputs } from './drive-inputs.ts'

const is = (metric: string): Condition => ({ kind: 'threshold', metric, equals: 1 })
const steps = (...given: [metric: string, within?: string][]) => ({
  kind: 'sequence',
  steps: given.map(([metric, within]) => ({ when: is(metric), ...(within && { within }) })),
})

/** `A4` is a pulse of metric a at 4 s: a reading in which it is 1, the others 0. `AB4` is one of both. */
function metAt(condition: object, pulses: string): string[] {
  const given = pulses.split(' ')
  const readings = given.map((pulse) => {
    const [, letters, seconds] = /^([A-Z-]+)([\d.]+)$/.exec(pulse)!
    const values = Object.fromEntries(
      ['a', 'b', 'c'].map((m) => [m, letters!.includes(m.toUpperCase()) ? 1 : 0]),
    )
    return { ts: Number(seconds) * 1000, values }
  })
  return outcomesOf(condition, readings).flatMap((outcome, i) => {
    if (outcome !== 'met') expect(outcome).toBe('cleared')
    return outcome === 'met' ? [given[i]!] : []
  })
}

const ab = steps(['a'], ['b', '5s'])
const abc = steps(['a'], ['b', '5s'], ['c', '5s'])
const aa = steps(['a'], ['a', '5s'])

test.each<[string, object, string, string[]]>([
  ['steps in order', ab, 'A0 B3', ['B3']],
  ['not in the other order', ab, 'B0 A3', []],
  ['exactly within counts', ab, 'A0 B5', ['B5']],
  ['a millisecond more does not', ab, 'A0 B5.001', []],
  ['within runs from the step before, not from the first', abc, 'A0 B5 C10', ['C10']],
  ['each step has its own within', abc, 'A0 B5 C10.001', []],
  ['without within any time', steps(['a'], ['b']), 'A0 B100000', ['B100000']],
  ['readings between do not matter', ab, 'A0 -1 C2 B3', ['B3']],
  ['a later start counts where an earlier one is too old', ab, 'A0 A4 B7', ['B7']],
  ['a later start does not take the place of an earlier one that went on', abc, 'A0 B3 A4 C7', ['C7']],
  ['an earlier second step counts for nothing once a later start needs its own', abc, 'A0 B3 A8 C9', []],
  ['the latest second step counts', abc, 'A0 B1 B5 C9', ['C9']],
  ['a second step too late for its start does not renew it', abc, 'A0 B1 B6 C10', []],
  ['one reading serves one step', ab, 'AB0', []],
  ['a reading that holds two steps completes the second', ab, 'A0 AB3', ['AB3']],
  ['a reading that holds two steps begins', ab, 'AB0 B3', ['B3']],
  ['the same condition twice needs two readings', aa, 'A0 A5', ['A5']],
  ['starts again once met: the reading that completes begins nothing', aa, 'A0 A1 A2 A3 A4', ['A1', 'A3']],
  ['starts again once met: steps before count no more', ab, 'A0 B1 B2', ['B1']],
  ['starts again once met: whole sequences follow each other', ab, 'A0 B1 A2 B3', ['B1', 'B3']],
  ['two steps at one time', ab, 'A2 B2', ['B2']],
  ['within 0s: only at one time', steps(['a'], ['b', '0s']), 'A2 B2 A3 B4', ['B2']],
])('%s', (_name, condition, pulses, expected) => {
  expect(metAt(condition, pulses)).toEqual(expected)
})

const openThenWarm = {
  kind: 'sequence',
  steps: [
    { when: { kind: 'threshold', metric: 'door', equals: true } },
    { when: { kind: 'threshold', metric: 't', above: 8, clear: 7 }, within: '5s' },
  ],
}
const at = (seconds: number, values: Record<string, number | boolean>) => ({ ts: seconds * 1000, values })

describe('with metrics in different readings', () => {
  test('a step holds at every reading until its condition is cleared', () => {
    const readings = [
      at(0, { door: true }),
      at(60, { t: 6 }),
      at(65, { t: 9 }),
      at(66, { door: false }),
      at(72, { t: 9 }),
    ]
    expect(outcomesOf(openThenWarm, readings)).toEqual(['cleared', 'cleared', 'met', 'cleared', 'cleared'])
  })

  test('clear counts: the last step still holds between limit and clear', () => {
    const readings = [at(0, { t: 9 }), at(1, { t: 7.5 }), at(2, { door: true }), at(3, { t: 7.5 })]
    expect(outcomesOf(openThenWarm, readings)).toEqual(['cleared', 'cleared', 'cleared', 'met'])
  })

  test('conditions go on when the sequence starts again: a door still open is a first step at the next reading', () => {
    const readings = [at(0, { door: true }), at(1, { t: 9 }), at(2, { t: 9 }), at(3, { t: 9 })]
    expect(outcomesOf(openThenWarm, readings)).toEqual(['cleared', 'met', 'cleared', 'met'])
  })
})

test('reports the value of the last step where the reading holds it, and its limit', () => {
  const judged = drive(openThenWarm, [at(0, { door: true }), at(1, { t: 9 }), at(2, { door: true })])
  expect(judged.map(({ value }) => value)).toEqual([undefined, 9, undefined])
  expect(judged[0]!.threshold).toBe(8)
})

test('takes within from a label', () => {
  const condition = {
    kind: 'sequence',
    steps: [{ when: is('a') }, { when: is('b'), within: { label: 'soon', default: '1s' } }],
  }
  const readings = [at(0, { a: 1 }), at(5, { b: 1 })]
  expect(outcomesOf(condition, readings)).toEqual(['cleared', 'cleared'])
  expect(outcomesOf(condition, readings, { labels: { soon: '5s' } })).toEqual(['cleared', 'met'])
})

test('a tick at which a step begins to hold completes it', () => {
  const silent = { kind: 'absence', metric: 'b', longerThan: '3s' }
  const condition = { kind: 'sequence', steps: [{ when: is('a') }, { when: silent, within: '5s' }] }
  const judged = driveInputs(compiled(condition), [at(0, { a: 1, b: 0 }), { ts: 3_000, kind: 'tick' }])
  expect(judged.map(({ outcome }) => outcome)).toEqual(['cleared', 'met'])
  expect(judged[0]!.deadline).toBe(3_000)
})

/** Every choice of readings for the steps, by trial: what docs/RULES.md says, word for word. */
function metByTrial(
  readings: readonly { ts: number; values: Record<string, number> }[],
  withinMs: number[],
): number[] {
  const met: number[] = []
  let start = 0
  for (const [i] of readings.entries()) {
    const ends = (at: number, step: number): boolean =>
      readings[at]!.values[`m${step}`] === 1 &&
      (step === 0 ||
        readings.some(
          (before, j) =>
            j >= start && j < at && readings[at]!.ts - before.ts <= withinMs[step]! && ends(j, step - 1),
        ))
    if (!ends(i, withinMs.length - 1)) continue
    met.push(i)
    start = i + 1
  }
  return met
}

test('finds what a trial of every choice of readings finds', () => {
  let seed = 1
  const random = (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed % below
  }
  let found = 0
  for (let run = 0; run < 500; run++) {
    const withinMs = [0, ...Array.from({ length: 1 + random(3) }, () => random(6) * 1000)]
    const condition = {
      kind: 'sequence',
      steps: withinMs.map((ms, i) => ({ when: is(`m${i}`), ...(i > 0 && { within: `${ms}ms` }) })),
    }
    let ts = 0
    const readings = Array.from({ length: 14 }, () => {
      ts += random(4) * 1000
      return { ts, values: Object.fromEntries(withinMs.map((_, i) => [`m${i}`, random(2)])) }
    })
    const expected = metByTrial(readings, withinMs)
    found += expected.length
    const outcomes = outcomesOf(condition, readings)
    expect(outcomes.flatMap((outcome, i) => (outcome === 'met' ? [i] : []))).toEqual(expected)
  }
  expect(found).toBeGreaterThan(500)
})

test.each<[string, unknown, (string | number)[]]>([
  ['one step', steps(['a']), ['steps']],
  ['eleven steps', steps(...Array.from({ length: 11 }, (): [string] => ['a'])), ['steps']],
  ['within of the first step', steps(['a', '5s'], ['b']), ['steps', 0, 'within']],
  ['a within that is no duration', steps(['a'], ['b', 'soon']), ['steps', 1, 'within']],
  ['a step without condition', { kind: 'sequence', steps: [{ when: is('a') }, {}] }, ['steps', 1, 'when']],
])('refuses %s', (_name, condition, path) => {
  const { error } = sequence(anyCondition).schema.safeParse(condition)
  expect(error?.issues.map((issue) => issue.path)).toEqual([path])
})

test('takes two to ten steps', () => {
  expect(() => compiled(steps(...Array.from({ length: 10 }, (): [string] => ['a'])))).not.toThrow()
})
