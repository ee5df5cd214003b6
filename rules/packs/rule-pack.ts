import type { EventClass, Severity } from '../../domain/event.ts'
import type { Duration, Selection } from '../rule.ts'

/** A set of rules for one purpose, as data: `rules/rule-packs.ts` checks and installs them. */
export interface RulePack {
  readonly name: string
  readonly description: string
  /** What its limits are taken from, exactly named. */
  readonly standards: readonly string[]
  readonly rules: readonly PackRule[]
}

/** A rule as `POST /rules` takes it: what is left out has its default. */
export interface PackRule {
  readonly id: string
  readonly name: string
  /** What it claims, and what it does not. */
  readonly description: string
  readonly class: EventClass
  readonly severity: Severity
  readonly select: Partial<Selection>
  readonly when: Readonly<Record<string, unknown>>
  readonly for?: Duration
  readonly keepFor?: Duration
  readonly escalate?: readonly { readonly after: Duration; readonly severity: Severity }[]
  readonly schedule?: Readonly<Record<string, unknown>>
  readonly suppressedBy?: readonly string[]
  readonly message: string
  readonly labels: {
    readonly pack: string
    /** The standard with its clause where that is known, or `practiceNotStandard`. */
    readonly standard: string
  }
}

export const practiceNotStandard = 'practice, not a standard'
