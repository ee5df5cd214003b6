import { z } from 'zod'
import type { Condition, CumulativeCondition } from '../rule.ts'
import { type ConditionKind, outcomes } from './condition.ts'
import { duration } from './fields.ts'
import { deadlineOf, Inner, type InnerState, needsOf } from './inner.ts'

export interface CumulativeState {
  /** Of `of` and, where it is given, of `reset`. */
  inner: InnerState[]
  sumMs: number
  /** Time of the newest input, up to which the sum counts; null before the first. */
  countedTo: number | null
}

/** How long the inner condition held in all: docs/RULES.md, "cumulative". */
export const cumulative = (
  inner: z.ZodType<Condition>,
): ConditionKind<CumulativeCondition, CumulativeState> => ({
  schema: z.strictObject({
    kind: z.literal('cumulative'),
    of: inner,
    longerThan: duration,
    reset: inner.optional(),
  }),
  reads: () => [],
  inner: ({ of, reset }) => [
    { path: ['of'], condition: of },
    ...(reset === undefined ? [] : [{ path: ['reset'], condition: reset }]),
  ],
  compile: ({ of, longerThan, reset }, context) => {
    const inners = [of, ...(reset === undefined ? [] : [reset])].map(
      (condition) => new Inner(context.compile(condition)),
    )
    const longerThanMs = context.duration(longerThan)
    return {
      ...needsOf(inners),
      ...deadlineOf<CumulativeState>(inners, (state) => state.inner),
      threshold: longerThanMs / 1000,
      initial: (beginning) => ({
        inner: inners.map((one) => one.initial(beginning)),
        sumMs: 0,
        countedTo: null,
      }),
      step: (state, input) => {
        const isResetBefore = state.inner[1]?.holds === true
        if (state.inner[0]!.holds && !isResetBefore)
          state.sumMs += input.time - (state.countedTo ?? input.time)
        state.countedTo = input.time
        for (let i = 0; i < inners.length; i++) state.inner[i] = inners[i]!.step(state.inner[i]!, input)
        if (state.inner[1]?.holds === true) state.sumMs = 0
        return state.sumMs > longerThanMs ? outcomes.met : outcomes.cleared
      },
      value: ({ sumMs }) => sumMs / 1000,
    }
  },
})
