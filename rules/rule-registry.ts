import type { Clock } from '../lib/clock.ts'
import type { Log, LogTransaction } from '../log/log.ts'
import type { Rule, StoredRule } from './rule.ts'

export type Updated =
  | { readonly outcome: 'updated'; readonly rule: StoredRule }
  | { readonly outcome: 'not_found' }
  /** The rule is at another version than the caller saw. */
  | { readonly outcome: 'stale'; readonly rule: StoredRule }

/** What became of the rules of a pack; ids in the pack's order. */
export interface Installed {
  /** New, or put in the place of what an earlier installation had left and nobody edited since. */
  readonly installed: readonly string[]
  readonly unchanged: readonly string[]
  /** Edited since, or another's: left alone. */
  readonly kept: readonly string[]
}

export type Removed = { readonly outcome: 'removed' } | Exclude<Updated, { outcome: 'updated' }>

/** Versions kept of each rule; the oldest go. */
const versionsMax = 100

/** The rules and their versions, in the log's tables. Versions are compared inside the transaction that writes. */
export class RuleRegistry {
  readonly #log: Log
  readonly #clock: Clock

  constructor(log: Log, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  get(id: string): StoredRule | undefined {
    return this.#log.get<StoredRule>('rules', id)
  }

  /** Rules after the id `after`, in order of their ids. */
  list(filter: { enabled?: boolean | undefined; after?: string | undefined; limit: number }): StoredRule[] {
    const range = filter.after === undefined ? {} : { after: filter.after }
    const rules = this.#log.entries<StoredRule>('rules', range).map(([, rule]) => rule)
    return rules
      .filter((rule) => filter.enabled === undefined || rule.enabled === filter.enabled)
      .slice(0, filter.limit)
  }

  /**
   * Puts the rules of a pack in, all in one transaction. The version that an installation left is remembered: a rule at another
   * one has been edited by somebody, and stays as it is unless `replace` is true.
   */
  install(rules: readonly Rule[], { replace }: { replace: boolean }): Promise<Installed> {
    const now = this.#now()
    return this.#log.transaction((tx) => {
      const outcome = { installed: [] as string[], unchanged: [] as string[], kept: [] as string[] }
      for (const rule of rules) {
        const current = tx.get<StoredRule>('rules', rule.id)
        const installedVersion = tx.get<number>('meta', `rule-installed:${rule.id}`)
        if (current !== undefined && hasContent(current, rule)) {
          outcome.unchanged.push(rule.id)
        } else if (current !== undefined && current.version !== installedVersion && !replace) {
          outcome.kept.push(rule.id)
        } else {
          const version = (tx.get<number>('meta', `rule-version:${rule.id}`) ?? 0) + 1
          this.#keep(tx, { ...rule, version, createdAt: current?.createdAt ?? now, updatedAt: now })
          tx.put('meta', `rule-installed:${rule.id}`, version)
          outcome.installed.push(rule.id)
        }
      }
      return outcome
    })
  }

  /** Newest first. */
  versions(id: string): StoredRule[] {
    return this.#log
      .entries<StoredRule>('rule-versions', { prefix: `${id}/` })
      .map(([, rule]) => rule)
      .reverse()
  }

  create(rule: Rule): Promise<{ outcome: 'created'; rule: StoredRule } | { outcome: 'exists' }> {
    const now = this.#now()
    return this.#log.transaction((tx) => {
      if (tx.get('rules', rule.id) !== undefined) return { outcome: 'exists' }
      // A rule of that name may have been deleted: its versions, and so its events' ids, go on from there.
      const version = (tx.get<number>('meta', `rule-version:${rule.id}`) ?? 0) + 1
      const stored: StoredRule = { ...rule, version, createdAt: now, updatedAt: now }
      this.#keep(tx, stored)
      return { outcome: 'created', rule: stored }
    })
  }

  /** Replaces a rule that is at `expectedVersion` (`*`: any). A replacement that changes nothing keeps the version. */
  replace(id: string, rule: Rule, expectedVersion: number | '*'): Promise<Updated> {
    return this.#edit(id, expectedVersion, () => ({ ...rule, id }))
  }

  setEnabled(id: string, enabled: boolean): Promise<Updated> {
    return this.#edit(id, '*', (rule) => ({ ...rule, enabled }))
  }

  remove(id: string, expectedVersion: number | '*'): Promise<Removed> {
    return this.#log.transaction((tx) => {
      const current = tx.get<StoredRule>('rules', id)
      if (current === undefined) return { outcome: 'not_found' }
      if (expectedVersion !== '*' && current.version !== expectedVersion)
        return { outcome: 'stale', rule: current }
      tx.remove('rules', id)
      return { outcome: 'removed' }
    })
  }

  #edit(id: string, expectedVersion: number | '*', edit: (rule: StoredRule) => Rule): Promise<Updated> {
    const now = this.#now()
    return this.#log.transaction((tx) => {
      const current = tx.get<StoredRule>('rules', id)
      if (current === undefined) return { outcome: 'not_found' }
      if (expectedVersion !== '*' && current.version !== expectedVersion)
        return { outcome: 'stale', rule: current }
      const { createdAt, updatedAt, version } = current
      const edited: StoredRule = { ...edit(current), createdAt, updatedAt, version }
      if (canonical(edited) === canonical(current)) return { outcome: 'updated', rule: current }
      const stored: StoredRule = { ...edited, updatedAt: now, version: version + 1 }
      this.#keep(tx, stored)
      return { outcome: 'updated', rule: stored }
    })
  }

  #keep(tx: LogTransaction, rule: StoredRule): void {
    tx.put('rules', rule.id, rule)
    tx.put('rule-versions', versionKey(rule.id, rule.version), rule)
    tx.put('meta', `rule-version:${rule.id}`, rule.version)
    if (rule.version > versionsMax)
      tx.remove('rule-versions', versionKey(rule.id, rule.version - versionsMax))
  }

  #now(): string {
    return new Date(this.#clock.now()).toISOString()
  }
}

/** Whether the rule that is kept says what `rule` does. */
function hasContent(
  { version: _v, createdAt: _c, updatedAt: _u, updatedBy: _b, ...own }: StoredRule,
  rule: Rule,
): boolean {
  return canonical(own) === canonical(rule)
}

function versionKey(id: string, version: number): string {
  return `${id}/${String(version).padStart(10, '0')}`
}

/** The same text for the same content, whatever the order of its keys. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
