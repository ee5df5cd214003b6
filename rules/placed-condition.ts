import type { Profile } from '../domain/profile.ts'
import { kindOf } from './condition-kinds.ts'
import type { Condition, Rule } from './rule.ts'

/** A condition of a rule and the path in the rule at which it stands. */
export interface PlacedCondition {
  readonly condition: Condition
  readonly path: readonly (string | number)[]
}

/** Profiles of the types that a rule selects, in their order; undefined where a type has none. */
export type SelectedProfiles = readonly (Profile | undefined)[]

/** Every condition of a rule, outer ones first. How deep they stand is bounded before (conditionDepthMax). */
export function conditionsOf({ when }: Pick<Rule, 'when'>): PlacedCondition[] {
  return withInner({ condition: when, path: ['when'] })
}

function withInner(placed: PlacedCondition): PlacedCondition[] {
  const inner = kindOf(placed.condition).inner?.(placed.condition) ?? []
  return [
    placed,
    ...inner.flatMap(({ condition, path }) => withInner({ condition, path: [...placed.path, ...path] })),
  ]
}
