import { z } from 'zod'
import { isLabelName } from '../../domain/names.ts'
import type { Condition, GroupCondition } from '../rule.ts'
import { type ConditionKind, type Outcome, outcomes } from './condition.ts'
import { exactlyOneOf } from './fields.ts'

const fields = (inner: z.ZodType<Condition>) =>
  z.strictObject({
    kind: z.literal('group'),
    of: inner,
    by: z.string().refine(isLabelName, 'not a label name').optional(),
    atLeast: z.int().min(1).max(1_000_000).optional(),
    share: z.number().min(0).lt(1).optional(),
  })

/**
 * Enough devices of a group meet the inner condition: docs/RULES.md, "group". What is compiled is the condition of a member;
 * cohort.ts counts.
 */
export const group = (inner: z.ZodType<Condition>): ConditionKind<GroupCondition> => ({
  schema: fields(inner).superRefine((given, context) =>
    exactlyOneOf<typeof given>(['atLeast', 'share'])(given, context),
  ),
  reads: () => [],
  inner: ({ of }) => [{ path: ['of'], condition: of }],
  compile: ({ of }, context) => context.compile(of),
})

/** `holding` of `size` devices meet the inner condition. */
export function judgeGroup({ atLeast, share }: GroupCondition, holding: number, size: number): Outcome {
  const isMet = atLeast === undefined ? size > 0 && holding / size > share! : holding >= atLeast
  return isMet ? outcomes.met : outcomes.cleared
}
