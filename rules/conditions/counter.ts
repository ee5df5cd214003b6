import { z } from 'zod'
import type { Value } from '../../domain/profile.ts'
import type { CounterCondition } from '../rule.ts'
import {
  type CompileContext,
  type CompiledCondition,
  type ConditionKind,
  type Input,
  type Outcome,
  outcomes,
  type PreviousNeed,
} from './condition.ts'
import { limit, metric } from './fields.ts'

const hourMs = 3_600_000

const fields = z.strictObject({
  kind: z.literal('counter'),
  metric,
  event: z.enum(['reset', 'rollover', 'reverse', 'implausible']),
  max: z.number().positive().optional(),
  maxPerHour: limit
    .refine((given) => (typeof given === 'number' ? given : given.default) >= 0, 'must not be negative')
    .optional(),
  tolerance: z.number().nonnegative().optional(),
})

/** A step of a meter's register: docs/RULES.md, "counter". */
export const counter: ConditionKind<CounterCondition, null> = {
  schema: fields.superRefine(({ event, max, maxPerHour, tolerance }, context) => {
    const problem = (field: string, message: string) =>
      context.addIssue({ code: 'custom', path: [field], message })
    if (event === 'rollover' && max === undefined) problem('max', 'needed for rollover')
    if (event === 'implausible' && max !== undefined) problem('max', 'not with implausible')
    if (event === 'implausible' && maxPerHour === undefined) problem('maxPerHour', 'needed for implausible')
    if (event !== 'implausible' && maxPerHour !== undefined) problem('maxPerHour', 'only with implausible')
    if (tolerance !== undefined && event !== 'implausible' && event !== 'reverse')
      problem('tolerance', 'only with reverse or implausible')
  }),
  reads: ({ metric }) => [{ path: ['metric'], metric }],
  compile: (condition, context) => new Register(condition, context),
}

class Register implements CompiledCondition<null> {
  readonly metrics: ReadonlySet<string>
  readonly windows = []
  readonly previous: readonly [PreviousNeed]
  readonly threshold: number
  readonly #metric: string
  readonly #event: CounterCondition['event']
  readonly #max: number | undefined
  readonly #tolerance: number

  constructor({ metric, event, max, maxPerHour, tolerance = 0 }: CounterCondition, context: CompileContext) {
    this.#metric = metric
    this.#event = event
    this.#max = max
    this.#tolerance = tolerance
    this.metrics = new Set([metric])
    this.previous = [{ metric, type: 'number' }]
    // Of a fall, the previous value; a register begins at 0.
    this.threshold = maxPerHour === undefined ? 0 : context.limit(maxPerHour)
  }

  initial(): null {
    return null
  }

  step(_state: null, input: Input): Outcome {
    const value = input.number(this.#metric)
    const previous = input.previous(this.previous[0])
    if (value === undefined || previous === undefined) return outcomes.unknown
    const hours = (input.time - previous.time) / hourMs
    return this.#holds(Number(previous.value), value, hours) ? outcomes.met : outcomes.cleared
  }

  value(_state: null, input: Input): Value | undefined {
    return input.value(this.#metric)
  }

  thresholdOf(_state: null, input: Input): number {
    const previous = this.#event === 'implausible' ? undefined : input.previous(this.previous[0])
    return previous === undefined ? this.threshold : Number(previous.value)
  }

  #holds(previous: number, value: number, hours: number): boolean {
    if (this.#event === 'implausible')
      return value > previous && value - previous > this.threshold * hours + this.#tolerance
    if (value >= previous) return false
    // Counting on through `max` is the shorter way than counting back.
    const isRollover = this.#max !== undefined && this.#max - previous + value < previous - value
    if (this.#event === 'rollover') return isRollover
    if (isRollover) return false
    if (this.#event === 'reset') return value < previous / 2
    return value >= previous / 2 && previous - value > this.#tolerance
  }
}
