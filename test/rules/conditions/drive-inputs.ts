import { compileCondition } from '../../../rules/condition-kinds.ts'
import {
  type CompileContext,
  type CompiledCondition,
  type Input,
  type Outcome,
  outcomes,
} from '../../../rules/conditions/condition.ts'
import type { Condition } from '../../../rules/rule.ts'
import { type GivenReading, inputOf, type Judged } from './drive.ts'

/** An input that is no reading, or a reading with the rules that are active at it. */
export interface GivenInput extends Partial<GivenReading> {
  readonly ts: number
  readonly kind?: Input['kind']
  readonly active?: readonly string[]
}

/**
 * Shows inputs of any kind to a compiled condition, all of them, in the order given; the state goes through JSON after each.
 * `deadline` is the one after the input, undefined where the condition has none.
 */
export function driveInputs<S>(
  subject: CompiledCondition<S>,
  inputs: readonly GivenInput[],
): (Judged & { deadline: number | undefined })[] {
  let state = subject.initial({ registeredAt: 0 })
  return inputs.map(({ ts, values = {}, kind = 'reading', active = [] }) => {
    const input: Input = { ...inputOf({ ts, values }, []), kind, isActive: (rule) => active.includes(rule) }
    const outcome = nameOf(subject.step(state, input))
    const value = subject.value(state, input)
    const threshold = subject.thresholdOf?.(state, input) ?? subject.threshold
    const deadline = subject.deadline?.(state)
    state = JSON.parse(JSON.stringify(state))
    return { outcome, value, threshold, deadline }
  })
}

/** The same of the outcomes alone. */
export function outcomesOfInputs<S>(subject: CompiledCondition<S>, inputs: readonly GivenInput[]): string[] {
  return driveInputs(subject, inputs).map(({ outcome }) => outcome)
}

/** A context in which each inner threshold on a metric of `scripted` is replaced by the condition given for it. */
export function contextWith(scripted: Readonly<Record<string, CompiledCondition>>): CompileContext {
  const context: CompileContext = {
    labels: {},
    expectedIntervalMs: undefined,
    limit: (limit) => (typeof limit === 'number' ? limit : limit.default),
    duration: () => {
      throw new Error('no duration is expected here')
    },
    compile: (inner: Condition) =>
      (inner.kind === 'threshold' ? scripted[inner.metric] : undefined) ?? compileCondition(inner, context),
  }
  return context
}

/** A condition whose outcome is the number that the reading holds under `metric`: -2 unknown … 1 met. */
export function scripted(metric: string): CompiledCondition<null> {
  return {
    metrics: new Set([metric]),
    windows: [],
    threshold: 0,
    initial: () => null,
    step: (_state, input) => input.number(metric) as Outcome,
    value: (_state, input) => input.value(metric),
  }
}

/** A condition on the clock: met when nothing came under `metric` for `limitMs` (what `absence` is, in short). */
export function silence(metric: string, limitMs: number): CompiledCondition<{ deadlineMs: number }> {
  return {
    metrics: new Set([metric]),
    windows: [],
    threshold: limitMs,
    initial: () => ({ deadlineMs: limitMs }),
    step: (state, { kind, time }) => {
      state.deadlineMs = kind === 'tick' ? Number.MAX_SAFE_INTEGER : time + limitMs
      return kind === 'tick' ? outcomes.met : outcomes.cleared
    },
    value: ({ deadlineMs }) => deadlineMs,
    deadline: ({ deadlineMs }) => deadlineMs,
  }
}

function nameOf(outcome: Outcome): keyof typeof outcomes {
  return (Object.keys(outcomes) as (keyof typeof outcomes)[]).find((name) => outcomes[name] === outcome)!
}
