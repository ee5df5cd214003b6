import type { DeviceRecord } from '../domain/device.ts'
import type { Clock } from '../lib/clock.ts'
import type { Change, Log } from '../log/log.ts'
import { toEvent } from './alarm-events.ts'
import { isUp } from './alarm-machine.ts'
import type { AlarmRequest } from './alarm-table.ts'
import { groupDevice } from './cohort.ts'
import { CompiledRule } from './compile.ts'
import type { Evaluator } from './evaluator.ts'
import { type KeptInstance, type RuleStateTable, RuleStateWriter } from './kept-state.ts'
import type { StoredRule } from './rule.ts'
import { canonical } from './rule-registry.ts'

export interface RuleChangesOptions {
  readonly log: Log
  readonly clock: Clock
  readonly findDevice: (id: string) => DeviceRecord | undefined
  readonly kept: RuleStateTable
  readonly evaluator: Evaluator
}

/**
 * Applies edits of rules and devices, and what people ask of alarms, to what is evaluated: an edit ends only what it must. The
 * rule as it was last applied is kept (`meta`), so that an edit made while nothing ran is noticed.
 */
export class RuleChanges {
  readonly #options: RuleChangesOptions
  /** Devices whose instances may no longer be selected by their rules; at the start, all. */
  #unsettled: Set<string> | 'all' = 'all'

  constructor(options: RuleChangesOptions) {
    this.#options = options
  }

  async apply({ table, key, value }: Change): Promise<void> {
    if (table === 'devices') await this.#applyDevice(key)
    if (table === 'rules') await this.#applyRule(key, value as StoredRule | undefined)
    // The usual interval of a type is part of what its rules were compiled to.
    if (table === 'profiles') this.#options.evaluator.forgetState()
    if (table === 'alarm-requests' && value !== undefined)
      await this.#applyRequest(key, value as AlarmRequest)
  }

  async #applyDevice(id: string): Promise<void> {
    const { log, kept, evaluator } = this.#options
    if (kept.mustDrop(id)) {
      const ruleIds = log.entries<StoredRule>('rules').map(([ruleId]) => ruleId)
      await log.transaction((tx) => new RuleStateWriter(tx, kept).dropDevice(id, ruleIds))
    }
    evaluator.forgetDevice(id)
    if (this.#unsettled !== 'all') this.#unsettled.add(id)
  }

