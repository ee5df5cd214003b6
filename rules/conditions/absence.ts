import { z } from 'zod'
import { type Arrivals, gapsMax, usualInterval } from '../arrivals.ts'
import type { AbsenceCondition } from '../rule.ts'
import { type CompiledCondition, type ConditionKind, outcomes } from './condition.ts'
import { metric, positiveDuration } from './fields.ts'

interface AbsenceState extends Arrivals {
  /** Event time of the newest reading; before there is one, that at which the rule began for the device. */
  last: number
  readonly gaps: number[]
  isAbsent: boolean
  /** How long it had been silent at the newest input. */
  silentMs: number
  /** False until the first reading: the beginning makes no gap. */
  isHeard: boolean
}

/** No reading for longer than a limit, on the device's clock: docs/RULES.md, "absence". */
export const absence: ConditionKind<AbsenceCondition, AbsenceState> = {
  schema: z.strictObject({
    kind: z.literal('absence'),
    metric: metric.optional(),
    longerThan: z.union(
      [positiveDuration, z.strictObject({ intervals: z.number().positive().max(1_000) })],
      'expected a duration such as 10m, or {"intervals": 3}',
    ),
  }),
  reads: ({ metric }) => (metric === undefined ? [] : [{ path: ['metric'], metric }]),
  compile: ({ metric, longerThan }, context): CompiledCondition<AbsenceState> => {
    const isFixed = typeof longerThan === 'string' || 'label' in longerThan
    const fixedMs = isFixed ? context.duration(longerThan) : 0
    const limitMs = (state: AbsenceState): number => {
      if (isFixed) return fixedMs
      const usualMs = usualInterval(state.gaps) ?? context.expectedIntervalMs
      return usualMs === undefined ? Number.POSITIVE_INFINITY : usualMs * longerThan.intervals
    }
    return {
      metrics: new Set(metric === undefined ? [] : [metric]),
      everyReading: metric === undefined,
      windows: [],
      threshold: fixedMs / 1000,
      initial: ({ beganAt }) => ({
        last: beganAt,
        gaps: [],
        isAbsent: false,
        silentMs: 0,
        isHeard: false,
      }),
      step: (state, input) => {
        state.silentMs = input.time - state.last
        if (input.kind === 'reading') {
          if (!isFixed) noteGap(state, input.time)
          state.last = input.time
          state.isHeard = true
          state.isAbsent = false
        } else if (input.kind === 'tick' && input.time >= state.last + limitMs(state)) state.isAbsent = true
        return state.isAbsent ? outcomes.met : outcomes.cleared
      },
      value: (state) => state.silentMs / 1000,
      ...(isFixed ? {} : { thresholdOf: (state: AbsenceState) => limitMs(state) / 1000 }),
      deadline: (state) => (state.isAbsent ? Number.POSITIVE_INFINITY : state.last + limitMs(state)),
    }
  },
}

function noteGap(state: AbsenceState, time: number): void {
  const gapMs = time - state.last
  if (!state.isHeard || gapMs <= 0) return
  state.gaps.push(gapMs)
  if (state.gaps.length > gapsMax) state.gaps.shift()
}
