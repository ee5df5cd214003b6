import type { EventRecord } from '../domain/event.ts'
import type { Clock } from '../lib/clock.ts'
import { delay } from '../lib/clock.ts'
import { TidemarkError } from '../lib/errors.ts'
import type { Logger } from '../lib/logger.ts'
import { consumers, counters, type Log, type LogRecord, type LogTransaction } from '../log/log.ts'
import { decodeReadingBatch } from '../log/reading-batch-codec.ts'
import { RegistryView } from '../registry/registry-view.ts'
import { type Alarm, alarmAfter, alarmId, toEvent } from './alarm-events.ts'
import type { AlarmState } from './alarm-machine.ts'
import { type Evaluation, Evaluator, type Instance, type Occurrence } from './evaluator.ts'
import type { StoredRule } from './rule.ts'
import { canonical } from './rule-registry.ts'

export interface RulesEngineOptions {
  readonly log: Log
  readonly clock: Clock
  readonly logger: Logger
}

const readLimits = { entriesMax: 5_000, bytesMax: 4 * 1024 * 1024 }
const waitMs = 1_000
const retryMs = 500
/** Between two parts of a key; in no rule or device id. */
const separator = '\u0000'

/**
 * The consumer of `readings` that raises and clears alarms. Events, states, clocks and the offset commit together, so a
 * crash repeats nothing and forgets nothing. Rules and devices are followed through the log's feed of changes; the rule as
 * it was last applied is kept too (`meta`), so that an edit made while this was down is noticed.
 */
export class RulesEngine {
  readonly #options: RulesEngineOptions
  readonly #registry: RegistryView
  readonly #evaluator: Evaluator
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined

  constructor(options: RulesEngineOptions) {
    const { log } = options
    this.#options = options
    this.#registry = new RegistryView(log)
    this.#evaluator = new Evaluator(
      {
        instance: (rule, device) => log.get<AlarmState>('rule-state', stateKey(rule, device)),
        clock: (device) => log.get<number>('device-clocks', device),
      },
      (id) => this.#registry.devices.get(id),
    )
  }

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { log, logger } = this.#options
    let offset = log.offset(consumers.rules)
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#followChanges()
        const records = log.read('readings', offset, readLimits)
        const last = records.at(-1)
        if (last === undefined) {
          await log.waitFor('readings', offset, waitMs, this.#stopping.signal)
          continue
        }
        await this.#process(records, last.offset + last.count)
        offset = last.offset + last.count
      } catch (error) {
        if (!(error instanceof TidemarkError)) throw error
        logger.error({ code: error.code, detail: error.message }, 'the rules wait for the log')
        this.#evaluator.forgetState()
        await delay(retryMs, this.#stopping.signal)
      }
    }
  }

  async #process(records: readonly LogRecord[], next: number): Promise<void> {
    const evaluation = this.#evaluator.evaluate(records.map((record) => decodeReadingBatch(record.value)))
    const recordedAt = this.#options.clock.now()
    const events = evaluation.occurrences.map((occurrence) => eventOf(occurrence, recordedAt))
    await this.#options.log.transaction((tx) => {
      for (const event of events) write(tx, event)
      keepState(tx, evaluation)
      if (evaluation.evaluations > 0) tx.count(counters.ruleEvaluations, evaluation.evaluations)
      tx.commitOffset(consumers.rules, next)
    })
  }

  /** Applies edited rules and devices: closes what an edit ends, keeps what it leaves alone. */
  async #followChanges(): Promise<void> {
    for (const { table, key, value } of this.#registry.refresh()) {
      if (table === 'devices') {
        if (value === undefined) await this.#dropDevice(key)
        this.#evaluator.forgetDevice(key)
      }
      if (table !== 'rules') continue
      const rule = value as StoredRule | undefined
      const applied = this.#options.log.get<StoredRule>('meta', appliedKey(key))
      if (applied !== undefined && canonical(applied) !== canonical(rule ?? null))
        await this.#edit(applied, rule)
      else if (applied === undefined && rule !== undefined) await this.#markApplied(key, rule)
      this.#evaluator.setRule(key, rule)
    }
  }

  #markApplied(id: string, rule: StoredRule): Promise<void> {
    return this.#options.log.transaction((tx) => tx.put('meta', appliedKey(id), rule))
  }

  /** Ends the instances of a rule whose evaluation an edit changes; an edit of its words keeps them. */
  async #edit(before: StoredRule, after: StoredRule | undefined): Promise<void> {
    const { log, clock } = this.#options
    const reason =
      after === undefined
        ? 'rule deleted'
        : before.enabled && !after.enabled
          ? 'rule disabled'
          : evaluationOf(before) === evaluationOf(after)
            ? undefined
            : 'rule changed'
    const prefix = stateKey(before.id, '')
    const kept = reason === undefined ? [] : log.entries<AlarmState>('rule-state', { prefix })
    const now = clock.now()
    await log.transaction((tx) => {
      for (const [key, state] of kept) {
        const device = this.#registry.devices.get(key.slice(prefix.length))
        if (device !== undefined && (state.condition === 'active' || state.condition === 'recovering')) {
          const time = Math.max(state.raisedAt, log.get<number>('device-clocks', device.id) ?? now)
          const facts = {
            rule: before,
            device,
            time,
            since: state.since,
            ordinal: state.transitions + 1,
            recordedAt: now,
          }
          write(tx, toEvent({ ...facts, state: 'cleared', reason: reason! }))
        }
        tx.remove('rule-state', key)
      }
      if (after === undefined) tx.remove('meta', appliedKey(before.id))
      else tx.put('meta', appliedKey(before.id), after)
    })
  }

  async #dropDevice(id: string): Promise<void> {
    const { log } = this.#options
    const rules = log.entries<StoredRule>('rules').map(([ruleId]) => ruleId)
    await log.transaction((tx) => {
      tx.remove('device-clocks', id)
      for (const rule of rules) {
        if (tx.get('rule-state', stateKey(rule, id)) !== undefined)
          tx.remove('rule-state', stateKey(rule, id))
        if (tx.get('alarms', alarmId(rule, id)) !== undefined) tx.remove('alarms', alarmId(rule, id))
      }
    })
  }
}

function stateKey(rule: string, device: string): string {
  return `${rule}${separator}${device}`
}

function appliedKey(rule: string): string {
  return `rule-applied:${rule}`
}

/** The part of a rule that decides when it holds. */
function evaluationOf({ when, select, for: held, keepFor, wait, gaps, enabled }: StoredRule): string {
  return canonical({ when, select, held, keepFor, wait, gaps, enabled })
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

function write(tx: LogTransaction, event: EventRecord): void {
  const { class: eventClass, severity, state, alarm } = event.data
  tx.append('events', Buffer.from(JSON.stringify(event)), 1)
  tx.count(counters.events(eventClass, severity, state), 1)
  const before = tx.get<Alarm>('alarms', alarm)
  const after = alarmAfter(event)
  tx.put(
    'alarms',
    alarm,
    state === 'cleared' && before !== undefined ? { ...after, raisedAt: before.raisedAt } : after,
  )
}

function keepState(tx: LogTransaction, { changed, clocks }: Evaluation): void {
  for (const instance of changed) tx.put('rule-state', keyOf(instance), instance.state)
  for (const [device, time] of clocks) tx.put('device-clocks', device, time)
}

function keyOf({ compiled, device }: Instance): string {
  return stateKey(compiled.rule.id, device.id)
}
