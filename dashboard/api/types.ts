/** Shapes of what the API answers, as far as the dashboard shows them. Times are RFC 3339. */

export type Value = number | boolean | string
export type Severity = 'critical' | 'major' | 'minor' | 'warning' | 'info'

export interface Page<T> {
  readonly items: readonly T[]
  readonly nextCursor: string | null
}

export type Role = 'read' | 'operate' | 'admin'

/** The token that asks. */
export interface OwnToken {
  readonly id: string
  readonly name: string
  readonly role: Role
  readonly expiresAt: string | null
}

export interface Stats {
  readonly messages: {
    readonly acknowledged: number
    readonly stored: number
    readonly deadLettered: number
    readonly pending: number
    readonly perSecond: number
  }
  readonly devices: { readonly total: number; readonly online: number }
  readonly alarms: {
    readonly standing: number
    readonly standingBySeverity: Readonly<Record<Severity, number>>
    readonly unacknowledged: number
    readonly shelved: number
  }
  readonly consumers: readonly { readonly name: string; readonly lag: number }[]
  readonly store: { readonly kind: string; readonly up: boolean }
}

export interface Device {
  readonly id: string
  readonly type: string
  readonly labels: Readonly<Record<string, string>>
  readonly createdAt: string
  readonly online: boolean
  readonly lastSeenAt: string | null
}

export interface Credentials {
  readonly username: string
  readonly password: string
}

export interface DeviceWithSecret {
  readonly device: Device
  readonly credentials: Credentials
}

/** How a device connects, and what publishes for it with its secret in DEVICE_SECRET. */
export interface DeviceConnection {
  readonly host: string
  readonly port: number
  readonly tls: boolean
  readonly clientId: string
  readonly topic: string
  readonly payload: Readonly<Record<string, Value>>
  readonly mosquittoPub: string
  readonly node: string
  readonly python: string
}

export interface LatestValue {
  readonly value: Value
  readonly time: string
  readonly unit: string | null
}

export interface Latest {
  readonly device: string
  readonly values: Readonly<Record<string, LatestValue>>
}

export interface Command {
  readonly id: string
  readonly name: string
  readonly status: string
  readonly createdAt: string
  readonly history: readonly { readonly status: string; readonly at: string }[]
  readonly response: unknown
}

export interface Reading {
  readonly time: string
  readonly values: Readonly<Record<string, Value>>
}

export interface Comment {
  readonly text: string
  readonly by: string
  readonly at: string
}

export interface Alarm {
  readonly id: string
  readonly rule: string
  readonly device: string
  readonly class: string
  readonly severity: Severity
  readonly condition: 'active' | 'recovering' | 'normal'
  readonly acknowledged: boolean
  readonly acknowledgedBy: string | null
  readonly since: string
  readonly raisedAt: string
  readonly clearedAt: string | null
  readonly value?: Value
  readonly threshold?: Value | readonly number[]
  readonly message: string
  readonly shelvedUntil: string | null
  readonly comments: readonly Comment[]
}

/** An alarm that has ended. */
export interface Episode {
  readonly alarm: string
  readonly rule: string
  readonly device: string
  readonly severity: Severity
  readonly since: string
  readonly raisedAt: string
  readonly clearedAt: string
  readonly durationMs: number
  readonly acknowledgedBy: string | null
  readonly comments: readonly Comment[]
  readonly value?: Value
  readonly threshold?: Value | readonly number[]
  readonly message: string
  readonly reason?: string
}

export interface AlarmEvent {
  readonly id: string
  readonly sequence: string
  readonly time: string
  readonly data: {
    readonly alarm: string
    readonly rule: string
    readonly device: string
    readonly severity: Severity
    readonly state: 'raised' | 'escalated' | 'cleared' | 'acknowledged' | 'shelved'
    readonly message: string
  }
}

export interface DeadLetter {
  readonly id: string
  readonly receivedAt: string
  readonly device: string
  readonly topic: string
  readonly stage: string
  readonly reason: string
  readonly detail: string
  readonly payload: string
  readonly encoding: 'utf8' | 'base64'
}

export interface Replayed {
  readonly replayed: number
  readonly failed: readonly { readonly id: string; readonly reason: string }[]
}

export interface MetricProfile {
  readonly unit?: string
  readonly kind: 'gauge' | 'counter' | 'state'
}

export interface Profile {
  readonly type: string
  /** Labels by which readings are told apart. */
  readonly tags: readonly string[]
  readonly metrics: Readonly<Record<string, MetricProfile>>
}

/** A function over the newest values of a group's devices in a minute. */
export type LiveFunction = 'sum' | 'mean' | 'min' | 'max' | 'count'

/** A minute of a live series, by value of the label, or `all`. */
export interface LiveMinute {
  readonly time: string
  readonly values: Readonly<Record<string, number>>
  readonly closed: boolean
}

/** The same as the stream has it: all functions. */
export interface LiveMinuteEvent extends Omit<LiveMinute, 'values'> {
  readonly values: Readonly<Record<string, Readonly<Record<LiveFunction, number>>>>
}

export interface RankedDevice {
  readonly device: string
  readonly value: number
  readonly time: string
}

export interface LiveTop {
  readonly highest: readonly RankedDevice[]
  readonly lowest: readonly RankedDevice[]
  /** Readings that came too late to be counted. */
  readonly late: number
  /** Of what there is more than the platform counts. */
  readonly bounds: readonly ('devices' | 'metrics' | 'labels' | 'labelValues')[]
}

export interface Rule {
  readonly id: string
  readonly name: string
  readonly class: string
  readonly severity: Severity
  readonly enabled: boolean
  readonly version: number
  readonly createdAt: string
  readonly updatedAt: string
  readonly updatedBy?: string
  readonly select: { readonly types: readonly string[] }
  readonly when: { readonly kind: string }
}

export interface RulePack {
  readonly name: string
  readonly description: string
  readonly rules: readonly string[]
}

export interface Transition {
  readonly device: string
  readonly transition: 'raised' | 'escalated' | 'cleared'
  readonly time: string
  readonly since: string
  readonly value?: Value
  readonly severity: Severity
}

export interface RuleTest {
  readonly transitions: readonly Transition[]
  readonly evaluated: number
  readonly truncated: boolean
}

export interface FieldProblem {
  readonly pointer: string
  readonly detail: string
}
