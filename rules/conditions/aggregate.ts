import { z } from 'zod'
import type { AggregateCondition } from '../rule.ts'
import { Comparison, comparisonFields, exactlyOneComparison } from './comparison.ts'
import type {
  CompileContext,
  CompiledCondition,
  ConditionKind,
  Input,
  Outcome,
  WindowNeed,
  WindowView,
} from './condition.ts'
import { metric } from './fields.ts'
import { windowDuration } from './window-duration.ts'

const functions: Readonly<Record<string, (view: WindowView) => number>> = {
  mean: (view) => view.mean(),
  min: (view) => view.min(),
  max: (view) => view.max(),
  sum: (view) => view.sum(),
  count: (view) => view.count,
  stddev: (view) => view.stddev(),
  range: (view) => view.max() - view.min(),
}

const percentilePattern = /^p([5-9]\d)$/

const fields = z.strictObject({
  kind: z.literal('aggregate'),
  metric,
  fn: z
    .string()
    .refine(
      (name) => Object.hasOwn(functions, name) || percentilePattern.test(name),
      `expected one of ${Object.keys(functions).join(' ')}, or p50 … p99`,
    ),
  window: windowDuration,
  minCount: z.int().min(1).max(10_000).default(1),
  plausible: z
    .tuple([z.number(), z.number()], 'expected [low, high]')
    .refine(([low, high]) => low < high, 'the first number must be below the second')
    .optional(),
  ...comparisonFields,
})

/** A function of the readings of a sliding window: docs/RULES.md, "aggregate". */
export const aggregate: ConditionKind<AggregateCondition, null> = {
  schema: fields.superRefine(exactlyOneComparison),
  reads: ({ metric }) => [{ path: ['metric'], metric }],
  compile: (condition, context) => new WindowAggregate(condition, context),
}

class WindowAggregate implements CompiledCondition<null> {
  readonly metrics: ReadonlySet<string>
  readonly windows: readonly WindowNeed[]
  readonly #metric: string
  readonly #windowMs: number
  readonly #minCount: number
  readonly #plausible: readonly [number, number] | undefined
  readonly #calculate: (view: WindowView) => number
  readonly #comparison: Comparison

  constructor(condition: AggregateCondition, context: CompileContext) {
    this.#metric = condition.metric
    this.#windowMs = context.duration(condition.window)
    this.#minCount = condition.minCount
    this.#plausible = condition.plausible
    this.#calculate = functionOf(condition.fn)
    this.#comparison = new Comparison(condition, context)
    this.metrics = new Set([condition.metric])
    this.windows = [{ metric: condition.metric, lengthMs: this.#windowMs }]
  }

  get threshold(): number {
    return this.#comparison.limit
  }

  initial(): null {
    return null
  }

  step(_state: null, input: Input): Outcome {
    return this.#comparison.judge(this.value(_state, input))
  }

  /** None of fewer readings than `minCount`, nor where one of them is not plausible. */
  value(_state: null, input: Input): number | undefined {
    if (input.number(this.#metric) === undefined) return undefined
    const view = input.window(this.#metric, this.#windowMs)
    return view.count < this.#minCount || !this.#isPlausible(view) ? undefined : this.#calculate(view)
  }

  #isPlausible(view: WindowView): boolean {
    if (this.#plausible === undefined) return true
    const [low, high] = this.#plausible
    return view.min() >= low && view.max() <= high
  }
}

function functionOf(name: string): (view: WindowView) => number {
  const percentage = percentilePattern.exec(name)?.[1]
  if (percentage === undefined) return functions[name]!
  const q = Number(percentage) / 100
  return (view) => view.quantile(q)
}
