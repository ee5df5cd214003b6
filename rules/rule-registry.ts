import type { AuditAction } from '../domain/audit-entry.ts'
import { changedFields } from '../lib/changed-fields.ts'
import type { Clock } from '../lib/clock.ts'
import type { Act } from '../log/act.ts'
import type { Log, LogTransaction } from '../log/log.ts'
import { type FieldChange, fieldChanges } from './field-changes.ts'
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

/** What a whole set of rules changes; ids in order. */
export interface SetChanges {
  readonly created: readonly string[]
  readonly updated: readonly { readonly id: string; readonly changes: readonly FieldChange[] }[]
  readonly unchanged: readonly string[]
  readonly deleted: readonly string[]
}

/** Versions kept of each rule; the oldest go. */
const versionsMax = 100

/** The rules and their versions, in the log's tables. Versions are compared inside the transaction that writes. */
export class RuleRegistry {
  readonly #log: Log
  readonly #clock: Clock
  readonly #listeners: (() => void)[] = []

  constructor(log: Log, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  /** Called after each change. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener)
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
  install(
    rules: readonly Rule[],
    { replace, act }: { replace: boolean; act?: Act | undefined },
  ): Promise<Installed> {
    const now = this.#now()
    return this.#write((tx) => {
      const outcome = { installed: [] as string[], unchanged: [] as string[], kept: [] as string[] }
      for (const rule of rules) {
        const current = tx.get<StoredRule>('rules', rule.id)
        const installedVersion = tx.get<number>('meta', `rule-installed:${rule.id}`)
        if (current !== undefined && canonical(ownFields(current)) === canonical(rule)) {
          outcome.unchanged.push(rule.id)
        } else if (current !== undefined && current.version !== installedVersion && !replace) {
          outcome.kept.push(rule.id)
        } else {
          const version = (tx.get<number>('meta', `rule-version:${rule.id}`) ?? 0) + 1
          this.#keep(
            tx,
            { ...rule, version, createdAt: current?.createdAt ?? now, updatedAt: now, ...author(act) },
            current,
            act,
          )
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

  /** `act` is of who asks for it, here and below; none for the platform's own. */
  create(rule: Rule, act?: Act): Promise<{ outcome: 'created'; rule: StoredRule } | { outcome: 'exists' }> {
    const now = this.#now()
    return this.#write((tx) => {
      if (tx.get('rules', rule.id) !== undefined) return { outcome: 'exists' }
      return { outcome: 'created', rule: this.#create(tx, rule, now, act) }
    })
  }

  /** Replaces a rule that is at `expectedVersion` (`*`: any). A replacement that changes nothing keeps the version. */
  replace(id: string, rule: Rule, expectedVersion: number | '*', act?: Act): Promise<Updated> {
    return this.#edit(id, expectedVersion, () => ({ ...rule, id }), act, 'rule.updated')
  }

  setEnabled(id: string, enabled: boolean, act?: Act): Promise<Updated> {
    const action = enabled ? 'rule.enabled' : 'rule.disabled'
    return this.#edit(id, '*', (rule) => ({ ...rule, enabled }), act, action)
  }

  /** What `apply` would do. */
  plan(rules: readonly Rule[], prune: boolean): SetChanges {
    return this.#plan((id) => this.get(id), rules, prune)
  }

