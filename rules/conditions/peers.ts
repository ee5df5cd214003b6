import { z } from 'zod'
import { isLabelName } from '../../domain/names.ts'
import type { PeersCondition } from '../rule.ts'
import { type CompiledCondition, type ConditionKind, type Outcome, outcomes } from './condition.ts'
import { duration, metric } from './fields.ts'

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

/** What `own` is against the values of the others, and the nearer edge of what is usual among them. */
export function judgePeer(
  { k, minPeers, minSpread }: PeersCondition,
  own: number,
  others: Float64Array,
): { readonly outcome: Outcome; readonly edge: number } {
  if (others.length < minPeers) return { outcome: outcomes.unknown, edge: Number.NaN }
  const middle = median(others)
  const deviation = median(others.map((other) => Math.abs(other - middle)))
  const edge = middle + Math.sign(own - middle) * k * Math.max(deviation, minSpread)
  const isFar = Math.abs(own - middle) > k * Math.max(deviation, minSpread)
  return { outcome: isFar ? outcomes.met : outcomes.cleared, edge }
}

/** Of an even number the mean of the middle two. */
function median(values: Float64Array): number {
  const sorted = values.slice().sort()
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
