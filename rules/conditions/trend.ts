import { z } from 'zod'
import type { TrendCondition } from '../rule.ts'
import {
  type CompileContext,
  type CompiledCondition,
  type ConditionKind,
  type Input,
  type Outcome,
  outcomes,
} from './condition.ts'
import { limit, metric, positiveDuration } from './fields.ts'
import { medianOf } from './median.ts'
import {
  addSample,
  dropUntil,
  finite,
  isFirstOfPart,
  noSamples,
  partLengthMs,
  type Samples,
} from './samples.ts'

const trendParts = 48

const fields = z.strictObject({
  kind: z.literal('trend'),
  metric,
  window: positiveDuration,
  reaches: limit,
  within: positiveDuration,
  minSamples: z.int().min(2).max(trendParts).default(8),
})

/** Where a robust slope leads: docs/RULES.md, "trend". */
export const trend: ConditionKind<TrendCondition, TrendState> = {
  schema: fields,
  reads: ({ metric }) => [{ path: ['metric'], metric }],
  compile: (condition, context) => new Trend(condition, context),
}

export interface TrendState extends Samples {
  part: number
  /** Change per ms; follows from the samples, null while there are too few. */
  slope: number | null
  /** Of the newest reading, in ms; null when it does not lead there. */
  leftMs: number | null
}

class Trend implements CompiledCondition<TrendState> {
  readonly metrics: ReadonlySet<string>
  readonly windows = []
  /** Seconds. */
  readonly threshold: number
  readonly #metric: string
  readonly #windowMs: number
  readonly #partMs: number
  readonly #reaches: number
  readonly #withinMs: number
  readonly #minSamples: number

  constructor({ metric, window, reaches, within, minSamples }: TrendCondition, context: CompileContext) {
    this.metrics = new Set([metric])
    this.#metric = metric
    this.#windowMs = Math.max(1, context.duration(window))
    this.#partMs = partLengthMs(this.#windowMs, trendParts)
    this.#reaches = context.limit(reaches)
    this.#withinMs = context.duration(within)
    this.#minSamples = minSamples
    this.threshold = this.#withinMs / 1000
  }

  initial(): TrendState {
    return { part: -1, ...noSamples(), slope: null, leftMs: null }
  }

  step(state: TrendState, input: Input): Outcome {
    const value = input.number(this.#metric)
    if (value === undefined) return outcomes.unknown
    let isChanged = dropUntil(state, input.time - this.#windowMs)
    if (isFirstOfPart(state, this.#partMs, input.time)) {
      addSample(state, input.time, value)
      isChanged = true
    }
    if (isChanged) state.slope = state.times.length < this.#minSamples ? null : slopeOf(state)
    if (state.slope === null) {
      state.leftMs = null
      return outcomes.unknown
    }
    state.leftMs = this.#leftMs(state, state.slope, value)
    return state.leftMs !== null && state.leftMs <= this.#withinMs ? outcomes.met : outcomes.cleared
  }

  /** Seconds. */
  value({ leftMs }: TrendState, input: Input): number | undefined {
    return leftMs === null || input.number(this.#metric) === undefined ? undefined : leftMs / 1000
  }

  #leftMs({ values }: TrendState, slope: number, value: number): number | null {
    const distance = this.#reaches - value
    if (distance === 0) return 0
    if (slope === 0) return null
    if (distance > 0 === slope > 0) return finite(distance / slope)
    // Behind it: passed within the window, or never before it.
    const distanceAtFirst = this.#reaches - values[0]!
    return distanceAtFirst === 0 || distanceAtFirst > 0 === slope > 0 ? 0 : null
  }
}

const slopes = new Float64Array((trendParts * (trendParts + 1)) / 2)

/** Theil–Sen: the median of the slopes of all pairs, per ms. */
function slopeOf({ times, values }: Samples): number {
  let count = 0
  for (let i = 1; i < times.length; i++) {
    for (let j = 0; j < i; j++) slopes[count++] = finite((values[i]! - values[j]!) / (times[i]! - times[j]!))
  }
  return medianOf(slopes, count)
}