  /** Makes the rules what a set says, all or nothing; with `prune` those that are not in it go. */
  apply(rules: readonly Rule[], prune: boolean, act?: Act): Promise<SetChanges> {
    const now = this.#now()
    return this.#write((tx) => {
      const changes = this.#plan((id) => tx.get<StoredRule>('rules', id), rules, prune)
      const byId = new Map(rules.map((rule) => [rule.id, rule]))
      for (const id of changes.created) this.#create(tx, byId.get(id)!, now, act)
      for (const { id } of changes.updated) {
        const current = tx.get<StoredRule>('rules', id)!
        this.#replace(tx, current, byId.get(id)!, now, act)
      }
      for (const id of changes.deleted) this.#remove(tx, tx.get<StoredRule>('rules', id)!, act)
      return changes
    })
  }

  remove(id: string, expectedVersion: number | '*', act?: Act): Promise<Removed> {
    return this.#write((tx) => {
      const current = tx.get<StoredRule>('rules', id)
      if (current === undefined) return { outcome: 'not_found' }
      if (expectedVersion !== '*' && current.version !== expectedVersion)
        return { outcome: 'stale', rule: current }
      this.#remove(tx, current, act)
      return { outcome: 'removed' }
    })
  }

  #plan(find: (id: string) => StoredRule | undefined, rules: readonly Rule[], prune: boolean): SetChanges {
    const created: string[] = []
    const updated: { id: string; changes: FieldChange[] }[] = []
    const unchanged: string[] = []
    for (const rule of [...rules].sort((a, b) => (a.id < b.id ? -1 : 1))) {
      const current = find(rule.id)
      const changes = current === undefined ? [] : ruleChanges(ownFields(current), rule)
      if (current === undefined) created.push(rule.id)
      else if (changes.length > 0) updated.push({ id: rule.id, changes })
      else unchanged.push(rule.id)
    }
    const named = new Set(rules.map(({ id }) => id))
    const ids = prune ? this.#log.entries('rules').map(([id]) => id) : []
    return { created, updated, unchanged, deleted: ids.filter((id) => !named.has(id)) }
  }

  #edit(
    id: string,
    expectedVersion: number | '*',
    edit: (rule: StoredRule) => Rule,
    act: Act | undefined,
    action: AuditAction,
  ): Promise<Updated> {
    const now = this.#now()
    return this.#write((tx) => {
      const current = tx.get<StoredRule>('rules', id)
      if (current === undefined) return { outcome: 'not_found' }
      if (expectedVersion !== '*' && current.version !== expectedVersion)
        return { outcome: 'stale', rule: current }
      return { outcome: 'updated', rule: this.#replace(tx, current, edit(current), now, act, action) }
    })
  }

  #create(tx: LogTransaction, rule: Rule, now: string, act: Act | undefined): StoredRule {
    // A rule of that name may have been deleted: its versions, and so its events' ids, go on from there.
    const version = (tx.get<number>('meta', `rule-version:${rule.id}`) ?? 0) + 1
    const stored: StoredRule = { ...rule, version, createdAt: now, updatedAt: now, ...author(act) }
    this.#keep(tx, stored, undefined, act)
    return stored
  }

  #replace(
    tx: LogTransaction,
    current: StoredRule,
    rule: Rule,
    now: string,
    act: Act | undefined,
    action: AuditAction = 'rule.updated',
  ): StoredRule {
    const own = ownFields(rule)
    if (canonical(own) === canonical(ownFields(current))) return current
    const { createdAt, version } = current
    const stored: StoredRule = { ...own, version: version + 1, createdAt, updatedAt: now, ...author(act) }
    this.#keep(tx, stored, current, act, action)
    return stored
  }

  #remove(tx: LogTransaction, { id, version }: StoredRule, act: Act | undefined): void {
    tx.remove('rules', id)
    act?.write(tx, 'rule.deleted', id, { version })
  }

  #keep(
    tx: LogTransaction,
    rule: StoredRule,
    before: StoredRule | undefined,
    act: Act | undefined,
    action: AuditAction = 'rule.updated',
  ): void {
    tx.put('rules', rule.id, rule)
    tx.put('rule-versions', versionKey(rule.id, rule.version), rule)
    tx.put('meta', `rule-version:${rule.id}`, rule.version)
    if (rule.version > versionsMax)
      tx.remove('rule-versions', versionKey(rule.id, rule.version - versionsMax))
    const { id, version } = rule
    if (before === undefined) act?.write(tx, 'rule.created', id, { version })
    else {
      const changed = changedFields(ownFields(before), ownFields(rule))
      act?.write(tx, action, id, { versionBefore: before.version, version, changed })
    }
  }

  async #write<T>(change: (tx: LogTransaction) => T): Promise<T> {
    const outcome = await this.#log.transaction(change)
    for (const listener of this.#listeners) listener()
    return outcome
  }

  #now(): string {
    return new Date(this.#clock.now()).toISOString()
  }
}

/** What differs; the secret of a webhook is told to nobody. */
function ruleChanges(before: Rule, after: Rule): FieldChange[] {
  const changes = fieldChanges(before, after)
  const others = changes.filter(({ pointer }) => !pointer.startsWith('/actions'))
  if (others.length === changes.length) return changes
  const urls = ({ actions }: Rule) => actions?.map(({ kind, url }) => ({ kind, url }))
  return [...others, { pointer: '/actions', before: urls(before), after: urls(after) }]
}

/** A rule without what the platform adds to it. */
export function ownFields(rule: Rule | StoredRule): Rule {
  const { version: _v, createdAt: _c, updatedAt: _u, updatedBy: _b, ...own } = rule as StoredRule
  return own
}

function author(act: Act | undefined): { updatedBy?: string } {
  return act === undefined ? {} : { updatedBy: act.by }
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
