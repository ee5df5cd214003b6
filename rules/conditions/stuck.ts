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
  type WindowView,
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

/** Time of the first reading of all, Unix ms. Without it (version 0.1 kept none), it is taken to be older than the window. */
type StuckState = { first: number | null } | null

/** A value that no longer moves although readings come: docs/RULES.md, "stuck". */
export const stuck: ConditionKind<StuckCondition, StuckState> = {
  schema: fields,
  reads: ({ metric }) => [{ path: ['metric'], metric }],
  compile: (condition, context) => new Stuck(condition, context),
}

class Stuck implements CompiledCondition<StuckState> {
  readonly metrics: ReadonlySet<string>
  readonly windows: readonly WindowNeed[]
  readonly threshold: number
  readonly #metric: string
  readonly #windowMs: number
  readonly #minCount: number
  #hasChanged = false

  constructor({ metric, window, tolerance, minCount }: StuckCondition, context: CompileContext) {
    this.#metric = metric
    this.#windowMs = context.duration(window)
    this.#minCount = minCount
    this.threshold = tolerance
    this.metrics = new Set([metric])
    this.windows = [{ metric, lengthMs: this.#windowMs, stillness: { tolerance, minCount } }]
  }

  initial(): StuckState {
    return { first: null }
  }

  step(state: StuckState, input: Input): Outcome {
    this.#hasChanged = false
    if (input.number(this.#metric) === undefined) return outcomes.unknown
    const view = input.window(this.#metric, this.#windowMs)
    this.#noteFirst(state, view)
    if (view.count < this.#minCount) return outcomes.unknown
    const before = view.before()
    if (before === undefined) {
      // Such a window forgets what came before the value last moved: docs/decisions/0028.
      const hasBefore = state === null || (state.first ?? input.time) <= input.time - this.#windowMs
      return hasBefore && !view.isFull ? outcomes.cleared : outcomes.unknown
    }
    const moved = Math.max(view.max(), before.value) - Math.min(view.min(), before.value)
    return moved <= this.threshold ? outcomes.met : outcomes.cleared
  }

  hasChanged(): boolean {
    return this.#hasChanged
  }

  value(_state: StuckState, input: Input): Value | undefined {
    return input.value(this.#metric)
  }

  #noteFirst(state: StuckState, view: WindowView): void {
    if (state === null || state.first !== null) return
    state.first = view.oldestTime ?? null
    this.#hasChanged = state.first !== null
  }
}
