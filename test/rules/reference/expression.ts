import type { ExpressionCondition } from '../../../rules/rule.ts'
import { evaluateCel, namesIn, parseCel } from './cel.ts'
import { type Judge, metIf, msOf, unknown } from './judgement.ts'

export const expression: Judge<ExpressionCondition> = ({ cel, maxAge }, seen, { labels }) => {
  const parsed = parseCel(cel)
  const names = namesIn(cel)
  const maxAgeMs = maxAge === undefined ? Number.POSITIVE_INFINITY : msOf(maxAge, labels)
  return seen.map((one, i) => {
    const newest = names.map((name) =>
      seen.slice(0, i + 1).findLast((other) => other.values[name] !== undefined),
    )
    if (newest.some((other) => other === undefined || one.ts - other.ts > maxAgeMs)) return unknown
    const values = Object.fromEntries(names.map((name, n) => [name, newest[n]!.values[name]!]))
    const result = evaluateCel(parsed, { values: { ...values, device: one.device }, labels })
    if (typeof result !== 'boolean') return unknown
    return metIf(result, one.values[names.find((name) => one.values[name] !== undefined)!])
  })
}
