import type { z } from 'zod'
import type { Value } from '../../domain/profile.ts'
import type { Condition, Duration, Limit } from '../rule.ts'

/** What a condition says: docs/RULES.md, "From condition to alarm". */
export const outcomes = { met: 1, between: 0, cleared: -1, unknown: -2 } as const
export type Outcome = (typeof outcomes)[keyof typeof outcomes]

/** Readings of one metric over a sliding window that ends at the reading being judged; shared by rules. */
export interface WindowView {
  /** Number of readings with time in (time − length, time]. */
  readonly count: number
  /** Over those readings; of none, NaN (sum 0). `stddev` is the population's. */
  mean(): number
  sum(): number
  min(): number
  max(): number
  stddev(): number
  /** Linear interpolation between the closest ranks, 0 ≤ q ≤ 1. */
  quantile(q: number): number
  /** The newest reading with time ≤ time − length. */
  before(): { readonly time: number; readonly value: number } | undefined
  /** Time of the oldest reading that is held, be it older than the window; undefined where there is none. */
  readonly oldestTime: number | undefined
  /** It holds as many readings as it may: older ones may have been given up. */
  readonly isFull: boolean
}

/** What a condition is shown: a reading of the device, that its clock has reached a time, or its connection. */
export interface Input {
  readonly kind: 'reading' | 'tick' | 'connected' | 'disconnected'
  /** Event time, Unix ms. Never less than that of the input before. */
  readonly time: number
  readonly device: string
  /** The metric's value in this reading: booleans as true and false. */
  value(metric: string): Value | undefined
  /** The same where it is a number or, as 0 or 1, a boolean; undefined for a text and for what the reading does not hold. */
  number(metric: string): number | undefined
  /** A window that the condition asked for in `windows`, with this reading in it. */
  window(metric: string, lengthMs: number): WindowView
  /** What the condition asked for in `previous`: the newest reading before this one. Good until the next question. */
  previous(need: PreviousNeed): PreviousReading | undefined
  /** Whether the alarm of a rule that the condition depends on is active or recovering for this device. */
  isActive(rule: string): boolean
}

export interface WindowNeed {
  readonly metric: string
  readonly lengthMs: number
  /** All that is asked is whether the value stood still; without it, anything. */
  readonly stillness?: Stillness
}

/** A metric whose reading is compared with the one before it: of any type, or (a text is passed over) a number, or a boolean as 0 or 1. */
export interface PreviousNeed {
  readonly metric: string
  readonly type: 'any' | 'number'
}

export interface PreviousReading {
  /** Event time, Unix ms. */
  readonly time: number
  /** A number where that is what was asked for. */
  readonly value: Value
}

/**
 * What a window need not hold if its readings are only asked whether they stood still: none older than the newest run of readings
 * that differ by no more than `tolerance`, but the newest `minCount` of all.
 */
export interface Stillness {
  readonly tolerance: number
  readonly minCount: number
}

/** What is known of a device when its state begins. */
export interface Beginning {
  /** Newest event time of the device so far; of one never heard, its registration by the wall clock. Unix ms. */
  readonly beganAt: number
}

/**
 * A condition compiled for a device: limits and durations resolved. It holds no state (but what `hasChanged` says of the newest
 * step) and reads no clock: what `step` does
 * follows from the state and the input alone, so that live, restart and backtest share it.
 */
export interface CompiledCondition<S = unknown> {
  /** Those whose readings reach it. */
  readonly metrics: ReadonlySet<string>
  /** True: every reading of the device reaches it (absence of any metric). */
  readonly everyReading?: boolean
  /** True: it is shown `connected` and `disconnected` too. */
  readonly onConnection?: boolean
  readonly windows: readonly WindowNeed[]
  readonly previous?: readonly PreviousNeed[]
  /** The limit that events name; where it depends on the state, `thresholdOf`. */
  readonly threshold: Value | readonly number[]
  /** Plain data that survives JSON: finite numbers, booleans, texts, arrays, plain objects. */
  initial(beginning: Beginning): S
  /** Judges one input that reaches it, changing the state in place. */
  step(state: S, input: Input): Outcome
  /** Whether `step` changed the state, asked right after it: what did not change is not stored again. Without it, each step is taken to. */
  hasChanged?(): boolean
  /** What the event reports, asked right after `step` with the same input. */
  value(state: S, input: Input): Value | undefined
  thresholdOf?(state: S, input: Input): Value | readonly number[]
  /** Beside the reading: rows for the event's evidence. */
  evidence?(state: S, input: Input): readonly Readonly<Record<string, Value>>[]
  /** Of kinds that run on the clock: the next event time at which a `tick` changes something, Infinity when none. */
  deadline?(state: S): number
}

/** What compiling needs beside the condition. */
export interface CompileContext {
  limit(limit: Limit): number
  /** Milliseconds. */
  duration(duration: Duration): number
  /** Of the device's profile, ms. */
  readonly expectedIntervalMs: number | undefined
  readonly labels: Readonly<Record<string, string>>
  compile(inner: Condition): CompiledCondition
}

/** One kind of condition: its file exports this, and condition-kinds.ts lists it. */
export interface ConditionKind<C extends Condition, S = unknown> {
  /** Shape and contradictions within the condition; paths are below the condition. */
  readonly schema: z.ZodType<C>
  /** Metrics that it names itself, each with the path (below the condition) at which it does. */
  reads(condition: C): readonly { readonly path: readonly (string | number)[]; readonly metric: string }[]
  /** Inner conditions, likewise. */
  inner?(condition: C): readonly {
    readonly path: readonly (string | number)[]
    readonly condition: Condition
  }[]
  compile(condition: C, context: CompileContext): CompiledCondition<S>
}
