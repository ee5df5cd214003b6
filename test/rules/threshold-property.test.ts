import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ThresholdCondition } from '../../rules/rule.ts'
import { type ThresholdReference, thresholdEpisodes } from '../support/threshold-reference.ts'
import { Evaluation, type Given, storedRule } from './evaluation.ts'

type Limits = Pick<ThresholdReference, 'above' | 'below' | 'outside' | 'clear'>

const limits: fc.Arbitrary<Limits> = fc.constantFrom<Limits>(
  { above: 3 },
  { above: 3, clear: 3 },
  { above: 3, clear: 1 },
  { below: 2 },
  { below: 2, clear: 4 },
  { outside: [2, 4] },
  { outside: [1, 5], clear: [2, 4] },
  { outside: [1, 5], clear: [3, 3] },
)
// Few values and steps, so that limits and durations are hit exactly, often.
const held = fc.constantFrom(0, 1, 2, 3, 5)
const steps = fc.array(fc.record({ stepMs: fc.constantFrom(1, 1, 1, 2, 3, 7), value: fc.nat(6) }), {
  maxLength: 60,
  size: 'max',
})
const cases = fc.record({ limits, forMs: held, keepForMs: held, steps })

function readingsOf(given: readonly { stepMs: number; value: number }[]): { ts: number; value: number }[] {
  let ts = 1_732_000_000_000
  return given.map(({ stepMs, value }) => {
    ts += stepMs
    return { ts, value }
  })
}

function ruleFor({ limits, forMs, keepForMs }: { limits: Limits; forMs: number; keepForMs: number }) {
  const when: ThresholdCondition = { kind: 'threshold', metric: 'm', ...limits }
  return storedRule({ when, for: `${forMs}ms`, keepFor: `${keepForMs}ms` })
}

const given = ({ ts, value }: { ts: number; value: number }): Given => ({ ts, values: { m: value } })

/** What the reference says, as the transitions of the evaluator. */
function expected(rule: ThresholdReference, readings: readonly { ts: number; value: number }[]) {
  return thresholdEpisodes(rule, readings).flatMap(({ since, raisedAt, clearedAt }) => [
    { transition: 'raised', time: raisedAt, since, ordinal: 1 },
    ...(clearedAt === undefined ? [] : [{ transition: 'cleared', time: clearedAt, since, ordinal: 2 }]),
  ])
}

const told = (evaluation: Evaluation) =>
  evaluation.occurrences.map(({ transition, time, since, ordinal }) => ({ transition, time, since, ordinal }))

test('any readings give the episodes of a calculation from the definition', () => {
  let episodes = 0
  fc.assert(
    fc.property(cases, (generated) => {
      const readings = readingsOf(generated.steps)
      const evaluation = new Evaluation([ruleFor(generated)])
      evaluation.give(...readings.map(given))
      const wanted = expected({ ...generated.limits, ...generated }, readings)
      episodes += wanted.length
      expect(told(evaluation)).toEqual(wanted)
    }),
    { numRuns: 3_000 },
  )
  expect(episodes).toBeGreaterThan(3_000)
})

test('any batching, restarts at any points and late readings give the same events with the same ids', () => {
  const cut = fc.constantFrom('join', 'join', 'group', 'restart', 'late')
  fc.assert(
    fc.property(cases, fc.array(cut, { minLength: 60, maxLength: 60 }), (generated, cuts) => {
      const readings = readingsOf(generated.steps)
      const whole = new Evaluation([ruleFor(generated)])
      whole.give(...readings.map(given))
      const pieces = new Evaluation([ruleFor(generated)])
      let group: Given[] = []
      readings.forEach((reading, i) => {
        group.push(given(reading))
        if (cuts[i] === 'join') return
        if (cuts[i] === 'late') group.push({ ts: reading.ts - 1, values: { m: 6 } })
        pieces.give(...group)
        group = []
        if (cuts[i] === 'restart') pieces.restart()
      })
      pieces.give(...group)
      expect(pieces.events).toEqual(whole.events)
      expect(new Set(whole.events.map(({ id }) => id)).size).toBe(whole.events.length)
    }),
    { numRuns: 1_000 },
  )
})

const datasets = process.env.TIDEMARK_DATASETS ?? join(import.meta.dirname, '../../../shared/datasets')
const roomFile = join(datasets, 'room-occupancy.csv')
const householdFile = join(datasets, 'household-power.csv')
const minuteMs = 60_000

function recording(file: string): Record<string, string>[] {
  return parse(readFileSync(file), { columns: true })
}

describe.runIf(existsSync(roomFile) && existsSync(householdFile))('real recordings', () => {
  test('CO2 above 1000 ppm, clear 950, for 10m, keepFor 5m: the room has exactly the episodes of the reference', () => {
    const readings = recording(roomFile).map((row) => ({
      ts: Date.parse(`${row.Date!.replace(' ', 'T')}+01:00`),
      value: Number(row.CO2),
    }))
    expect(readings).toHaveLength(9_752)
    const evaluation = new Evaluation([
      storedRule({
        when: { kind: 'threshold', metric: 'm', above: 1000, clear: 950 },
        for: '10m',
        keepFor: '5m',
      }),
    ])
    for (let i = 0; i < readings.length; i += 1000) {
      evaluation.give(...readings.slice(i, i + 1000).map(given))
      evaluation.restart()
    }
    const reference = { above: 1000, clear: 950, forMs: 10 * minuteMs, keepForMs: 5 * minuteMs }
    const episodes = thresholdEpisodes(reference, readings)
    process.stderr.write(`CO2 over 1000 ppm: ${episodes.length} episodes in ${readings.length} readings\n`)
    expect(episodes.length).toBeGreaterThan(1)
    expect(told(evaluation)).toEqual(expected(reference, readings))
  })

  test('the voltage of the household never leaves 207–253 V', () => {
    const readings = recording(householdFile)
      .filter((row) => row.Voltage !== '')
      .map((row, i) => ({ ts: i * minuteMs, value: Number(row.Voltage) }))
    expect(readings).toHaveLength(19_444)
    const evaluation = new Evaluation([
      storedRule({ when: { kind: 'threshold', metric: 'm', outside: [207, 253] } }),
    ])
    evaluation.give(...readings.map(given))
    expect(evaluation.evaluations).toBe(19_444)
    expect(evaluation.said).toEqual([])
  })
})
