import type { EventClass, Severity } from '../domain/event.ts'
import type { Value } from '../domain/profile.ts'
import type { WebhookAction } from '../domain/webhook.ts'

/** A limit: a number, or a label of the device that holds one. */
export type Limit = number | { readonly label: string; readonly default: number }

/** A duration such as `15m`, or a label of the device that holds one. */
export type Duration = string | { readonly label: string; readonly default: string }

/** The comparison of kinds that calculate a number: exactly one. */
export interface AboveOrBelow {
  readonly above?: Limit | undefined
  readonly below?: Limit | undefined
}

/** Exactly one of above, below, outside, inside, equals. */
export interface ThresholdCondition extends AboveOrBelow {
  readonly kind: 'threshold'
  readonly metric: string
  readonly outside?: readonly [number, number] | undefined
  readonly inside?: readonly [number, number] | undefined
  readonly equals?: Value | undefined
  readonly clear?: number | readonly [number, number] | undefined
}

export interface RateCondition extends AboveOrBelow {
  readonly kind: 'rate'
  readonly metric: string
  readonly per: Duration
  readonly window?: Duration | undefined
}

export interface AggregateCondition extends AboveOrBelow {
  readonly kind: 'aggregate'
  readonly metric: string
  /** `mean min max sum count range stddev`, or `p50` … `p99`. */
  readonly fn: string
  readonly window: Duration
  readonly minCount: number
  /** A window with a reading outside is not judged. */
  readonly plausible?: readonly [number, number] | undefined
}

export interface ShareCondition {
  readonly kind: 'share'
  readonly of: Condition
  readonly window: Duration
  readonly above: Limit
}

export interface CumulativeCondition {
  readonly kind: 'cumulative'
  readonly of: Condition
  readonly longerThan: Duration
  readonly reset?: Condition | undefined
}

export interface InverseTimeCondition {
  readonly kind: 'inverse-time'
  readonly metric: string
  readonly table: readonly { readonly above: Limit; readonly for: Duration }[]
}

export interface AbsenceCondition {
  readonly kind: 'absence'
  readonly metric?: string | undefined
  readonly longerThan: Duration | { readonly intervals: number }
}

export interface StuckCondition {
  readonly kind: 'stuck'
  readonly metric: string
  readonly window: Duration
  readonly tolerance: number
  readonly minCount: number
}

export interface CounterCondition {
  readonly kind: 'counter'
  readonly metric: string
  readonly event: 'reset' | 'rollover' | 'reverse' | 'implausible'
  readonly max?: number | undefined
  readonly maxPerHour?: Limit | undefined
  /** Of reverse and implausible: steps by no more than this are neither. */
  readonly tolerance?: number | undefined
}

/** Rows of rising `upTo`; the last has none. */
export type ScoreRows = readonly { readonly upTo?: number | undefined; readonly points: number }[]

/** Exactly one of above, single. */
export interface ScoreCondition {
  readonly kind: 'score'
  readonly table: 'news2' | Readonly<Record<string, ScoreRows>>
  readonly above?: Limit | undefined
  readonly single?: number | undefined
  readonly maxAge: Duration
}

export interface BaselineCondition {
  readonly kind: 'baseline'
  readonly metric: string
  readonly method: 'ewma' | 'mad' | 'daily'
  readonly window: Duration
  readonly k: number
  readonly direction: 'both' | 'above' | 'below'
  readonly warmup: Duration
  readonly minSpread: number
  /** IANA name; of `daily`. */
  readonly timezone: string
}

export interface TrendCondition {
  readonly kind: 'trend'
  readonly metric: string
  readonly window: Duration
  readonly reaches: Limit
  readonly within: Duration
  readonly minSamples: number
}

export interface PeersCondition {
  readonly kind: 'peers'
  readonly metric: string
  readonly by: string
  readonly k: number
  readonly minPeers: number
  readonly maxAge: Duration
  readonly minSpread: number
}

export interface FlappingCondition {
  readonly kind: 'flapping'
  readonly of: 'connection' | { readonly rule: string }
  readonly above: number
  readonly clear: number
}

export interface SequenceCondition {
  readonly kind: 'sequence'
  readonly steps: readonly { readonly when: Condition; readonly within?: Duration | undefined }[]
}

export interface AllCondition {
  readonly kind: 'all'
  readonly of: readonly Condition[]
}

export interface AnyCondition {
  readonly kind: 'any'
  readonly of: readonly Condition[]
}

export interface NotCondition {
  readonly kind: 'not'
  readonly of: Condition
}

export interface RepeatedCondition {
  readonly kind: 'repeated'
  readonly of: Condition
  readonly times: number
  readonly for: Duration
  readonly within?: Duration | undefined
}

/** Exactly one of atLeast, share. */
export interface GroupCondition {
  readonly kind: 'group'
  readonly of: Condition
  readonly by?: string | undefined
  readonly atLeast?: number | undefined
  readonly share?: number | undefined
}

export interface ExpressionCondition {
  readonly kind: 'expression'
  readonly cel: string
  readonly maxAge?: Duration | undefined
}

export type Condition =
  | ThresholdCondition
  | RateCondition
  | AggregateCondition
  | ShareCondition
  | CumulativeCondition
  | InverseTimeCondition
  | AbsenceCondition
  | StuckCondition
  | CounterCondition
  | ScoreCondition
  | BaselineCondition
  | TrendCondition
  | PeersCondition
  | FlappingCondition
  | SequenceCondition
  | AllCondition
  | AnyCondition
  | NotCondition
  | RepeatedCondition
  | GroupCondition
  | ExpressionCondition

export type Weekday = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun'

/** When a rule is in force, by the reading's event time in `timezone`. `to` before `from` runs into the next day. */
export interface Schedule {
  /** IANA name. */
  readonly timezone: string
  readonly weekly: readonly {
    readonly days: readonly Weekday[]
    /** `HH:MM`, included. */
    readonly from: string
    /** `HH:MM`, not included; `24:00` is the end of the day. */
    readonly to: string
  }[]
}

/** Which devices: each given part must match; empty is any. */
export interface Selection {
  readonly types: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly devices: readonly string[]
}

export interface Rule {
  readonly id: string
  readonly name: string
  readonly description?: string | undefined
  readonly enabled: boolean
  readonly class: EventClass
  readonly severity: Severity
  readonly select: Selection
  readonly when: Condition
  readonly for: Duration
  readonly keepFor: Duration
  /** Rising `after`. */
  readonly escalate: readonly { readonly after: Duration; readonly severity: Severity }[]
  readonly schedule?: Schedule | undefined
  readonly wait: string
  readonly gaps: 'hold' | 'reset'
  readonly suppressedBy: readonly string[]
  readonly message: string
  readonly labels: Readonly<Record<string, string>>
  /** Webhooks of its own; none where it has none. */
  readonly actions?: readonly WebhookAction[] | undefined
}

/** A rule as it is kept: each change is a version. */
export interface StoredRule extends Rule {
  readonly version: number
  /** RFC 3339. */
  readonly createdAt: string
  readonly updatedAt: string
  /** Name of the token that made this version; none for the platform's own. */
  readonly updatedBy?: string | undefined
}
