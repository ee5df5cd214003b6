import type { Condition } from '../rule.ts'
import {
  type Beginning,
  type CompileContext,
  type CompiledCondition,
  type Input,
  type Outcome,
  outcomes,
} from './condition.ts'

/** State of a condition within another: its own, its newest outcome, and whether it holds. */
export interface InnerState {
  own: unknown
  outcome: Outcome
  holds: boolean
}

/** A condition within another (docs/RULES.md, "Inner conditions"). */
export class Inner {
  readonly condition: CompiledCondition
  /** Whether the newest `step` changed the state. */
  hasChanged = false

  constructor(condition: CompiledCondition) {
    this.condition = condition
  }

  initial(beginning: Beginning): InnerState {
    return { own: this.condition.initial(beginning), outcome: outcomes.unknown, holds: false }
  }

  /** Whether the input has something for it. */
  isReachedBy(state: InnerState, input: Input): boolean {
    if (input.kind === 'tick') return (this.condition.deadline?.(state.own) ?? Infinity) <= input.time
    return reaches(this.condition, input)
  }

  /** Judges the input if it reaches the condition, and says whether it did; the outcome is kept in the state. */
  step(state: InnerState, input: Input): boolean {
    this.hasChanged = false
    if (!this.isReachedBy(state, input)) return false
    const { outcome, own } = state
    state.outcome = this.condition.step(own, input)
    if (state.outcome === outcomes.met) state.holds = true
    else if (state.outcome === outcomes.cleared) state.holds = false
    const isOwnChanged = own !== null && (this.condition.hasChanged?.() ?? true)
    // `holds` changes only with the outcome.
    this.hasChanged = isOwnChanged || state.outcome !== outcome
    return true
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
} {
  return {
    metrics: new Set(inners.flatMap(({ condition }) => [...condition.metrics])),
    everyReading: inners.some(({ condition }) => condition.everyReading === true),
    onConnection: inners.some(({ condition }) => condition.onConnection === true),
    windows: inners.flatMap(({ condition }) => condition.windows),
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
    if (inners[i]!.step(state.inner[i]!, input) && reached === -1) reached = i
    hasChanged ||= inners[i]!.hasChanged
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
