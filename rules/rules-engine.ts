import type { EventRecord } from '../domain/event.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { consume } from '../log/consume.ts'
import { type Change, consumers, counters, type Log, type LogRecord } from '../log/log.ts'
import { decodeReadingBatch } from '../log/reading-batch-codec.ts'
import { RegistryView } from '../registry/registry-view.ts'
import { toEvent } from './alarm-events.ts'
import { Evaluator, type Occurrence } from './evaluator.ts'
import { type KeptInstance, RuleStateTable, RuleStateWriter } from './kept-state.ts'
import type { StoredRule } from './rule.ts'
import { canonical } from './rule-registry.ts'

export interface RulesEngineOptions {
  readonly log: Log
  readonly clock: Clock
  readonly logger: Logger
}

const readLimits = { entriesMax: 5_000, bytesMax: 4 * 1024 * 1024 }
const gatherMs = 15

/**
 * The consumer of `readings` that raises and clears alarms. Events, states, clocks and the offset commit together, so a
 * crash repeats nothing and forgets nothing. Rules and devices are followed through the log's feed of changes; the rule as
 * it was last applied is kept too (`meta`), so that an edit made while this was down is noticed.
 */
export class RulesEngine {
  readonly #options: RulesEngineOptions
  readonly #registry: RegistryView
  readonly #kept: RuleStateTable
  readonly #evaluator: Evaluator
  readonly #stopping = new AbortController()
  /** Changes seen and not yet applied: those that a log which cannot be written put off are at its head. */
  #changes: Change[] = []
  /** Devices whose instances may no longer be selected by their rules; at the start, all. */
  #unsettled: Set<string> | 'all' = 'all'
  #running: Promise<void> | undefined

  constructor(options: RulesEngineOptions) {
    this.#options = options
    this.#registry = new RegistryView(options.log)
    this.#kept = new RuleStateTable(options.log, this.#findDevice)
    this.#evaluator = new Evaluator(this.#kept, this.#findDevice)
  }

