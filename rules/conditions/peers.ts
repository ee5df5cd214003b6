import { z } from 'zod'
import { isLabelName } from '../../domain/names.ts'
import type { PeersCondition } from '../rule.ts'
import { type CompiledCondition, type ConditionKind, type Outcome, outcomes } from './condition.ts'
import { duration, metric } from './fields.ts'
import { medianOf } from './median.ts'

/** The newest value of a member. */
export interface PeerState {
  time: number
  /** None before the first reading. */
  value: number | null
}

/** A member's own part of the condition. */
export interface PeerValue extends CompiledCondition<PeerState> {
  readonly maxAgeMs: number
}

/**
 * Unlike the devices of the same label: docs/RULES.md, "peers". What is compiled keeps a member's newest value; cohort.ts
 * compares.
 */
export const peers: ConditionKind<PeersCondition, PeerState> = {
  schema: z.strictObject({
    kind: z.literal('peers'),
    metric,
    by: z.string().refine(isLabelName, 'not a label name'),
    k: z.number().positive().max(1_000).default(4),
    minPeers: z.int().min(1).max(10_000).default(5),
    maxAge: duration.default('15m'),
    minSpread: z.number().min(0).default(0),
  }) as unknown as z.ZodType<PeersCondition>,
  reads: ({ metric }) => [{ path: ['metric'], metric }],
  compile: ({ metric, maxAge }, context): PeerValue => ({
    maxAgeMs: context.duration(maxAge),
    metrics: new Set([metric]),
    windows: [],
    threshold: 0,
    initial: () => ({ time: 0, value: null }),
    step: (state, input) => {
      const value = input.number(metric)
      if (value !== undefined) {
        state.time = input.time
        state.value = value
      }
      return outcomes.unknown
    },
    value: (_state, input) => input.value(metric),
  }),
}

/** The nearer edge of what is usual among the others. */
export interface PeerEdge {
  edge: number
}

/**
 * What `own` is against the first `count` of `others`, the values of the others; it overwrites them, and notes the edge in `judged`
 * (NaN where there are too few).
 */
export function judgePeer(
  { k, minPeers, minSpread }: PeersCondition,
  own: number,
  others: Float64Array,
  count: number,
  judged: PeerEdge,
): Outcome {
  judged.edge = Number.NaN
  if (count < minPeers) return outcomes.unknown
  const middle = medianOf(others, count)
  for (let i = 0; i < count; i++) others[i] = Math.abs(others[i]! - middle)
  const allowed = k * Math.max(medianOf(others, count), minSpread)
  judged.edge = middle + Math.sign(own - middle) * allowed
  return Math.abs(own - middle) > allowed ? outcomes.met : outcomes.cleared
}
