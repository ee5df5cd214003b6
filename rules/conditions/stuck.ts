import { z } from 'zod'
import type { Value } from '../../domain/profile.ts'
import type { StuckCondition } from '../rule.ts'
import {
  type CompileContext,
  type CompiledCondition,
  type ConditionKind,
  type Input,
  type Outcome,
  outcomes,
  type WindowNeed,
} from './condition.ts'
import { metric } from './fields.ts'
import { windowDuration } from './window-duration.ts'

const fields = z.strictObject({
  kind: z.literal('stuck'),
  metric,
  window: windowDuration,
  tolerance: z.number().min(0).default(0),
  minCount: z.int().min(1).max(10_000).default(3),
})

/** A value that no longer moves although readings come: docs/RULES.md, "stuck". */
export const stuck: ConditionKind<StuckCondition, null> = {
  schema: fields,
  reads: ({ metric }) => [{ path: ['metric'], metric }],
  compile: (condition, context) => new Stuck(condition, context),
}

class Stuck implements CompiledCondition<null> {
  readonly metrics: ReadonlySet<string>
  readonly windows: readonly WindowNeed[]
  readonly threshold: number
  readonly #metric: string
  readonly #windowMs: number
  readonly #minCount: number

  constructor({ metric, window, tolerance, minCount }: StuckCondition, context: CompileContext) {
    this.#metric = metric
    this.#windowMs = context.duration(window)
    this.#minCount = minCount
    this.threshold = tolerance
    this.metrics = new Set([metric])
    this.windows = [{ metric, lengthMs: this.#windowMs }]
  }

  initial(): null {
    return null
  }

  step(_state: null, input: Input): Outcome {
    if (input.number(this.#metric) === undefined) return outcomes.unknown
    const view = input.window(this.#metric, this.#windowMs)
    if (view.count < this.#minCount) return outcomes.unknown
    const before = view.before()
    if (before === undefined) return outcomes.unknown
    const moved = Math.max(view.max(), before.value) - Math.min(view.min(), before.value)
    return moved <= this.threshold ? outcomes.met : outcomes.cleared
  }

  value(_state: null, input: Input): Value | undefined {
    return input.value(this.#metric)
  }
}
