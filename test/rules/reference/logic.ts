import type { AllCondition, AnyCondition, NotCondition, SequenceCondition } from '../../../rules/rule.ts'
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
