import { z } from 'zod'
import type { Condition, SequenceCondition } from '../rule.ts'
import { type ConditionKind, outcomes } from './condition.ts'
import { duration } from './fields.ts'
import { deadlineOf, Inner, type InnerState, needsOf } from './inner.ts'

export interface SequenceState {
  /** One for each step. */
  inner: InnerState[]
  /** For each step but the last, the latest time at which the steps up to it can have been completed; null when they cannot. */
  completed: (number | null)[]
}

/** Steps in order, each soon enough after the one before: docs/RULES.md, "sequence". */
export const sequence = (inner: z.ZodType<Condition>): ConditionKind<SequenceCondition, SequenceState> => ({
  schema: z.strictObject({
    kind: z.literal('sequence'),
    steps: z
      .array(z.strictObject({ when: inner, within: duration.optional() }))
      .min(2)
      .max(10)
      .superRefine((steps, context) => {
        if (steps[0]?.within === undefined) return
        const message = 'the first step follows nothing: only later ones have within'
        context.addIssue({ code: 'custom', path: [0, 'within'], message })
      }),
  }),
  reads: () => [],
  inner: ({ steps }) => steps.map(({ when }, i) => ({ path: ['steps', i, 'when'], condition: when })),
  compile: ({ steps }, context) => {
    const inners = steps.map(({ when }) => new Inner(context.compile(when)))
    const withinMs = steps.map(({ within }) =>
      within === undefined ? Number.POSITIVE_INFINITY : context.duration(within),
    )
    const last = inners.at(-1)!.condition
    const lastMetrics = [...last.metrics]
    return {
      ...needsOf(inners),
      ...deadlineOf<SequenceState>(inners, (state) => state.inner),
      threshold: last.threshold,
      initial: (beginning) => ({
        inner: inners.map((one) => one.initial(beginning)),
        completed: inners.slice(1).map(() => null),
      }),
      step: (state, input) => {
        for (let i = 0; i < inners.length; i++) state.inner[i] = inners[i]!.step(state.inner[i]!, input)
        return advance(state, withinMs, input.time) ? outcomes.met : outcomes.cleared
      },
      value: (_state, input) => {
        for (const metric of lastMetrics) if (input.value(metric) !== undefined) return input.value(metric)
        return undefined
      },
    }
  },
})

/**
 * Whether the input completes the last step. From last to first, so that one reading serves one step; of the ways in which the
 * steps up to one can have been completed the latest leaves most time for the next, so it stands for all.
 */
function advance({ inner, completed }: SequenceState, withinMs: readonly number[], time: number): boolean {
  for (let i = inner.length - 1; i > 0; i--) {
    const before = completed[i - 1]!
    if (!inner[i]!.holds || before === null || time - before > withinMs[i]!) continue
    if (i === inner.length - 1) {
      completed.fill(null)
      return true
    }
    completed[i] = time
  }
  if (inner[0]!.holds) completed[0] = time
  return false
}
