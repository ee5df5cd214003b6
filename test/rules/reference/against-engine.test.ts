import fc from 'fast-check'
import { expect, test } from 'vitest'
import { tellFigures } from '../../support/figures.ts'
import { newSeed, sizeOf } from '../../support/promises.ts'
import { engineOf, play, transitionsOf } from './against-engine.ts'
import { kinds } from './arbitrary-rules.ts'
import { reference } from './reference.ts'
import type { Transition } from './world.ts'

const numRuns = sizeOf('TIDEMARK_CASES')

function close(given: Transition['value'], wanted: Transition['value']): boolean {
  const [a, b] = [given, wanted].map((value) => (typeof value === 'boolean' ? Number(value) : value))
  if (typeof a !== 'number' || typeof b !== 'number') return a === b
  return a === b || Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b))
}

test.each(kinds)(
  '$name: random rules over random readings have the transitions of the page',
  ({ name, cases }) => {
    const seed = newSeed()
    let transitions = 0
    fc.assert(
      fc.property(cases, ({ rule, readings, world }) => {
        const engine = engineOf(rule, readings, world)
        play(engine, readings, world)
        const wanted = reference(rule, readings, world)
        const found = transitionsOf(rule, engine.occurrences)
        transitions += wanted.length
        const without = (list: readonly Transition[]) => list.map(({ value: _, ...rest }) => rest)
        expect(without(found)).toEqual(without(wanted))
        found.forEach(({ value }, i) => {
          if (!close(value, wanted[i]!.value)) expect({ i, value }).toEqual({ i, value: wanted[i]!.value })
        })
      }),
      { numRuns, seed },
    )
    tellFigures({ kind: name, seed, cases: numRuns, transitions })
    expect(transitions).toBeGreaterThan(numRuns / 20)
  },
  Math.max(120_000, numRuns * 60),
)
