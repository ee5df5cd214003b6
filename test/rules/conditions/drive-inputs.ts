import {
  type CompiledCondition,
  type Input,
  type Outcome,
  outcomes,
} from '../../../rules/conditions/condition.ts'
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
  let state = subject.initial({ beganAt: 0 })
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

function nameOf(outcome: Outcome): keyof typeof outcomes {
  return (Object.keys(outcomes) as (keyof typeof outcomes)[]).find((name) => outcomes[name] === outcome)!
}
