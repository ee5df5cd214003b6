import type { EventClass, Severity } from '../domain/event.ts'
import type { Value } from '../domain/profile.ts'

/** A limit: a number, or a label of the device that holds one. */
export type Limit = number | { readonly label: string; readonly default: number }

/** `when.kind: threshold`. Exactly one of above, below, outside, inside, equals. */
export interface ThresholdCondition {
  readonly kind: 'threshold'
  readonly metric: string
  readonly above?: Limit | undefined
  readonly below?: Limit | undefined
  readonly outside?: readonly [number, number] | undefined
  readonly inside?: readonly [number, number] | undefined
  readonly equals?: Value | undefined
  readonly clear?: number | readonly [number, number] | undefined
}

export type Condition = ThresholdCondition

export interface Rule {
  readonly id: string
  readonly name: string
  readonly description?: string | undefined
  readonly enabled: boolean
  readonly class: EventClass
  readonly severity: Severity
  readonly select: {
    readonly types: readonly string[]
    readonly labels: Readonly<Record<string, string>>
    readonly devices: readonly string[]
  }
  readonly when: Condition
  readonly for: string
  readonly keepFor: string
  readonly wait: string
  readonly gaps: 'hold' | 'reset'
  readonly message: string
  readonly labels: Readonly<Record<string, string>>
}

/** A rule as it is kept: each change is a version. */
export interface StoredRule extends Rule {
  readonly version: number
  /** RFC 3339. */
  readonly createdAt: string
  readonly updatedAt: string
}
