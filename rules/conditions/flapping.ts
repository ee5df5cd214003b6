import { z } from 'zod'
import { isRuleId } from '../../domain/names.ts'
import type { FlappingCondition } from '../rule.ts'
import { type ConditionKind, type Input, outcomes } from './condition.ts'

/** Comparisons of the last 21 states. */
const comparisons = 20

/**
 * Nagios weighs the comparisons from 0.8 (oldest) to 1.2 (newest) in equal steps: 38/47.5 … 57/47.5, 20 in all. In whole
 * numbers (38 … 57, 950 in all) the share is exact at its limits.
 */
const newestWeight = 57
const weightOfAll = 950

export interface FlappingState {
  /** The last 21 states, the newest in the lowest bit; null before the first. */
  states: number | null
  share: number
}

const share = z.number().min(0).max(1)

/** State that changes too often: docs/RULES.md, "flapping". */
export const flapping: ConditionKind<FlappingCondition, FlappingState> = {
  schema: z
    .strictObject({
      kind: z.literal('flapping'),
      of: z.union(
        [
          z.literal('connection'),
          z.strictObject({ rule: z.string().refine(isRuleId, 'expected ^[a-z0-9][a-z0-9-]{0,63}$') }),
        ],
        'expected "connection", or {"rule": id}',
      ),
      // The share is at most 1, so one over 1 can never be.
      above: z.number().min(0).lt(1).default(0.5),
      clear: share.default(0.25),
    })
    .refine(({ above, clear }) => clear <= above, { path: ['clear'], error: 'must not be above the limit' }),
  reads: () => [],
  compile: ({ of, above, clear }) => {
    const ofConnection = of === 'connection'
    const isOn = ofConnection
      ? (input: Input) => input.kind !== 'disconnected'
      : (input: Input) => input.isActive(of.rule)
    return {
      metrics: new Set(),
      everyReading: ofConnection,
      onConnection: ofConnection,
      windows: [],
      threshold: above,
      initial: () => ({ states: null, share: 0 }),
      step: (state, input) => {
        const on = isOn(input) ? 1 : 0
        // States that are missing are no change: they are taken to be like the first.
        const before = state.states ?? (on === 1 ? -1 : 0)
        state.states = ((before << 1) | on) & ((1 << (comparisons + 1)) - 1)
        state.share = shareOfChanges(state.states)
        if (state.share > above) return outcomes.met
        return state.share < clear ? outcomes.cleared : outcomes.between
      },
      value: (state) => state.share,
    }
  },
}

function shareOfChanges(states: number): number {
  let changes = (states ^ (states >> 1)) & ((1 << comparisons) - 1)
  let sum = 0
  for (let age = 0; changes !== 0; age++, changes >>= 1) if ((changes & 1) === 1) sum += newestWeight - age
  return sum / weightOfAll
}
