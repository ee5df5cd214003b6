import { z } from 'zod'
import { fixedValueType, type Profile, type Value } from '../../domain/profile.ts'
import {
  type CelProblem,
  type CelProgram,
  type CelType,
  celMetrics,
  celProblems,
  celProgram,
} from '../cel.ts'
import type { ExpressionCondition } from '../rule.ts'
import {
  type CompileContext,
  type CompiledCondition,
  type ConditionKind,
  type Input,
  type Outcome,
  outcomes,
  type PreviousNeed,
} from './condition.ts'
import { duration } from './fields.ts'

const cel = z.string().superRefine((text, context) => {
  for (const problem of celProblems(text)) context.addIssue({ code: 'custom', message: detailOf(problem) })
})

/** CEL over newest values: docs/RULES.md, "expression". */
export const expression: ConditionKind<ExpressionCondition, null> = {
  schema: z.strictObject({
    kind: z.literal('expression'),
    cel,
    maxAge: duration.optional(),
  }),
  reads: (condition) => [...celMetrics(condition.cel).keys()].map((metric) => ({ path: ['cel'], metric })),
  compile: (condition, context) => new Expression(condition, context),
}

const celTypes = { number: 'double', boolean: 'bool', string: 'string' } as const

/**
 * What is wrong with an expression for devices of these profiles (of any, where there are none; undefined for a type without a
 * profile): details name the character. A metric has a type where all that list it agree on one.
 */
export function expressionProblems(
  condition: ExpressionCondition,
  profiles: readonly (Profile | undefined)[],
): string[] {
  const metrics = celMetrics(condition.cel)
  const types = new Map<string, CelType>()
  const unknown: CelProblem[] = []
  const areListed =
    profiles.length > 0 &&
    profiles.every((profile) => profile?.strict === true || Object.keys(profile?.metrics ?? {}).length > 0)
  for (const [metric, position] of metrics) {
    const listing = profiles.filter((profile) => Object.hasOwn(profile?.metrics ?? {}, metric))
    if (areListed && listing.length === 0)
      unknown.push({
        position,
        detail: `no metric ${metric} in ${profiles.map((one) => one?.type).join(', ')}`,
      })
    const found = new Set(listing.map((profile) => fixedValueType(profile?.metrics[metric])))
    const [type] = found
    // One that is not in every list, or is in none, may hold anything where it is accepted all the same.
    if (found.size === 1 && type !== undefined && listing.length === profiles.length)
      types.set(metric, celTypes[type])
  }
  return [...unknown, ...celProblems(condition.cel, types)].map(detailOf)
}

function detailOf({ position, detail }: CelProblem): string {
  return `${detail} (at character ${position + 1})`
}

/** Parsed once for all devices of a rule. */
const programs = new WeakMap<ExpressionCondition, CelProgram>()
const noProgram: CelProgram = { metrics: [], usesLabels: false, evaluate: () => undefined }
const noLabels: ReadonlyMap<string, string> = new Map()

function programOf(condition: ExpressionCondition): CelProgram {
  let program = programs.get(condition)
  if (program === undefined) {
    program = celProgram(condition.cel) ?? noProgram
    programs.set(condition, program)
  }
  return program
}

class Expression implements CompiledCondition<null> {
  readonly metrics: ReadonlySet<string>
  readonly windows = []
  /** In the order of the expression's metrics. */
  readonly previous: readonly PreviousNeed[]
  /** The text. */
  readonly threshold: string
  readonly #program: CelProgram
  readonly #labels: ReadonlyMap<string, string>
  readonly #maxAgeMs: number
  readonly #values: Value[]

  constructor(condition: ExpressionCondition, context: CompileContext) {
    this.#program = programOf(condition)
    this.metrics = new Set(this.#program.metrics)
    this.previous = this.#program.metrics.map((metric) => ({ metric, type: 'any' }))
    this.threshold = condition.cel
    // A map: a label may be called `constructor`.
    this.#labels = this.#program.usesLabels ? new Map(Object.entries(context.labels)) : noLabels
    this.#maxAgeMs = condition.maxAge === undefined ? Infinity : context.duration(condition.maxAge)
    this.#values = []
  }

  initial(): null {
    return null
  }

  step(_state: null, input: Input): Outcome {
    for (let i = 0; i < this.previous.length; i++) {
      const value = input.value(this.previous[i]!.metric) ?? this.#earlier(this.previous[i]!, input)
      if (value === undefined) return outcomes.unknown
      this.#values[i] = value
    }
    return this.#evaluate(input.device)
  }

  /** Of the first metric that it names and this reading holds. */
  value(_state: null, input: Input): Value | undefined {
    for (const metric of this.#program.metrics) {
      const value = input.value(metric)
      if (value !== undefined) return value
    }
    return undefined
  }

  /** What the metric was before, if that is not too old. */
  #earlier(need: PreviousNeed, input: Input): Value | undefined {
    const earlier = input.previous(need)
    return earlier === undefined || input.time - earlier.time > this.#maxAgeMs ? undefined : earlier.value
  }

  #evaluate(device: string): Outcome {
    try {
      const result = this.#program.evaluate(this.#labels, device, this.#values)
      if (typeof result !== 'boolean') return outcomes.unknown
      return result ? outcomes.met : outcomes.cleared
    } catch {
      return outcomes.unknown
    }
  }
}
