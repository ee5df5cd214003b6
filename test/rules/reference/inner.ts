import type { AbsenceCondition, Condition } from '../../../rules/rule.ts'
import { namesIn } from './cel.ts'
import { type Judgement, type Scope, type Seen, unknown } from './judgement.ts'
import { news2Metrics } from './score.ts'

/** The inner condition after one thing that its parent has seen. */
export interface Inner {
  readonly reached: boolean
  readonly judgement: Judgement
  /** From a reading at which it is `met` until one at which it is `cleared`. */
  readonly holds: boolean
}

/** How an inner condition stands after each of what its parent has seen. */
export function innerOf(condition: Condition, seen: readonly Seen[], scope: Scope): Inner[] {
  const isReached = seen.map((one) => reaches(condition, one, scope))
  const judgements = scope.judge(
    condition,
    seen.filter((_, i) => isReached[i]),
    scope,
  )
  return seen.map((_, i) => {
    const soFar = judgements.slice(0, isReached.slice(0, i + 1).filter((reached) => reached).length)
    const decided = soFar.findLast(({ outcome }) => outcome === 'met' || outcome === 'cleared')
    return {
      reached: isReached[i]!,
      judgement: soFar.at(-1) ?? unknown,
      holds: decided?.outcome === 'met',
    }
  })
}

/** Conditions within a condition, not itself. */
export function partsOf(condition: Condition): readonly Condition[] {
  switch (condition.kind) {
    case 'all':
    case 'any':
      return condition.of
    case 'not':
    case 'repeated':
    case 'share':
    case 'group':
      return [condition.of]
    case 'cumulative':
      return condition.reset === undefined ? [condition.of] : [condition.of, condition.reset]
    case 'sequence':
      return condition.steps.map(({ when }) => when)
    default:
      return []
  }
}

/** Metrics in the order in which the condition names them. */
export function metricsOf(condition: Condition): readonly string[] {
  switch (condition.kind) {
    case 'score':
      return condition.table === 'news2' ? news2Metrics : Object.keys(condition.table)
    case 'expression':
      return namesIn(condition.cel)
    default: {
      const own = 'metric' in condition && condition.metric !== undefined ? [condition.metric] : []
      return [...own, ...partsOf(condition).flatMap(metricsOf)]
    }
  }
}

/** Every `absence` in a condition, itself included. */
export function absencesIn(condition: Condition): readonly AbsenceCondition[] {
  return condition.kind === 'absence' ? [condition] : partsOf(condition).flatMap(absencesIn)
}

/** Whether a condition is judged at what was seen. */
export function reaches(condition: Condition, seen: Seen, scope: Pick<Scope, 'reachesRule'>): boolean {
  if (partsOf(condition).some((part) => reaches(part, seen, scope))) return true
  if (seen.kind === 'tick') return condition.kind === 'absence' && seen.absences!.includes(condition)
  if (condition.kind === 'flapping') {
    return condition.of === 'connection' || scope.reachesRule(condition.of.rule, seen)
  }
  if (seen.kind !== 'reading') return false
  if (condition.kind === 'absence' && condition.metric === undefined) return true
  if (partsOf(condition).length > 0) return false
  return metricsOf(condition).some((metric) => seen.values[metric] !== undefined)
}
