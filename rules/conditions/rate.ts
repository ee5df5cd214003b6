import { z } from 'zod'
import type { RateCondition } from '../rule.ts'
import { Comparison, comparisonFields, exactlyOneComparison } from './comparison.ts'
import {
  type CompileContext,
  type CompiledCondition,
  type ConditionKind,
  type Input,
  type Outcome,
  outcomes,
  type WindowNeed,
} from './condition.ts'
import { metric, positiveDuration } from './fields.ts'
import { windowDuration } from './window-duration.ts'

const fields = z.strictObject({
  kind: z.literal('rate'),
  metric,
  per: positiveDuration,
  window: windowDuration.optional(),
  ...comparisonFields,
})

/** The change of a metric per duration: docs/RULES.md, "rate". */
export const rate: ConditionKind<RateCondition> = {
  schema: fields.superRefine(exactlyOneComparison),
  reads: ({ metric }) => [{ path: ['metric'], metric }],
  compile: (condition, context) =>
    condition.window === undefined
      ? new RateSincePrevious(condition, context)
      : new RateOverWindow(condition, context.duration(condition.window), context),
}

/** The newest reading, and the newest one of an earlier time than its: with two readings of one time, both have the same earlier one. */
interface PreviousState {
  time: number | null
  value: number
  earlierTime: number | null
  earlierValue: number
}

class RateSincePrevious implements CompiledCondition<PreviousState> {
  readonly metrics: ReadonlySet<string>
  readonly windows = []
  readonly #metric: string
  readonly #perMs: number
  readonly #comparison: Comparison

  constructor(condition: RateCondition, context: CompileContext) {
    this.#metric = condition.metric
    this.metrics = new Set([condition.metric])
    this.#perMs = context.duration(condition.per)
    this.#comparison = new Comparison(condition, context)
  }

  get threshold(): number {
    return this.#comparison.limit
  }

  initial(): PreviousState {
    return { time: null, value: 0, earlierTime: null, earlierValue: 0 }
  }

  step(state: PreviousState, input: Input): Outcome {
    const value = input.number(this.#metric)
    if (value === undefined) return outcomes.unknown
    if (state.time !== input.time) {
      state.earlierTime = state.time
      state.earlierValue = state.value
      state.time = input.time
    }
    state.value = value
    return this.#comparison.judge(this.#rate(state))
  }

  value(state: PreviousState, input: Input): number | undefined {
    return input.number(this.#metric) === undefined ? undefined : this.#rate(state)
  }

  #rate({ time, value, earlierTime, earlierValue }: PreviousState): number | undefined {
    if (time === null || earlierTime === null) return undefined
    return ((value - earlierValue) / (time - earlierTime)) * this.#perMs
  }
}

class RateOverWindow implements CompiledCondition<null> {
  readonly metrics: ReadonlySet<string>
  readonly windows: readonly WindowNeed[]
  readonly #metric: string
  readonly #windowMs: number
  readonly #perMs: number
  readonly #comparison: Comparison

  constructor(condition: RateCondition, windowMs: number, context: CompileContext) {
    this.#metric = condition.metric
    this.#windowMs = windowMs
    this.metrics = new Set([condition.metric])
    this.windows = [{ metric: condition.metric, lengthMs: windowMs }]
    this.#perMs = context.duration(condition.per)
    this.#comparison = new Comparison(condition, context)
  }

  get threshold(): number {
    return this.#comparison.limit
  }

  initial(): null {
    return null
  }

  step(_state: null, input: Input): Outcome {
    return this.#comparison.judge(this.#rate(input))
  }

  value(_state: null, input: Input): number | undefined {
    return this.#rate(input)
  }

  #rate(input: Input): number | undefined {
    const value = input.number(this.#metric)
    if (value === undefined) return undefined
    const earlier = input.window(this.#metric, this.#windowMs).before()
    // A label may hold a window of no length: then it is the reading itself.
    if (earlier === undefined || earlier.time === input.time) return undefined
    return ((value - earlier.value) / (input.time - earlier.time)) * this.#perMs
  }
}
