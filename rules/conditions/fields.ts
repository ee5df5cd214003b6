import { z } from 'zod'
import { durationMs } from '../../domain/duration.ts'
import { isLabelName, isMetricName } from '../../domain/names.ts'
import { atMost, ruleLimits } from '../rule-limits.ts'

/** Fields that several kinds of condition have. */

export const metric = z.string().refine((name) => isMetricName(name), 'not a metric name')

const label = z.string().refine(isLabelName, 'not a label name')

export const limit = z.union(
  [z.number(), z.strictObject({ label, default: z.number() })],
  'expected a number, or {"label": …, "default": number}',
)

const durationMsMax = ruleLimits.durationDaysMax * 86_400_000

const durationText = z
  .string()
  .refine((text) => durationMs(text) !== undefined, 'expected a duration such as 30s, 15m, 2h, 7d')
  .refine((text) => (durationMs(text) ?? 0) <= durationMsMax, atMost('durationDaysMax', 'days'))

/** May be zero. */
export const duration = z.union(
  [durationText, z.strictObject({ label, default: durationText })],
  'expected a duration such as 30s, 15m, 2h, 7d, or {"label": …, "default": "15m"}',
)

type GivenDuration = z.output<typeof duration>

export const positiveDuration = duration.refine(
  (given: GivenDuration) => durationMs(typeof given === 'string' ? given : given.default) !== 0,
  'must be longer than zero',
)

/** Adds a problem for each of `names` beyond the first that is given, or one when none is. */
export function exactlyOneOf<T extends object>(names: readonly (keyof T & string)[]) {
  return (given: T, context: z.core.$RefinementCtx): void => {
    const found = names.filter((name) => given[name] !== undefined)
    const problem = (path: string[], message: string) =>
      context.issues.push({ code: 'custom', path, message, input: given })
    if (found.length === 0) problem([], `expected one of ${names.join(', ')}`)
    for (const extra of found.slice(1)) problem([extra], `cannot stand beside ${found[0]}: give exactly one`)
  }
}
