import type { DeviceRecord } from '../domain/device.ts'
import type { Severity } from '../domain/event.ts'
import type { Value } from '../domain/profile.ts'
import {
  type Alarm,
  type AlarmState,
  alarmOf,
  atRest,
  isUp,
  nextDeadline,
  normalState,
  type Transition,
} from './alarm-machine.ts'
import type { RuleForDevice } from './compile.ts'
import type { HeldReading } from './held-readings.ts'
import type { StoredRule } from './rule.ts'

/** One rule for one device (or, of a group's rule, for one group): what it was compiled to, and its state. */
export class Instance {
  readonly compiled: RuleForDevice
  readonly device: DeviceRecord
  /** To be changed through `ownAlarm`. */
  alarm: Readonly<Alarm>
  /** The condition's own state. */
  readonly inner: unknown
  /** Readings up to this event time are not its own: it began after them. */
  readonly after: number | undefined
  /** It has just begun, and from when on is to be kept, though nothing has happened to it. */
  mustKeep: boolean
  /** Event time at which the clock announces it, where it is up and was silenced: see `Stepping`. */
  announceAt: number | undefined

  constructor(compiled: RuleForDevice, device: DeviceRecord, kept: AlarmState | undefined, newest: number) {
    const { condition } = compiled
    // One that begins anew has of before only what makes the ids of its events.
    const isFresh = kept?.inner === undefined
    const isHeard = newest !== Number.NEGATIVE_INFINITY
    this.compiled = compiled
    this.device = device
    this.alarm = kept === undefined ? atRest : alarmOf(kept)
    this.inner = isFresh
      ? condition.initial({ beganAt: isHeard ? newest : Date.parse(device.createdAt) })
      : kept.inner
    const looksBack = condition.windows.length > 0 || (condition.previous?.length ?? 0) > 0
    this.after = isFresh && isHeard && looksBack ? newest : kept?.after
    this.mustKeep = isFresh && (looksBack || condition.deadline !== undefined)
    this.announceAt = undefined
  }

  get rule(): StoredRule {
    return this.compiled.rule.rule
  }

  get isUp(): boolean {
    return isUp(this.alarm)
  }

  /** Whether each reading may change the state, so that it is to be kept. */
  get isStateful(): boolean {
    return this.inner !== null || this.compiled.rule.gapsReset
  }

  /** The alarm, to be changed: from then on it is not the one that all at rest share. */
  ownAlarm(): Alarm {
    if (this.alarm === atRest) this.alarm = normalState()
    return this.alarm
  }

  /** What makes its state other than that of one at rest: most are, and a row is then half as long. */
  get kept(): Partial<AlarmState> {
    const { alarm, inner, after, compiled } = this
    const kept: Record<string, unknown> = { inner }
    if (after !== undefined) kept.after = after
    if (compiled.basis !== undefined) kept.basis = compiled.basis
    if (alarm === atRest) return kept
    for (const [name, value] of Object.entries(alarm)) {
      if (value !== atRest[name as keyof Alarm]) kept[name] = value
    }
    return kept
  }

  /** Event time at which the clock alone changes something; Infinity when never. */
  get deadline(): number {
    const { condition, timing } = this.compiled
    if (condition.deadline === undefined) return Number.POSITIVE_INFINITY
    const { alarm, announceAt = Number.POSITIVE_INFINITY } = this
    const { resumesAt = Number.POSITIVE_INFINITY } = alarm
    return Math.min(condition.deadline(this.inner), nextDeadline(alarm, timing), resumesAt, announceAt)
  }
}

/** A transition that is an event. */
export interface Occurrence {
  readonly instance: Instance
  readonly transition: Transition
  /** Event times, Unix ms. */
  readonly time: number
  readonly since: number
  readonly ordinal: number
  readonly severity: Severity
  /** When the oldest reading of its batch was received, Unix ms; undefined where the clock showed it. */
  readonly receivedAt: number | undefined
  readonly value: Value | undefined
  readonly threshold: Value | readonly number[] | undefined
  readonly evidence: readonly Readonly<Record<string, Value>>[]
}

/** A held reading that has to be kept, or (without values) is no longer held. */
export interface HeldChange {
  /** The lane or the cohort that holds it. */
  readonly owner: string
  readonly device: string
  readonly time: number
  readonly reading: HeldReading | undefined
}

/** Newest event time of a device (null: never heard), and the wall time at which that reading arrived. */
export interface DeviceClock {
  readonly time: number | null
  readonly arrivedAt: number
  /** By `wait`: newest event time that the clock, not a reading, let go. */
  readonly letGo?: Readonly<Record<string, number>> | undefined
  /** Of which registration: an id that is given anew starts from nothing. */
  readonly registeredAt: string
}

/** A window that rules share (or, of metric '', the previous readings): of which lane or cohort, device and metric. */
export interface WindowName {
  readonly owner: string
  readonly device: string
  readonly metric: string
  readonly lengthMs: number
}

/** The part of a window that changed (undefined: that part is gone). */
export interface WindowChange extends WindowName {
  readonly start: number
  readonly bytes: Buffer | undefined
}

/** What one batch did: events to write, and the state to keep with them. */
export interface Evaluation {
  readonly occurrences: Occurrence[]
  readonly changed: Set<Instance>
  readonly clocks: Map<string, DeviceClock>
  readonly windows: WindowChange[]
  readonly held: HeldChange[]
  /** What no rule needs any more. */
  readonly unneeded: { readonly windows: WindowName[]; readonly held: string[] }
  evaluations: number
}

/** Adds what a later batch did to `evaluation`: what is written twice is then written as the later one has it. */
export function joinEvaluation(evaluation: Evaluation, later: Evaluation): void {
  for (const occurrence of later.occurrences) evaluation.occurrences.push(occurrence)
  for (const instance of later.changed) evaluation.changed.add(instance)
  for (const [device, clock] of later.clocks) evaluation.clocks.set(device, clock)
  for (const change of later.windows) evaluation.windows.push(change)
  for (const change of later.held) evaluation.held.push(change)
  for (const name of later.unneeded.windows) evaluation.unneeded.windows.push(name)
  for (const owner of later.unneeded.held) evaluation.unneeded.held.push(owner)
  evaluation.evaluations += later.evaluations
}

export function emptyEvaluation(): Evaluation {
  return {
    occurrences: [],
    changed: new Set(),
    clocks: new Map(),
    windows: [],
    held: [],
    unneeded: { windows: [], held: [] },
    evaluations: 0,
  }
}
