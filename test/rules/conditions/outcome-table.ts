import type { outcomes } from '../../../rules/conditions/condition.ts'
import type { Condition } from '../../../rules/rule.ts'
import type { GivenReading } from './drive.ts'

export type OutcomeName = keyof typeof outcomes

/** What `above: 8, clear: 7` says of each value; of no value, that nothing is known. */
const valueFor: Readonly<Record<OutcomeName, number | undefined>> = {
  met: 9,
  between: 7.5,
  cleared: 6,
  unknown: undefined,
}

/** Every row of `length` outcomes. */
export function combinations(length: number): OutcomeName[][] {
  if (length === 0) return [[]]
  const names = Object.keys(valueFor) as OutcomeName[]
  return names.flatMap((name) => combinations(length - 1).map((rest) => [name, ...rest]))
}

/** Conditions on the metrics m0, m1, …. */
export function thresholds(length: number): Condition[] {
  return Array.from({ length }, (_, i) => ({ kind: 'threshold', metric: `m${i}`, above: 8, clear: 7 }))
}

/** A reading to which the condition on each of these metrics answers with these outcomes. */
export function readingFor(row: readonly OutcomeName[]): GivenReading {
  const values: Record<string, number> = {}
  for (const [i, name] of row.entries()) {
    const value = valueFor[name]
    if (value !== undefined) values[`m${i}`] = value
  }
  return { ts: 0, values }
}
