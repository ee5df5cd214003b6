import { z } from 'zod'
import { absence } from './conditions/absence.ts'
import { aggregate } from './conditions/aggregate.ts'
import { all } from './conditions/all.ts'
import { any } from './conditions/any.ts'
import { baseline } from './conditions/baseline.ts'
import type { CompileContext, CompiledCondition, ConditionKind } from './conditions/condition.ts'
import { counter } from './conditions/counter.ts'
import { cumulative } from './conditions/cumulative.ts'
import { expression } from './conditions/expression.ts'
import { flapping } from './conditions/flapping.ts'
import { group } from './conditions/group.ts'
import { inverseTime } from './conditions/inverse-time.ts'
import { not } from './conditions/not.ts'
import { peers } from './conditions/peers.ts'
import { rate } from './conditions/rate.ts'
import { repeated } from './conditions/repeated.ts'
import { score } from './conditions/score.ts'
import { sequence } from './conditions/sequence.ts'
import { share } from './conditions/share.ts'
import { stuck } from './conditions/stuck.ts'
import { threshold } from './conditions/threshold.ts'
import { trend } from './conditions/trend.ts'
import type { Condition } from './rule.ts'

/** Conditions within conditions, the outermost included: more is a mistake, or meant to exhaust the stack. */
const depthMax = 8

/** Kinds that look at other devices: their state belongs to a rule, not to a device. */
const outermostOnly: ReadonlySet<string> = new Set(['group', 'peers'])

/** The kinds that hold other conditions are given the schema of those. */
export const anyCondition: z.ZodType<Condition> = z
  .unknown()
  .transform((given, context) => checked(given, context, true))

/** The schema of a rule's own condition. */
export const conditionSchema: z.ZodType<Condition> = z
  .unknown()
  .transform((given, context) => checked(given, context, false))

/** Every kind of condition: a new one is a file in conditions/ and a line here. */
export const conditionKinds: {
  readonly [K in Condition['kind']]: ConditionKind<Extract<Condition, { kind: K }>>
} = {
  threshold,
  rate,
  aggregate,
  'inverse-time': inverseTime,
  stuck,
  counter,
  share: share(anyCondition),
  cumulative: cumulative(anyCondition),
  flapping,
  sequence: sequence(anyCondition),
  all: all(anyCondition),
  any: any(anyCondition),
  not: not(anyCondition),
  repeated: repeated(anyCondition),
  absence,
  group: group(anyCondition),
  peers,
  score,
  baseline,
  trend,
  expression,
}

/** How deep the condition being checked stands in others: checks are synchronous, and one runs at a time. */
let depth = 0

/** Checks a condition by the schema of its kind, whose problems it passes on; z.discriminatedUnion takes no pipes such as this. */
function checked(given: unknown, context: z.core.$RefinementCtx, isInner: boolean): Condition {
  const refuse = (path: PropertyKey[], message: string) => {
    context.issues.push({ code: 'custom', path, message, input: given })
    return z.NEVER
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return refuse([], 'expected a condition such as {"kind": "threshold", …}')
  }
  const kind = 'kind' in given ? given.kind : undefined
  if (isInner && typeof kind === 'string' && outermostOnly.has(kind)) {
    return refuse(['kind'], `${kind} looks at other devices: it can only be a rule's own condition`)
  }
  if (typeof kind !== 'string' || !Object.hasOwn(conditionKinds, kind)) {
    return refuse(['kind'], `expected one of ${Object.keys(conditionKinds).join(', ')}`)
  }
  if (depth >= depthMax) return refuse([], `at most ${depthMax} conditions within each other`)
  depth += 1
  try {
    const result = conditionKinds[kind as Condition['kind']]!.schema.safeParse(given)
    if (result.success) return result.data
    for (const issue of result.error.issues) {
      context.issues.push({ ...issue, path: [...issue.path], input: undefined } as z.core.$ZodRawIssue)
    }
    return z.NEVER
  } finally {
    depth -= 1
  }
}

/** The kind of a condition, for what concerns any kind. */
export function kindOf(condition: Condition): ConditionKind<Condition> {
  return conditionKinds[condition.kind] as unknown as ConditionKind<Condition>
}

export function compileCondition(
  condition: Condition,
  context: Omit<CompileContext, 'compile'>,
): CompiledCondition {
  const whole: CompileContext = { ...context, compile: (inner) => kindOf(inner).compile(inner, whole) }
  return whole.compile(condition)
}
