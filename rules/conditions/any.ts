import { z } from 'zod'
import type { AnyCondition, Condition } from '../rule.ts'
import { innerMax } from './all.ts'
import { type ConditionKind, type Outcome, outcomes } from './condition.ts'
import { deadlineOf, type FirstReached, Inner, needsOf, reportOfFirst, stepAll } from './inner.ts'

/** Holds when one of its inner conditions does: docs/RULES.md, "all, any, not". */
export const any = (inner: z.ZodType<Condition>): ConditionKind<AnyCondition, FirstReached> => ({
  schema: z.strictObject({ kind: z.literal('any'), of: z.array(inner).min(1).max(innerMax) }),
  reads: () => [],
  inner: ({ of }) => of.map((condition, i) => ({ path: ['of', i], condition })),
  compile: ({ of }, context) => {
    const inners = of.map((condition) => new Inner(context.compile(condition)))
    return {
      ...needsOf(inners),
      ...reportOfFirst(inners),
      ...deadlineOf<FirstReached>(inners, (state) => state.inner),
      initial: (beginning) => ({ inner: inners.map((one) => one.initial(beginning)), first: 0 }),
      step: (state, input) => {
        stepAll(inners, state, input)
        // Met outweighs between, that cleared, that unknown: the greatest of them.
        let outcome: Outcome = outcomes.unknown
        for (const one of state.inner) if (one.outcome > outcome) outcome = one.outcome
        return outcome
      },
    }
  },
})
