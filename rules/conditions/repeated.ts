import { z } from 'zod'
import type { Condition, RepeatedCondition } from '../rule.ts'
import { type ConditionKind, type Outcome, outcomes } from './condition.ts'
import { duration } from './fields.ts'
import { combined, type FirstReached } from './inner.ts'

export interface RepeatedState extends FirstReached {
  /** Readings of different times in a row at which the inner condition was met, up to `times`. */
  count: number
  /** Times of the first and the newest of them; of no account while there is none. */
  since: number
  newest: number
}

/** Several readings in a row that say the same, for one may be wrong: docs/RULES.md, "repeated". */
export const repeated = (inner: z.ZodType<Condition>): ConditionKind<RepeatedCondition, RepeatedState> => ({
  schema: z.strictObject({
    kind: z.literal('repeated'),
    of: inner,
    times: z.int().min(2).max(1_000),
    for: duration.default('0s'),
    within: duration.optional(),
  }),
  reads: () => [],
  inner: ({ of }) => [{ path: ['of'], condition: of }],
  compile: ({ of, times, for: forDuration, within }, context) => {
    const forMs = context.duration(forDuration)
    const withinMs = within === undefined ? Number.POSITIVE_INFINITY : context.duration(within)
    // What it needs, reports and asks of the clock is what the inner condition does.
    const one = combined([of], context, ([state]) => state!.outcome)
    let hasChanged = false
    return {
      ...one,
      initial: (beginning) => {
        // Not by a spread: see `Instance`.
        const { inner, first } = one.initial(beginning)
        return { inner, first, count: 0, since: 0, newest: 0 }
      },
      step: (state, input) => {
        const { count, newest } = state
        const outcome = one.step(state, input)
        if (input.time - state.newest > withinMs) state.count = 0
        note(state, outcome, input.time, times)
        hasChanged = one.hasChanged!() || state.count !== count || state.newest !== newest
        if (outcome !== outcomes.met) return outcome
        return state.count === times && input.time - state.since >= forMs ? outcomes.met : outcomes.between
      },
      hasChanged: () => hasChanged,
    }
  },
})

/** Of two readings of one time the later may end the row, but adds nothing to it. */
function note(state: RepeatedState, outcome: Outcome, time: number, times: number): void {
  if (outcome === outcomes.unknown) return
  if (outcome !== outcomes.met) {
    state.count = 0
  } else if (state.count === 0) {
    state.count = 1
    state.since = time
    state.newest = time
  } else if (time > state.newest) {
    state.count = Math.min(state.count + 1, times)
    state.newest = time
  }
}
