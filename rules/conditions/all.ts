import { z } from 'zod'
import type { AllCondition, Condition } from '../rule.ts'
import { type ConditionKind, type Outcome, outcomes } from './condition.ts'
import { combined, type FirstReached } from './inner.ts'

/** Of `all` and `any`. */
export const innerMax = 20

/** Holds when all of its inner conditions do: docs/RULES.md, "all, any, not". */
export const all = (inner: z.ZodType<Condition>): ConditionKind<AllCondition, FirstReached> => ({
  schema: z.strictObject({ kind: z.literal('all'), of: z.array(inner).min(1).max(innerMax) }),
  reads: () => [],
  inner: ({ of }) => of.map((condition, i) => ({ path: ['of', i], condition })),
  compile: ({ of }, context) =>
    combined(of, context, (states) => {
      // From met over between to unknown each outweighs those before it; cleared outweighs them all.
      let outcome: Outcome = outcomes.met
      for (const one of states) {
        if (one.outcome === outcomes.cleared) return outcomes.cleared
        if (one.outcome < outcome) outcome = one.outcome
      }
      return outcome
    }),
})
