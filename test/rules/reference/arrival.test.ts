import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { EventRecord } from '../../../domain/event.ts'
import type { Rule } from '../../../rules/rule.ts'
import { tellFigures } from '../../support/figures.ts'
import { newSeed, sizeOf } from '../../support/promises.ts'
import type { Evaluation, Given } from '../evaluation.ts'
import { engineOf, givenOf } from './against-engine.ts'
import { arrivals } from './arbitrary-readings.ts'
import { type Case, kinds } from './arbitrary-rules.ts'
import { msOf } from './judgement.ts'
import type { GivenReading, World } from './world.ts'

const numRuns = sizeOf('TIDEMARK_CASES')

/** What comes between two readings: nothing, the end of a batch, or a restart after it. */
const cuts = fc.array(fc.constantFrom('none', 'none', 'batch', 'restart'), { minLength: 60, maxLength: 60 })

/** The case with readings in order of time, one for each time and device, and an order of arrival within the rule's `wait`. */
function withArrivals({ rule: drawn, readings, world }: Case) {
  const sorted = readings.toSorted((a, b) => a.ts - b.ts)
  const waitMs = msOf(drawn.wait)
  // Which of two readings of one time counts is decided by the order of arrival; that of a suppressing rule, by its own wait.
  const distinct = sorted.filter(
    ({ ts, device }, i) => sorted.findIndex((other) => other.ts === ts && other.device === device) === i,
  )
  const rule: Rule = waitMs === 0 ? drawn : { ...drawn, suppressedBy: [] }
  const kept = waitMs === 0 ? sorted : distinct
  const order = waitMs === 0 ? fc.constant(kept) : arrivals(kept, waitMs)
  return fc.record({ rule: fc.constant(rule), sorted: fc.constant(kept), order, world: fc.constant(world) })
}

const cases = fc
  .oneof(...kinds.map(({ cases }) => cases))
  .filter(({ world }) => (world.connections ?? []).length === 0)
  .chain(withArrivals)

/** Everything arrives at one moment of the wall clock, so that only readings move the clocks of devices. */
function eventsOf(
  rule: Rule,
  readings: readonly GivenReading[],
  world: World,
  cutsBetween: readonly string[],
): EventRecord[] {
  const engine: Evaluation = engineOf(rule, readings, world)
  let batch: Given[] = []
  readings.forEach((reading, i) => {
    batch.push(givenOf(reading))
    if (cutsBetween[i] === 'none') return
    engine.giveAt(0, ...batch)
    batch = []
    if (cutsBetween[i] === 'restart') engine.restart()
  })
  if (batch.length > 0) engine.giveAt(0, ...batch)
  return engine.events
    .filter(({ data }) => data.rule === rule.id)
    .toSorted((a, b) => (a.subject < b.subject ? -1 : a.subject > b.subject ? 1 : 0))
}

const whole: readonly string[] = Array(200).fill('batch')

test(
  'any order within wait, any batches and restarts anywhere give the same events with the same ids',
  () => {
    const seed = newSeed()
    let events = 0
    fc.assert(
      fc.property(cases, cuts, ({ rule, sorted, order, world }, between) => {
        const wanted = eventsOf(rule, sorted, world, whole)
        events += wanted.length
        expect(eventsOf(rule, order, world, between)).toEqual(wanted)
        expect(new Set(wanted.map(({ id }) => id)).size).toBe(wanted.length)
      }),
      { numRuns, seed },
    )
    tellFigures({ seed, cases: numRuns, events })
    expect(events).toBeGreaterThan(numRuns / 4)
  },
  Math.max(120_000, numRuns * 60),
)
