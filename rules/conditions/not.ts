import { z } from 'zod'
import type { Condition, NotCondition } from '../rule.ts'
import { type ConditionKind, outcomes } from './condition.ts'
import { combined, type FirstReached } from './inner.ts'

/** Holds while its inner condition does not: docs/RULES.md, "all, any, not". */
export const not = (inner: z.ZodType<Condition>): ConditionKind<NotCondition, FirstReached> => ({
  schema: z.strictObject({ kind: z.literal('not'), of: inner }),
  reads: () => [],
  inner: ({ of }) => [{ path: ['of'], condition: of }],
  compile: ({ of }, context) =>
    combined([of], context, ([inner]) => {
      const { outcome, holds } = inner!
      if (outcome === outcomes.unknown) return outcomes.unknown
      return holds ? outcomes.cleared : outcomes.met
    }),
})
