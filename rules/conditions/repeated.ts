import { z } from 'zod'
import type { Condition, RepeatedCondition } from '../rule.ts'
import { type ConditionKind, type Outcome, outcomes } from './condition.ts'
import { duration } from './fields.ts'
import { deadlineOf, Inner, type InnerState, needsOf, reportOf } from './inner.ts'

export interface RepeatedState {
  inner: InnerState
  /** Of most devices there is none. */
  row: Row | null
}

/** Readings of different times in a row at which the inner condition was met: how many, and the first and the newest time. */
interface Row {
  count: number
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
    const inners = [new Inner(context.compile(of))] as const
    let hasChanged = false
    return {
      ...needsOf(inners),
      ...deadlineOf<RepeatedState>(inners, (state) => [state.inner]),
      ...reportOf<RepeatedState>(
        inners,
        () => 0,
        ({ inner }) => inner,
      ),
      initial: (beginning) => ({ inner: inners[0].initial(beginning), row: null }),
      step: (state, input) => {
        state.inner = inners[0].step(state.inner, input)
        const { outcome } = state.inner
        const { row } = state
        state.row = rowAfter(row, outcome, input.time, withinMs)
        hasChanged = inners[0].hasChanged || state.row !== row
        if (outcome !== outcomes.met) return outcome
        const { count, since } = state.row!
        return count >= times && input.time - since >= forMs ? outcomes.met : outcomes.between
      },
      hasChanged: () => hasChanged,
    }
  },
})

/** Of two readings of one time the later may end the row, but adds nothing to it. */
function rowAfter(row: Row | null, outcome: Outcome, time: number, withinMs: number): Row | null {
  if (outcome === outcomes.unknown) return row
  if (outcome !== outcomes.met) return null
  if (row === null || time - row.newest > withinMs) return { count: 1, since: time, newest: time }
  if (time === row.newest) return row
  return { ...row, count: row.count + 1, newest: time }
}