  async #applyRule(id: string, rule: StoredRule | undefined): Promise<void> {
    const { log, kept, evaluator } = this.#options
    const applied = log.get<StoredRule>('meta', appliedKey(id))
    if (canonical(applied ?? null) !== canonical(rule ?? null)) {
      const reason = applied === undefined ? undefined : endOf(applied, rule)
      const ended = reason === undefined ? [] : kept.instancesOf(id)
      await log.transaction((tx) => {
        const writer = new RuleStateWriter(tx, kept)
        this.#end(writer, ended, () => applied, reason ?? '')
        if (reason !== undefined) writer.dropCohorts(id)
        if (rule === undefined) tx.remove('meta', appliedKey(id))
        else tx.put('meta', appliedKey(id), rule)
      })
    }
    evaluator.setRule(id, rule)
  }

  /** Somebody clears an alarm: its instance begins anew. One that has ended by itself meanwhile goes on. */
  async #applyRequest(key: string, { rule, device, by }: AlarmRequest): Promise<void> {
    const { log, kept, evaluator } = this.#options
    const state = kept.instance(rule, device)
    const ended = state === undefined || !isUp(state) ? [] : [{ ruleId: rule, deviceId: device, state }]
    await log.transaction((tx) => {
      const writer = new RuleStateWriter(tx, kept)
      this.#end(writer, ended, (id) => evaluator.rule(id)?.rule, `cleared by ${by}`)
      for (const instance of ended) writer.beginAnew(instance)
      tx.remove('alarm-requests', key)
    })
    if (ended.length > 0) evaluator.forgetInstance(rule, device)
  }

  /** Ends the instances of devices that an edit of their type or labels took out of a rule's `select`, or gave other limits. */
  async settle(): Promise<void> {
    const { log, kept, evaluator } = this.#options
    if (this.#unsettled !== 'all' && this.#unsettled.size === 0) return
    const candidates = this.#unsettled === 'all' ? kept.instances() : this.#instancesOf(this.#unsettled)
    const ended = candidates.filter((instance) => this.#isOver(instance))
    if (ended.length > 0) {
      const ruleOf = (id: string) => evaluator.rule(id)?.rule
      await log.transaction((tx) => {
        const writer = new RuleStateWriter(tx, kept)
        this.#end(writer, ended, ruleOf, 'device changed')
        for (const instance of ended) {
          writer.dropMember(instance.ruleId, instance.deviceId)
          if (this.#isSelected(instance)) writer.beginAnew(instance)
        }
      })
      for (const { ruleId, deviceId } of ended) evaluator.forgetInstance(ruleId, deviceId)
    }
    this.#unsettled = new Set()
  }

  #isOver({ ruleId, deviceId, state }: KeptInstance): boolean {
    const device = this.#options.findDevice(deviceId)
    const rule = this.#options.evaluator.rule(ruleId)
    if (rule === undefined) return false
    if (device === undefined) return rule.isOfCohort && !this.#options.evaluator.hasGroup(ruleId, deviceId)
    if (!rule.matches(device)) return true
    return state.basis !== undefined && state.basis !== this.#options.evaluator.basisOf(rule, device)
  }

  #isSelected({ ruleId, deviceId }: KeptInstance): boolean {
    const device = this.#options.findDevice(deviceId)
    return device !== undefined && this.#options.evaluator.rule(ruleId)?.matches(device) === true
  }

  #instancesOf(deviceIds: ReadonlySet<string>): KeptInstance[] {
    const { kept, evaluator } = this.#options
    return [...evaluator.ruleIds()].flatMap((ruleId) => [
      // One may have lost its last device.
      ...(evaluator.rule(ruleId)?.isOfCohort ? kept.groupsOf(ruleId) : []),
      ...kept.devicesOf(ruleId, deviceIds),
    ])
  }

  /** Forgets instances, and clears those whose alarm is up: at the device's newest event time, for `reason`. */
  #end(
    writer: RuleStateWriter,
    instances: readonly KeptInstance[],
    ruleOf: (id: string) => StoredRule | undefined,
    reason: string,
  ): void {
    const { clock, kept, findDevice } = this.#options
    const recordedAt = clock.now()
    for (const instance of instances) {
      const { state, deviceId, ruleId } = instance
      writer.dropInstance(instance)
      const rule = ruleOf(ruleId)
      if (rule === undefined || !isUp(state) || state.isUnannounced) continue
      const device = findDevice(deviceId) ?? groupOf(rule, deviceId)
      if (device === undefined) continue
      const time = Math.max(state.raisedAt, kept.clock(deviceId)?.time ?? state.raisedAt)
      const ordinal = state.transitions + 1
      const facts = { rule, device, time, since: state.since, ordinal, recordedAt, reason }
      writer.event(toEvent({ ...facts, state: 'cleared' }))
    }
  }
}

/** A group of a rule as the device of its alarm. */
function groupOf(rule: StoredRule, id: string): DeviceRecord | undefined {
  return rule.when.kind === 'group' ? groupDevice(new CompiledRule(rule, 0), id) : undefined
}

/** Why an edit ends the instances of a rule; undefined where it changes only words. */
function endOf(before: StoredRule, after: StoredRule | undefined): string | undefined {
  if (after === undefined) return 'rule deleted'
  // Deleted and made again between two looks.
  if (before.createdAt !== after.createdAt) return 'rule deleted'
  if (before.enabled && !after.enabled) return 'rule disabled'
  return evaluationOf(before) === evaluationOf(after) ? undefined : 'rule changed'
}

/** The part of a rule that decides when it holds. */
function evaluationOf(rule: StoredRule): string {
  const { when, select, for: held, keepFor, wait, gaps, schedule, enabled } = rule
  return canonical({ when, select, held, keepFor, wait, gaps, schedule, enabled })
}

/** In `meta`: the rule as the engine applied it last. */
export const appliedKeyPrefix = 'rule-applied:'

function appliedKey(rule: string): string {
  return `${appliedKeyPrefix}${rule}`
}
