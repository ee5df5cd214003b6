import { z } from 'zod'
import type { Value } from '../../domain/profile.ts'
import type { ScoreCondition, ScoreRows } from '../rule.ts'
import {
  type CompileContext,
  type CompiledCondition,
  type ConditionKind,
  type Input,
  type Outcome,
  outcomes,
} from './condition.ts'
import { duration, exactlyOneOf, limit, metric } from './fields.ts'
import { news2, rounded, type ScoreInput } from './news2.ts'

const inputsMax = 50
const rowsMax = 100

const rows = z
  .array(z.strictObject({ upTo: z.number().optional(), points: z.number() }))
  .min(1)
  .max(rowsMax)
  .superRefine((given, context) => {
    const problem = (path: (string | number)[], message: string) =>
      context.addIssue({ code: 'custom', path, message })
    const last = given.length - 1
    for (const [i, { upTo }] of given.entries()) {
      const before = given[i - 1]?.upTo
      if (i === last && upTo !== undefined) problem([i, 'upTo'], 'the last row has none')
      else if (i < last && upTo === undefined) problem([i], 'needs upTo: only the last row has none')
      else if (upTo !== undefined && before !== undefined && upTo <= before)
        problem([i, 'upTo'], 'must be above that of the row before')
    }
  })

const table = z.record(metric, rows).superRefine((given, context) => {
  const count = Object.keys(given).length
  if (count === 0 || count > inputsMax)
    context.addIssue({ code: 'custom', message: `expected 1 to ${inputsMax} metrics` })
})

/** Not a union, whose problems would not say where in the table they are. */
const tableOrName = z.unknown().superRefine((given, context) => {
  if (given === 'news2') return
  // A record of zod passes over this key without a word.
  if (typeof given === 'object' && given !== null && Object.hasOwn(given, '__proto__'))
    context.addIssue({ code: 'custom', path: ['__proto__'], message: 'not a metric name' })
  if (typeof given !== 'object') {
    context.addIssue({ code: 'custom', message: 'expected "news2", or metrics with their rows' })
    return
  }
  for (const issue of table.safeParse(given).error?.issues ?? [])
    context.issues.push({ ...issue, input: given } as z.core.$ZodRawIssue)
}) as unknown as z.ZodType<ScoreCondition['table']>

const fields = z.strictObject({
  kind: z.literal('score'),
  table: tableOrName,
  above: limit.optional(),
  single: z.number().positive().optional(),
  maxAge: duration.default('15m'),
})

/** Sum of points over the newest values: docs/RULES.md, "score". */
export const score: ConditionKind<ScoreCondition, ScoreState> = {
  schema: fields.superRefine(exactlyOneOf<z.output<typeof fields>>(['above', 'single'])),
  reads: ({ table }) =>
    table === 'news2'
      ? news2.map(({ metric }) => ({ path: ['table'], metric }))
      : Object.keys(table).map((metric) => ({ path: ['table', metric], metric })),
  compile: (condition, context) => new Score(condition, context),
}

/** What an input was last: when, its value and its points. */
type Scored = [time: number, value: Value, points: number]

/** In the order of the table's inputs. */
export type ScoreState = (Scored | null)[]

class Score implements CompiledCondition<ScoreState> {
  readonly metrics: ReadonlySet<string>
  readonly windows = []
  readonly threshold: number
  readonly #inputs: readonly ScoreInput[]
  readonly #maxAgeMs: number
  readonly #isSingle: boolean

  constructor({ table, above, single, maxAge }: ScoreCondition, context: CompileContext) {
    this.#inputs =
      table === 'news2' ? news2 : Object.entries(table).map(([metric, rows]) => ({ metric, rows }))
    this.metrics = new Set(this.#inputs.map(({ metric }) => metric))
    this.#maxAgeMs = context.duration(maxAge)
    this.#isSingle = single !== undefined
    this.threshold = single ?? context.limit(above!)
  }

  initial(): ScoreState {
    return this.#inputs.map(() => null)
  }

  step(state: ScoreState, input: Input): Outcome {
    let isHeld = false
    for (let i = 0; i < this.#inputs.length; i++) {
      const { metric, rows, decimals } = this.#inputs[i]!
      const number = input.number(metric)
      if (number === undefined) continue
      const points = pointsOf(rows, decimals === undefined ? number : rounded(number, decimals))
      const scored = state[i]
      if (scored === null || scored === undefined) {
        state[i] = [input.time, input.value(metric)!, points]
      } else {
        scored[0] = input.time
        scored[1] = input.value(metric)!
        scored[2] = points
      }
      isHeld = true
    }
    const value = isHeld ? this.value(state, input) : undefined
    if (value === undefined) return outcomes.unknown
    const holds = this.#isSingle ? value >= this.threshold : value > this.threshold
    return holds ? outcomes.met : outcomes.cleared
  }

  /** The sum, or for `single` the most points of one input; none when no input is at hand. */
  value(state: ScoreState, input: Input): number | undefined {
    let sum = 0
    let most: number | undefined
    for (const scored of state) {
      if (scored === null || this.#isStale(scored, input)) continue
      sum += scored[2]
      if (most === undefined || scored[2] > most) most = scored[2]
    }
    return most === undefined || this.#isSingle ? most : sum
  }

  /** The inputs that counted; then those that did not, if any. */
  evidence(state: ScoreState, input: Input): readonly Readonly<Record<string, Value>>[] {
    const counted: Record<string, Value> = { ts: input.time }
    const missing: string[] = []
    const stale: string[] = []
    for (const [i, { metric }] of this.#inputs.entries()) {
      const scored = state[i]
      if (scored === null || scored === undefined) missing.push(metric)
      else if (this.#isStale(scored, input)) stale.push(metric)
      else counted[metric] = scored[1]
    }
    if (missing.length + stale.length === 0) return [counted]
    return [
      counted,
      {
        ts: input.time,
        ...(missing.length > 0 && { missing: missing.join(', ') }),
        ...(stale.length > 0 && { stale: stale.join(', ') }),
      },
    ]
  }

  #isStale([time]: Scored, input: Input): boolean {
    return input.time - time > this.#maxAgeMs
  }
}

/** Those of the first row whose `upTo` the value does not exceed. */
function pointsOf(rows: ScoreRows, value: number): number {
  for (const { upTo, points } of rows) if (upTo === undefined || value <= upTo) return points
  return 0
}
