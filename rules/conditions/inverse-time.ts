import { z } from 'zod'
import { durationMs } from '../../domain/duration.ts'
import type { Value } from '../../domain/profile.ts'
import type { InverseTimeCondition } from '../rule.ts'
import {
  type CompileContext,
  type CompiledCondition,
  type ConditionKind,
  type Input,
  type Outcome,
  outcomes,
} from './condition.ts'
import { duration, limit, metric } from './fields.ts'

const rowsMax = 10

const row = z.strictObject({ above: limit, for: duration })

const fields = z.strictObject({
  kind: z.literal('inverse-time'),
  metric,
  table: z.array(row).min(1).max(rowsMax),
})

/** The higher the level, the shorter the time allowed: docs/RULES.md, "inverse-time". Labels are held to their defaults. */
export const inverseTime: ConditionKind<InverseTimeCondition, AboveSince> = {
  schema: fields.superRefine(({ table }, context) => {
    for (const [i, { above, for: allowed }] of table.entries()) {
      const lower = table[i - 1]
      if (lower === undefined) continue
      const problem = (field: string, message: string) =>
        context.addIssue({ code: 'custom', path: ['table', i, field], message })
      if (levelOf(above) <= levelOf(lower.above)) problem('above', 'must be above the level before')
      if (allowedMs(allowed) >= allowedMs(lower.for)) problem('for', 'must be shorter than the time before')
    }
  }),
  reads: ({ metric }) => [{ path: ['metric'], metric }],
  compile: (condition, context) => new InverseTime(condition, context),
}

function levelOf(given: z.output<typeof limit>): number {
  return typeof given === 'number' ? given : given.default
}

function allowedMs(given: z.output<typeof duration>): number {
  return durationMs(typeof given === 'string' ? given : given.default) ?? 0
}

/** For each row the time of the reading since which every one is above its level; null when the newest is not. */
type AboveSince = (number | null)[]

class InverseTime implements CompiledCondition<AboveSince> {
  readonly metrics: ReadonlySet<string>
  readonly windows = []
  readonly threshold: number
  readonly #metric: string
  readonly #rows: readonly { readonly level: number; readonly allowedMs: number }[]

  constructor({ metric, table }: InverseTimeCondition, context: CompileContext) {
    this.#metric = metric
    this.metrics = new Set([metric])
    // A device's labels may bring the levels out of order.
    this.#rows = table
      .map((row) => ({ level: context.limit(row.above), allowedMs: context.duration(row.for) }))
      .sort((a, b) => a.level - b.level)
    this.threshold = this.#rows[0]!.level
  }

  initial(): AboveSince {
    return this.#rows.map(() => null)
  }

  step(state: AboveSince, input: Input): Outcome {
    const value = input.number(this.#metric)
    if (value === undefined) return outcomes.unknown
    for (let i = 0; i < this.#rows.length; i++) {
      state[i] = value > this.#rows[i]!.level ? (state[i] ?? input.time) : null
    }
    if (this.#highestMet(state, input.time) >= 0) return outcomes.met
    return value > this.threshold ? outcomes.between : outcomes.cleared
  }

  value(_state: AboveSince, input: Input): Value | undefined {
    return input.value(this.#metric)
  }

  thresholdOf(state: AboveSince, { time }: Input): number {
    return this.#rows[this.#highestMet(state, time)]?.level ?? this.threshold
  }

  /** Index of the row; −1 when none is met. */
  #highestMet(state: AboveSince, time: number): number {
    for (let i = this.#rows.length - 1; i >= 0; i--) {
      const since = state[i] ?? null
      if (since !== null && time - since >= this.#rows[i]!.allowedMs) return i
    }
    return -1
  }
}
