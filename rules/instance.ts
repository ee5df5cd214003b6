import type { DeviceRecord } from '../domain/device.ts'
import type { Severity } from '../domain/event.ts'
import type { Value } from '../domain/profile.ts'
import { type AlarmState, isUp, nextDeadline, normalState, type Transition } from './alarm-machine.ts'
import type { RuleForDevice } from './compile.ts'
import type { HeldReading } from './held-readings.ts'
import type { StoredRule } from './rule.ts'

/** One rule for one device (or, of a group's rule, for one group): what it was compiled to, and its state. */
export class Instance {
  readonly compiled: RuleForDevice
  readonly device: DeviceRecord
  readonly state: AlarmState
  /** It has just begun, and from when on is to be kept, though nothing has happened to it. */
  mustKeep: boolean
  /** Event time at which the clock announces it, where it is up and was silenced: see `Stepping`. */
  announceAt = Number.POSITIVE_INFINITY
  /** Whether each reading may change the state, so that it is to be kept. */
  readonly isStateful: boolean

  constructor(compiled: RuleForDevice, device: DeviceRecord, kept: AlarmState | undefined, newest: number) {
    const { condition, rule, basis } = compiled
    // One that begins anew has of before only what makes the ids of its events.
    const isFresh = kept?.inner === undefined
    // Not by a spread, of which V8 gives each object a shape of its own: 250 bytes more for each device of each rule.
    const state = Object.assign(normalState(), kept)
    if (isFresh) {
      const isHeard = newest !== Number.NEGATIVE_INFINITY
      state.inner = condition.initial({ beganAt: isHeard ? newest : Date.parse(device.createdAt) })
    }
    if (isFresh && condition.windows.length > 0 && newest !== Number.NEGATIVE_INFINITY) state.after = newest
    if (basis !== undefined) state.basis = basis
    this.mustKeep = isFresh && (condition.windows.length > 0 || condition.deadline !== undefined)
    this.compiled = compiled
    this.device = device
    this.state = state
    this.isStateful = state.inner !== null || rule.gapsReset
  }

  get rule(): StoredRule {
    return this.compiled.rule.rule
  }

  get isUp(): boolean {
    return isUp(this.state)
  }

  /** Event time at which the clock alone changes something; Infinity when never. */
  get deadline(): number {
    const { condition, timing } = this.compiled
    if (condition.deadline === undefined) return Number.POSITIVE_INFINITY
    const { inner, resumesAt = Number.POSITIVE_INFINITY } = this.state
    return Math.min(condition.deadline(inner), nextDeadline(this.state, timing), resumesAt, this.announceAt)
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
}

/** A window that rules share: of which lane or cohort, device and metric. */
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
