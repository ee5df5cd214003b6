import type { Severity } from '../domain/event.ts'
import { type Arrivals, endsSilence } from './arrivals.ts'
import { type Outcome, outcomes } from './conditions/condition.ts'

/** The condition of an alarm, after ISA-18.2 and OPC UA Part 9. */
export type AlarmCondition = 'normal' | 'pending' | 'active' | 'recovering'

/** How far the alarm of one (rule, device) is. Times are event times, Unix ms. */
export interface Alarm {
  condition: AlarmCondition
  /** First reading of the episode. */
  since: number
  raisedAt: number
  /** First reading past `clear`, while recovering. */
  recoveringSince: number
  /** Events of this episode so far: the ordinal in the next one's id. */
  transitions: number
  /** Steps of escalation taken in this episode, or, while normal, in the last. */
  escalated?: number | undefined
  /** True while up without having been announced: it was silenced. */
  isUnannounced?: true | undefined
  /** When readings came, kept only under `gaps: reset`. */
  arrivals?: Arrivals | undefined
  /** The condition is met outside the schedule, and the clock shows it when that comes into force: at this event time. */
  resumesAt?: number | undefined
}

/** State of one (rule, device): small, plain and kept in the log. */
export interface AlarmState extends Alarm {
  /** The condition's own state. */
  inner?: unknown
  /** Readings up to this event time are not the instance's: it began after them. Kept where windows are shared. */
  after?: number | undefined
  /** The limits and durations that the device's labels gave, where the rule asks for labels. */
  basis?: string | undefined
}

export function normalState(): Alarm {
  return { condition: 'normal', since: 0, raisedAt: 0, recoveringSince: 0, transitions: 0 }
}

/** The alarm of all that never were anything but normal, which most are. */
export const atRest: Readonly<Alarm> = Object.freeze(normalState())

/** The alarm of a state. */
export function alarmOf({ inner, after, basis, ...alarm }: AlarmState): Readonly<Alarm> {
  const isAtRest = Object.entries(alarm).every(([field, value]) => atRest[field as keyof Alarm] === value)
  return isAtRest ? atRest : Object.assign(normalState(), alarm)
}

export function isUp({ condition }: Readonly<Alarm>): boolean {
  return condition === 'active' || condition === 'recovering'
}

/** How long conditions must last; durations are inclusive: `for: 3m` is reached at exactly three minutes. */
export interface AlarmTiming {
  readonly forMs: number
  readonly keepForMs: number
  /** Rising `afterMs`, since the alarm was raised. */
  readonly escalate: readonly { readonly afterMs: number; readonly severity: Severity }[]
}

export type Transition = 'raised' | 'escalated' | 'cleared'

/** What a step did: nothing, a change that needs saving, or a transition that is an event. */
export type StepResult = 'same' | 'changed' | Transition

/**
 * One input, judged `outcome` at event time `time`, in order of time: the table of docs/RULES.md, "From condition to alarm".
 * While `isSilenced` nothing is announced, and what begins then is announced at the first input after it.
 */
export function step(
  state: Alarm,
  outcome: Outcome,
  time: number,
  timing: AlarmTiming,
  isSilenced: boolean,
): StepResult {
  const moved = move(state, outcome, time, timing)
  if (moved === 'cleared') {
    const wasAnnounced = state.isUnannounced !== true
    state.isUnannounced = undefined
    return wasAnnounced ? announce(state, 'cleared') : 'changed'
  }
  if (moved === 'raised') state.isUnannounced = true
  if (!isUp(state)) return moved
  const hasEscalated = escalate(state, time, timing)
  if (isSilenced) return hasEscalated ? 'changed' : moved === 'raised' ? 'changed' : moved
  if (state.isUnannounced && state.condition === 'active') {
    state.isUnannounced = undefined
    return announce(state, 'raised')
  }
  if (hasEscalated) return state.isUnannounced ? 'changed' : announce(state, 'escalated')
  return moved
}

function move(
  state: Alarm,
  outcome: Outcome,
  time: number,
  { forMs, keepForMs }: AlarmTiming,
): 'same' | 'changed' | 'raised' | 'cleared' {
  switch (state.condition) {
    case 'normal':
      if (outcome !== outcomes.met) return 'same'
      state.condition = 'pending'
      state.escalated = undefined
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

/** The severity that escalation has given the alarm; undefined before the first step. */
export function escalatedSeverity(state: Readonly<Alarm>, { escalate }: AlarmTiming): Severity | undefined {
  return escalate[(state.escalated ?? 0) - 1]?.severity
}

/** Event time at which the clock alone changes something, for conditions that run on the clock; Infinity when none. */
export function nextDeadline(state: Readonly<Alarm>, { forMs, escalate }: AlarmTiming): number {
  if (state.condition === 'pending') return state.since + forMs
  const step = state.condition === 'active' ? escalate[state.escalated ?? 0] : undefined
  return step === undefined ? Number.POSITIVE_INFINITY : state.raisedAt + step.afterMs
}

/**
 * `gaps: reset`: notes that a reading came at `time`, and starts `for` again when the silence before it was too long. Call
 * before `step`, with every reading of the metric; the state needs saving after it.
 */
export function noteArrival(state: Alarm, time: number): void {
  state.arrivals ??= { last: time, gaps: [] }
  if (endsSilence(state.arrivals, time) && state.condition === 'pending') state.condition = 'normal'
}

function escalate(state: Alarm, time: number, { escalate }: AlarmTiming): boolean {
  let steps = state.escalated ?? 0
  while (steps < escalate.length && time - state.raisedAt >= escalate[steps]!.afterMs) steps++
  if (steps === (state.escalated ?? 0)) return false
  state.escalated = steps
  return true
}

function raise(state: Alarm, time: number): 'raised' {
  state.condition = 'active'
  state.raisedAt = time
  return 'raised'
}

function clear(state: Alarm): 'cleared' {
  state.condition = 'normal'
  return 'cleared'
}

function announce(state: Alarm, transition: Transition): Transition {
  state.transitions++
  return transition
}
