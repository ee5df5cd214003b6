import { z } from 'zod'
import type { AnyCondition, Condition } from '../rule.ts'
import { innerMax } from './all.ts'
import { type ConditionKind, type Outcome, outcomes } from './condition.ts'
import { combined, type FirstReached } from './inner.ts'

/** Holds when one of its inner conditions does: docs/RULES.md, "all, any, not". */
export const any = (inner: z.ZodType<Condition>): ConditionKind<AnyCondition, FirstReached> => ({
  schema: z.strictObject({ kind: z.literal('any'), of: z.array(inner).min(1).max(innerMax) }),
  reads: () => [],
  inner: ({ of }) => of.map((condition, i) => ({ path: ['of', i], condition })),
  compile: ({ of }, context) =>
    combined(of, context, (states) => {
      // Met outweighs between, that cleared, that unknown: the greatest of them.
      let outcome: Outcome = outcomes.unknown
      for (const one of states) if (one.outcome > outcome) outcome = one.outcome
      return outcome
    }),
})
