import { z } from 'zod'
import type { Condition, NotCondition } from '../rule.ts'
import { type ConditionKind, outcomes } from './condition.ts'
import { deadlineOf, type FirstReached, Inner, needsOf, reportOfFirst, stepAll } from './inner.ts'

/** Holds while its inner condition does not: docs/RULES.md, "all, any, not". */
export const not = (inner: z.ZodType<Condition>): ConditionKind<NotCondition, FirstReached> => ({
  schema: z.strictObject({ kind: z.literal('not'), of: inner }),
  reads: () => [],
  inner: ({ of }) => [{ path: ['of'], condition: of }],
  compile: ({ of }, context) => {
    const inners = [new Inner(context.compile(of))]
    return {
      ...needsOf(inners),
      ...reportOfFirst(inners),
      ...deadlineOf<FirstReached>(inners, (state) => state.inner),
      initial: (beginning) => ({ inner: [inners[0]!.initial(beginning)], first: 0 }),
      step: (state, input) => {
        stepAll(inners, state, input)
        const { outcome, holds } = state.inner[0]!
        if (outcome === outcomes.unknown) return outcomes.unknown
        return holds ? outcomes.cleared : outcomes.met
      },
    }
  },
})
