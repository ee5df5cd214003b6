import { type Arrivals, endsSilence } from './arrivals.ts'
import { type Outcome, outcomes } from './conditions/condition.ts'

/** The condition of an alarm, after ISA-18.2 and OPC UA Part 9. */
export type AlarmCondition = 'normal' | 'pending' | 'active' | 'recovering'

/** State of one (rule, device): small, plain and kept in the log. Times are event times, Unix ms. */
export interface AlarmState {
  condition: AlarmCondition
  /** First reading of the episode. */
  since: number
  raisedAt: number
  /** First reading past `clear`, while recovering. */
  recoveringSince: number
  /** Transitions of this episode so far: the ordinal in the next event's id. */
  transitions: number
  /** When readings came, kept only under `gaps: reset`. */
  arrivals?: Arrivals
}

export function normalState(): AlarmState {
  return { condition: 'normal', since: 0, raisedAt: 0, recoveringSince: 0, transitions: 0 }
}

export type Transition = 'raised' | 'cleared'

/** What a step did: nothing, a change that needs saving, or a transition that is an event. */
export type StepResult = 'same' | 'changed' | Transition

/**
 * One reading, judged `outcome` at event time `time`, in order of time. Durations are inclusive: `for: 3m` is reached at
 * exactly three minutes. Silence does not interrupt `for`: when the next reading still meets the condition, it held.
 */
export function step(
  state: AlarmState,
  outcome: Outcome,
  time: number,
  forMs: number,
  keepForMs: number,
): StepResult {
  switch (state.condition) {
    case 'normal':
      if (outcome !== outcomes.met) return 'same'
      state.condition = 'pending'
      // A second episode that starts at the same time (the device sent two values for it) counts on: ids stay unique.
      if (state.since !== time) state.transitions = 0
      state.since = time
      return forMs === 0 ? raise(state, time) : 'changed'
    case 'pending':
      if (outcome !== outcomes.met) {
        state.condition = 'normal'
        return 'changed'
      }
      return time - state.since >= forMs ? raise(state, time) : 'same'
    case 'active':
      if (outcome !== outcomes.cleared) return 'same'
      state.condition = 'recovering'
      state.recoveringSince = time
      return keepForMs === 0 ? clear(state) : 'changed'
    case 'recovering':
      if (outcome !== outcomes.cleared) {
        state.condition = 'active'
        return 'changed'
      }
      return time - state.recoveringSince >= keepForMs ? clear(state) : 'same'
  }
}

/**
 * `gaps: reset`: notes that a reading came at `time`, and starts `for` again when the silence before it was too long. Call
 * before `step`, with every reading of the metric; the state needs saving after it.
 */
export function noteArrival(state: AlarmState, time: number): void {
  state.arrivals ??= { last: time, gaps: [] }
  if (endsSilence(state.arrivals, time) && state.condition === 'pending') state.condition = 'normal'
}

function raise(state: AlarmState, time: number): Transition {
  state.condition = 'active'
  state.raisedAt = time
  state.transitions++
  return 'raised'
}

function clear(state: AlarmState): Transition {
  state.condition = 'normal'
  state.transitions++
  return 'cleared'
}
