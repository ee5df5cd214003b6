import type { Condition } from '../../../rules/rule.ts'
import { aggregate, counter, rate, stuck, threshold } from './comparisons.ts'
import { absence, cumulative, flapping, inverseTime, share } from './durations.ts'
import { expression } from './expression.ts'
import type { Judge } from './judgement.ts'
import { baseline, trend } from './learned.ts'
import { all, any, not, repeated, sequence } from './logic.ts'
import { group, peers } from './many-devices.ts'
import { score } from './score.ts'

type Judges = { readonly [K in Condition['kind']]: Judge<Extract<Condition, { kind: K }>> }

const judges: Judges = {
  threshold,
  rate,
  aggregate,
  share,
  cumulative,
  'inverse-time': inverseTime,
  absence,
  stuck,
  counter,
  score,
  baseline,
  trend,
  peers,
  flapping,
  sequence,
  all,
  any,
  not,
  repeated,
  group,
  expression,
}

/** Judges all that reached a condition. An outcome `unknown` has no value. */
export const judge: Judge<Condition> = (condition, seen, scope) =>
  (judges[condition.kind] as Judge<Condition>)(condition, seen, scope).map(({ outcome, value }) => ({
    outcome,
    value: outcome === 'unknown' ? undefined : value,
  }))
