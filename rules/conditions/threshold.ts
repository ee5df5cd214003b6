import { z } from 'zod'
import type { Value } from '../../domain/profile.ts'
import type { ThresholdCondition } from '../rule.ts'
import {
  type CompileContext,
  type CompiledCondition,
  type ConditionKind,
  type Outcome,
  outcomes,
} from './condition.ts'
import { exactlyOneOf, limit, metric } from './fields.ts'

export const comparisons = ['above', 'below', 'outside', 'inside', 'equals'] as const

const range = z
  .tuple([z.number(), z.number()], 'expected [low, high]')
  .refine(([low, high]) => low < high, 'the first number must be below the second')

const fields = z.strictObject({
  kind: z.literal('threshold'),
  metric,
  above: limit.optional(),
  below: limit.optional(),
  outside: range.optional(),
  inside: range.optional(),
  equals: z.union([z.number(), z.boolean(), z.string().max(256)]).optional(),
  clear: z
    .union([z.number(), z.tuple([z.number(), z.number()])], 'expected a number or [low, high]')
    .optional(),
})

/** Compared with a limit: docs/RULES.md, "threshold". */
export const threshold: ConditionKind<ThresholdCondition, null> = {
  schema: fields.superRefine((given, context) => {
    exactlyOneOf<typeof given>(comparisons)(given, context)
    const detail = clearProblem(given)
    if (detail !== undefined) context.addIssue({ code: 'custom', path: ['clear'], message: detail })
  }),
  reads: ({ metric }) => [{ path: ['metric'], metric }],
  compile: (condition, context) => {
    const { metric, inside, equals } = condition
    const interval = quietInterval(condition, context)
    if (interval !== undefined) return new RangeThreshold(metric, interval)
    if (inside !== undefined) return judged(metric, inside, (value) => isWithin(inside, value))
    return judged(metric, equals!, (value) => equalOutcome(value, equals))
  },
}

/** Met outside [low, high], cleared within [clearLow, clearHigh]; both ends of both belong to them. */
export interface QuietInterval {
  readonly low: number
  readonly high: number
  readonly clearLow: number
  readonly clearHigh: number
  readonly limit: number | readonly [number, number]
}

/** Of a condition with above, below or outside; undefined of the others. */
function quietInterval(condition: ThresholdCondition, context: CompileContext): QuietInterval | undefined {
  const { above, below, outside, clear } = condition
  const [low, high] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
  if (above !== undefined) {
    const limit = context.limit(above)
    return { low, high: limit, clearLow: low, clearHigh: typeof clear === 'number' ? clear : limit, limit }
  }
  if (below !== undefined) {
    const limit = context.limit(below)
    return { low: limit, high, clearLow: typeof clear === 'number' ? clear : limit, clearHigh: high, limit }
  }
  if (outside === undefined) return undefined
  const [clearLow, clearHigh] = Array.isArray(clear) ? (clear as [number, number]) : outside
  return { low: outside[0], high: outside[1], clearLow, clearHigh, limit: outside }
}

/** above, below or outside: the evaluator compares these in columns, and asks `step` only for what is not quiet. */
export class RangeThreshold implements CompiledCondition<null> {
  readonly metrics: ReadonlySet<string>
  readonly windows = []
  readonly interval: QuietInterval
  readonly #metric: string

  constructor(metric: string, interval: QuietInterval) {
    this.metrics = new Set([metric])
    this.interval = interval
    this.#metric = metric
  }

  get threshold(): number | readonly number[] {
    return this.interval.limit
  }

  initial(): null {
    return null
  }

  step(_state: null, input: { number(metric: string): number | undefined }): Outcome {
    const value = input.number(this.#metric)
    if (value === undefined) return outcomes.between
    const { low, high, clearLow, clearHigh } = this.interval
    if (value > high || value < low) return outcomes.met
    return value >= clearLow && value <= clearHigh ? outcomes.cleared : outcomes.between
  }

  value(_state: null, input: { value(metric: string): Value | undefined }): Value | undefined {
    return input.value(this.#metric)
  }
}

function judged(
  metric: string,
  limit: Value | readonly number[],
  judge: (value: Value | undefined) => Outcome,
): CompiledCondition<null> {
  return {
    metrics: new Set([metric]),
    windows: [],
    threshold: limit,
    initial: () => null,
    step: (_state, input) => judge(input.value(metric)),
    value: (_state, input) => input.value(metric),
  }
}

function isWithin([low, high]: readonly [number, number], value: Value | undefined): Outcome {
  if (value === undefined || typeof value === 'string') return outcomes.between
  return Number(value) > low && Number(value) < high ? outcomes.met : outcomes.cleared
}

function equalOutcome(value: Value | undefined, wanted: Value | undefined): Outcome {
  return numbered(value) === numbered(wanted) ? outcomes.met : outcomes.cleared
}

/** A boolean is compared as 0 or 1. */
function numbered(value: Value | undefined): number | string | undefined {
  return typeof value === 'boolean' ? Number(value) : value
}

type Bounds = Pick<z.output<typeof fields>, 'above' | 'below' | 'outside' | 'clear'>

/** Why `clear` contradicts the limit. Beside a label's limit it is held against the default. */
function clearProblem({ above, below, outside, clear }: Bounds): string | undefined {
  if (clear === undefined) return undefined
  if (outside !== undefined) {
    if (!Array.isArray(clear)) return 'expected [low, high] beside outside'
    const [low, high] = clear
    return low <= high && low >= outside[0] && high <= outside[1]
      ? undefined
      : 'expected a range within outside'
  }
  if (above === undefined && below === undefined) return 'only with above, below or outside'
  if (typeof clear !== 'number') return 'expected a number'
  if (above !== undefined && clear > defaultOf(above)) return 'must not be above the limit'
  if (below !== undefined && clear < defaultOf(below)) return 'must not be below the limit'
  return undefined
}

function defaultOf(given: z.output<typeof limit>): number {
  return typeof given === 'number' ? given : given.default
}
