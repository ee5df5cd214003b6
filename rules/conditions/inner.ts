import type { Condition } from '../rule.ts'
import {
  type Beginning,
  type CompileContext,
  type CompiledCondition,
  type Input,
  type Outcome,
  outcomes,
  type PreviousNeed,
} from './condition.ts'

/** State of a condition within another: its own, which it changes in place, its newest outcome, and whether it holds. */
export interface InnerState {
  readonly own: unknown
  readonly outcome: Outcome
  readonly holds: boolean
}

/** By outcome, then whether it holds: the states of conditions that have none of their own. Most have none, so all share these. */
const statesOfNone: readonly (readonly [InnerState, InnerState])[] = Object.values(outcomes)
  .sort((a, b) => a - b)
  .map((outcome) => [
    Object.freeze({ own: null, outcome, holds: false }),
    Object.freeze({ own: null, outcome, holds: true }),
  ])

function innerState(own: unknown, outcome: Outcome, holds: boolean): InnerState {
  return own === null ? statesOfNone[outcome - outcomes.unknown]![holds ? 1 : 0] : { own, outcome, holds }
}

/** A condition within another (docs/RULES.md, "Inner conditions"). */
export class Inner {
  readonly condition: CompiledCondition
  /** Whether the input of the newest `step` reached the condition, and whether that changed the state. */
  wasReached = false
  hasChanged = false

  constructor(condition: CompiledCondition) {
    this.condition = condition
  }

  initial(beginning: Beginning): InnerState {
    return innerState(this.condition.initial(beginning), outcomes.unknown, false)
  }

  /** Whether the input has something for it. */
  isReachedBy(state: InnerState, input: Input): boolean {
    if (input.kind === 'tick') return (this.condition.deadline?.(state.own) ?? Infinity) <= input.time
    return reaches(this.condition, input)
  }

  /** Judges the input if it reaches the condition. Answers the state that takes the place of the one before. */
  step(state: InnerState, input: Input): InnerState {
    this.hasChanged = false
    this.wasReached = this.isReachedBy(state, input)
    if (!this.wasReached) return state
    const { own } = state
    const outcome = this.condition.step(own, input)
    const isOther = outcome !== state.outcome
    this.hasChanged = isOther || (own !== null && (this.condition.hasChanged?.() ?? true))
    // `holds` changes only with the outcome.
    if (own !== null && !isOther) return state
    return innerState(own, outcome, outcome === outcomes.met || (outcome !== outcomes.cleared && state.holds))
  }
}

/**
 * Whether a reading (or a change of the connection) has something for the condition. One that names no metric (`flapping` of
 * a rule) is reached by whatever reading its rule is shown.
 */
export function reaches(condition: CompiledCondition, input: Input): boolean {
  if (input.kind !== 'reading') return condition.onConnection === true
  if (condition.everyReading || condition.metrics.size === 0) return true
  for (const metric of condition.metrics) if (input.value(metric) !== undefined) return true
  return false
}

/** What a condition that holds others needs of the evaluator: everything that they need. */
export function needsOf(inners: readonly Inner[]): {
  metrics: ReadonlySet<string>
  everyReading: boolean
  onConnection: boolean
  windows: CompiledCondition['windows']
  previous: readonly PreviousNeed[]
} {
  return {
    metrics: new Set(inners.flatMap(({ condition }) => [...condition.metrics])),
    everyReading: inners.some(({ condition }) => condition.everyReading === true),
    onConnection: inners.some(({ condition }) => condition.onConnection === true),
    windows: inners.flatMap(({ condition }) => condition.windows),
    previous: inners.flatMap(({ condition }) => condition.previous ?? []),
  }
}

/** `deadline` of a condition that holds others: the earliest of theirs. None where none of them runs on the clock. */
export function deadlineOf<S>(
  inners: readonly Inner[],
  statesOf: (state: S) => readonly InnerState[],
): { deadline?(state: S): number } {
  if (inners.every(({ condition }) => condition.deadline === undefined)) return {}
  return {
    deadline: (state) => {
      const states = statesOf(state)
      let earliest = Number.POSITIVE_INFINITY
      for (let i = 0; i < inners.length; i++) {
        const own = inners[i]!.condition.deadline?.(states[i]!.own) ?? Number.POSITIVE_INFINITY
        if (own < earliest) earliest = own
      }
      return earliest
    },
  }
}

/** A condition of the same device's inner ones, whose outcome `combine` makes of their states. */
export function combined(
  conditions: readonly Condition[],
  { compile }: CompileContext,
  combine: (states: readonly InnerState[]) => Outcome,
): CompiledCondition<FirstReached> {
  const inners = conditions.map((condition) => new Inner(compile(condition)))
  let hasChanged = false
  return {
    ...needsOf(inners),
    ...reportOf<FirstReached>(
      inners,
      ({ first }) => first,
      ({ inner, first }) => inner[first]!,
    ),
    ...deadlineOf<FirstReached>(inners, (state) => state.inner),
    initial: (beginning) => ({ inner: inners.map((one) => one.initial(beginning)), first: 0 }),
    step: (state, input) => {
      hasChanged = stepAll(inners, state, input)
      return combine(state.inner)
    },
    hasChanged: () => hasChanged,
  }
}

/** What an event reports of several conditions: that of the first that the input reached. */
export interface FirstReached {
  inner: InnerState[]
  /** Index of the first inner condition that the newest input reached. */
  first: number
}

/** Shows an input to each inner condition that it reaches; whether that changed the state. */
function stepAll(inners: readonly Inner[], state: FirstReached, input: Input): boolean {
  let reached = -1
  let hasChanged = false
  for (let i = 0; i < inners.length; i++) {
    const inner = inners[i]!
    state.inner[i] = inner.step(state.inner[i]!, input)
    if (inner.wasReached && reached === -1) reached = i
    hasChanged ||= inner.hasChanged
  }
  const first = Math.max(reached, 0)
  hasChanged ||= state.first !== first
  state.first = first
  return hasChanged
}

/** Value, threshold and evidence of one of the inner conditions: that at `indexOf` of the state, which has the state `innerOf`. */
export function reportOf<S>(
  inners: readonly Inner[],
  indexOf: (state: S) => number,
  innerOf: (state: S) => InnerState,
): Pick<CompiledCondition<S>, 'threshold' | 'value'> &
  Required<Pick<CompiledCondition<S>, 'thresholdOf' | 'evidence'>> {
  const conditionOf = (state: S) => inners[indexOf(state)]!.condition
  return {
    threshold: inners[0]!.condition.threshold,
    value: (state, input) => {
      const { own, outcome } = innerOf(state)
      return outcome === outcomes.unknown ? undefined : conditionOf(state).value(own, input)
    },
    thresholdOf: (state, input) => {
      const condition = conditionOf(state)
      return condition.thresholdOf?.(innerOf(state).own, input) ?? condition.threshold
    },
    evidence: (state, input) => conditionOf(state).evidence?.(innerOf(state).own, input) ?? [],
  }
}
