import type {
  AllCondition,
  AnyCondition,
  NotCondition,
  RepeatedCondition,
  SequenceCondition,
} from '../../../rules/rule.ts'
import { innerOf, metricsOf } from './inner.ts'
import { type Judge, type Judgement, metIf, msOf } from './judgement.ts'

type Outcome = Judgement['outcome']

function combined(order: readonly Outcome[]): Judge<AllCondition | AnyCondition> {
  return ({ of }, seen, scope) => {
    const inners = of.map((condition) => innerOf(condition, seen, scope))
    return seen.map((_, i) => {
      const now = inners.map((inner) => inner[i]!)
      const outcome = order.find((name) => now.some(({ judgement }) => judgement.outcome === name))!
      return { outcome, value: now.find(({ reached }) => reached)?.judgement.value }
    })
  }
}

export const all: Judge<AllCondition> = (condition, ...rest) =>
  combined(['cleared', 'unknown', 'between', 'met'])(condition, ...rest)

export const any: Judge<AnyCondition> = (condition, ...rest) =>
  combined(['met', 'between', 'cleared', 'unknown'])(condition, ...rest)

export const not: Judge<NotCondition> = ({ of }, seen, scope) =>
  innerOf(of, seen, scope).map(({ judgement, holds }) =>
    judgement.outcome === 'unknown' ? judgement : metIf(!holds, judgement.value),
  )

export const repeated: Judge<RepeatedCondition> = (condition, seen, scope) => {
  const { of, times, for: lasting, within } = condition
  const withinMs = within === undefined ? Number.POSITIVE_INFINITY : msOf(within, scope.labels)
  const inners = innerOf(of, seen, scope).map(({ judgement }) => judgement)
  return inners.map((judgement, i) => {
    if (judgement.outcome !== 'met') return judgement
    const before = inners.slice(0, i).findLastIndex(({ outcome }) => !['met', 'unknown'].includes(outcome))
    const met = seen
      .filter((_, j) => j > before && j <= i && inners[j]!.outcome === 'met')
      .map(({ ts }) => ts)
    const gap = met.findLastIndex((ts, j) => j > 0 && ts - met[j - 1]! > withinMs)
    const row = met.slice(Math.max(gap, 0))
    const isLong = seen[i]!.ts - row[0]! >= msOf(lasting, scope.labels)
    return { ...judgement, outcome: isLong && new Set(row).size >= times ? 'met' : 'between' }
  })
}

export const sequence: Judge<SequenceCondition> = ({ steps }, seen, scope) => {
  const holds = steps.map(({ when }) => innerOf(when, seen, scope).map((inner) => inner.holds))
  const withinMs = steps.map(({ within }) =>
    within === undefined ? Number.POSITIVE_INFINITY : msOf(within, scope.labels),
  )
  /** Whether steps 0 … `step` can end with `step` at reading `i`, no reading before `first` serving any. */
  const canEnd = (step: number, i: number, first: number): boolean => {
    if (!holds[step]![i]) return false
    if (step === 0) return true
    for (let before = first; before < i; before++) {
      if (seen[i]!.ts - seen[before]!.ts <= withinMs[step]! && canEnd(step - 1, before, first)) return true
    }
    return false
  }
  const valued = metricsOf(steps.at(-1)!.when)
  let first = 0
  return seen.map(({ values }, i) => {
    const met = canEnd(steps.length - 1, i, first)
    if (met) first = i + 1
    const metric = valued.find((name) => values[name] !== undefined)
    return metIf(met, metric === undefined ? undefined : values[metric])
  })
}