  start(): void {
    this.#running = consume({
      ...this.#options,
      stream: 'readings',
      consumer: consumers.rules,
      limits: readLimits,
      gatherMs,
      signal: this.#stopping.signal,
      process: (records, next) => this.#process(records, next),
      idle: () => this.#followChanges(),
      onRefused: () => this.#evaluator.forgetState(),
    })
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  readonly #findDevice = (id: string) => this.#registry.devices.get(id)

  async #process(records: readonly LogRecord[], next: number): Promise<boolean> {
    // Registrations after the readings: a device is registered before its first reading is logged, so it is known here.
    await this.#followChanges()
    const evaluation = this.#evaluator.evaluate(records.map((record) => decodeReadingBatch(record.value)))
    const recordedAt = this.#options.clock.now()
    const events = evaluation.occurrences.map((occurrence) => eventOf(occurrence, recordedAt))
    await this.#options.log.transaction((tx) => {
      const writer = new RuleStateWriter(tx)
      for (const event of events) writer.event(event)
      writer.evaluation(evaluation, this.#findDevice)
      if (evaluation.evaluations > 0) tx.count(counters.ruleEvaluations, evaluation.evaluations)
      tx.commitOffset(consumers.rules, next)
    })
    return true
  }

  /** Applies edited rules and devices: closes what an edit ends, keeps what it leaves alone. */
  async #followChanges(): Promise<void> {
    this.#changes.push(...this.#registry.refresh())
    for (let change = this.#changes[0]; change !== undefined; change = this.#changes[0]) {
      if (change.table === 'devices') await this.#applyDevice(change.key)
      if (change.table === 'rules') await this.#applyRule(change.key, change.value as StoredRule | undefined)
      this.#changes.shift()
    }
    await this.#settle()
  }

  async #applyDevice(id: string): Promise<void> {
    const { log } = this.#options
    if (this.#kept.mustDrop(id)) {
      const ruleIds = log.entries<StoredRule>('rules').map(([ruleId]) => ruleId)
      await log.transaction((tx) => new RuleStateWriter(tx).dropDevice(id, ruleIds))
    }
    this.#evaluator.forgetDevice(id)
    if (this.#unsettled !== 'all') this.#unsettled.add(id)
  }

  async #applyRule(id: string, rule: StoredRule | undefined): Promise<void> {
    const { log } = this.#options
    const applied = log.get<StoredRule>('meta', appliedKey(id))
    if (canonical(applied ?? null) !== canonical(rule ?? null)) {
      const reason = applied === undefined ? undefined : endOf(applied, rule)
      const ended = reason === undefined ? [] : this.#kept.instances(id)
      await log.transaction((tx) => {
        this.#end(new RuleStateWriter(tx), ended, () => applied, reason ?? '')
        if (rule === undefined) tx.remove('meta', appliedKey(id))
        else tx.put('meta', appliedKey(id), rule)
      })
    }
    this.#evaluator.setRule(id, rule)
  }

  /** Ends the instances of devices that an edit of their type or labels took out of a rule's `select`. */
  async #settle(): Promise<void> {
    if (this.#unsettled !== 'all' && this.#unsettled.size === 0) return
    const candidates = this.#unsettled === 'all' ? this.#kept.instances() : this.#instancesOf(this.#unsettled)
    const ended = candidates.filter(({ ruleId, deviceId }) => {
      const device = this.#findDevice(deviceId)
      return device !== undefined && this.#evaluator.rule(ruleId)?.matches(device) === false
    })
    const ruleOf = (id: string) => this.#evaluator.rule(id)?.rule
    if (ended.length > 0) {
      await this.#options.log.transaction((tx) =>
        this.#end(new RuleStateWriter(tx), ended, ruleOf, 'device changed'),
      )
    }
    this.#unsettled = new Set()
  }

  #instancesOf(deviceIds: ReadonlySet<string>): KeptInstance[] {
    const found: KeptInstance[] = []
    for (const deviceId of deviceIds) {
      for (const ruleId of this.#evaluator.ruleIds()) {
        const state = this.#kept.instance(ruleId, deviceId)
        if (state !== undefined) found.push({ ruleId, deviceId, state })
      }
    }
    return found
  }

  /** Forgets instances, and clears those whose alarm is up: at the device's newest event time, for `reason`. */
  #end(
    writer: RuleStateWriter,
    instances: readonly KeptInstance[],
    ruleOf: (id: string) => StoredRule | undefined,
    reason: string,
  ): void {
    const recordedAt = this.#options.clock.now()
    for (const instance of instances) {
      const { state, deviceId, ruleId } = instance
      writer.dropInstance(instance)
      const [rule, device] = [ruleOf(ruleId), this.#findDevice(deviceId)]
      const isUp = state.condition === 'active' || state.condition === 'recovering'
      if (!isUp || rule === undefined || device === undefined) continue
      const time = Math.max(state.raisedAt, this.#kept.clock(deviceId) ?? state.raisedAt)
      const ordinal = state.transitions + 1
      const facts = { rule, device, time, since: state.since, ordinal, recordedAt, reason }
      writer.event(toEvent({ ...facts, state: 'cleared' }))
    }
  }
}

/** Why an edit ends the instances of a rule; undefined where it changes only words. */
function endOf(before: StoredRule, after: StoredRule | undefined): string | undefined {
  if (after === undefined) return 'rule deleted'
  if (before.enabled && !after.enabled) return 'rule disabled'
  return evaluationOf(before) === evaluationOf(after) ? undefined : 'rule changed'
}

/** The part of a rule that decides when it holds. */
function evaluationOf({ when, select, for: held, keepFor, wait, gaps, enabled }: StoredRule): string {
  return canonical({ when, select, held, keepFor, wait, gaps, enabled })
}

function appliedKey(rule: string): string {
  return `rule-applied:${rule}`
}

function eventOf({ instance, transition, ...rest }: Occurrence, recordedAt: number): EventRecord {
  const { compiled, device, condition } = instance
  return toEvent({
    rule: compiled.rule,
    device,
    state: transition,
    recordedAt,
    threshold: condition.threshold,
    ...rest,
  })
}
