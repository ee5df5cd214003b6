import type { ConnectionChange } from '../domain/connection-change.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { decodeConnectionChanges } from '../log/connection-codec.ts'
import { consume } from '../log/consume.ts'
import {
  type Change,
  consumers,
  counters,
  type Log,
  type LogRecord,
  type LogTransaction,
} from '../log/log.ts'
import { decodeReadingBatch } from '../log/reading-batch-codec.ts'
import { RegistryView } from '../registry/registry-view.ts'
import { Evaluator } from './evaluator.ts'
import type { Evaluation } from './instance.ts'
import { RuleStateTable, RuleStateWriter } from './kept-state.ts'
import { eventOf } from './occurrence-event.ts'
import { RuleChanges } from './rule-changes.ts'
import { Silences } from './silences.ts'

export interface RulesEngineOptions {
  readonly log: Log
  readonly clock: Clock
  readonly logger: Logger
  /** Pairs of rule and device that are evaluated. */
  readonly pairsMax: number
}

/** LMDB keeps the memory of as many pages as its largest commit ever changed, and a reading changes some ten. */
const readLimits = { entriesMax: 1_000, bytesMax: 4 * 1024 * 1024 }
/** What ingest gathered is enough: whoever waits for an event should not wait twice. */
const gatherMs = 0
/** A message that was received this long ago has reached the log, if it ever will. */
const settledMs = 500
const readingsMax = 100_000
const limitLogMs = 60_000

/**
 * The consumer of `readings` and `connections` that raises and clears alarms. Events, states, clocks and the offset commit
 * together, so a crash repeats nothing and forgets nothing. Rules, devices and what people do with alarms are followed through
 * the log's feed of changes.
 */
export class RulesEngine {
  readonly #options: RulesEngineOptions
  readonly #registry: RegistryView
  readonly #kept: RuleStateTable
  readonly #evaluator: Evaluator
  readonly #silences = new Silences()
  readonly #edits: RuleChanges
  readonly #stopping = new AbortController()
  /** Changes seen and not yet applied: those that a log which cannot be written put off are at its head. */
  #changes: Change[] = []
  /** The two streams take turns: what one evaluates is committed before the other begins. */
  #turn: Promise<unknown> = Promise.resolve()
  #running: Promise<unknown> | undefined
  readonly #limitsLogged = new Map<string, number>()

  constructor(options: RulesEngineOptions) {
    const { log, clock, pairsMax } = options
    this.#options = options
    this.#registry = new RegistryView(log)
    const findDevice = (id: string) => this.#registry.devices.get(id)
    this.#kept = new RuleStateTable(log, this.#registry.devices)
    this.#evaluator = new Evaluator({
      kept: this.#kept,
      devices: () => this.#registry.devices.values(),
      findDevice,
      profileOf: (type) => this.#registry.profiles.get(type),
      isSilenced: (rule, device, timeMs) => this.#silences.isSilenced(rule, device, timeMs),
      endOfSilence: (rule, device, timeMs) => this.#silences.endOfSilence(rule, device, timeMs),
      pairsMax,
      readingsMax,
      onLimit: (code, rule, device) => this.#logLimit(code, rule, device),
    })
    this.#edits = new RuleChanges({ log, clock, findDevice, kept: this.#kept, evaluator: this.#evaluator })
  }

  start(): void {
    const { signal } = this.#stopping
    const onRefused = () => this.#evaluator.forgetState()
    const readings = consume({
      ...this.#options,
      stream: 'readings',
      consumer: consumers.rules,
      limits: readLimits,
      gatherMs,
      signal,
      process: (records, next) => this.#inTurn(() => this.#readings(records, next)),
      idle: () => this.#inTurn(() => this.#silence()),
      onRefused,
    })
    const connections = consume({
      ...this.#options,
      stream: 'connections',
      consumer: consumers.rulesConnections,
      limits: readLimits,
      gatherMs,
      signal,
      process: (records, next) => this.#inTurn(() => this.#connections(records, next)),
      onRefused,
    })
    this.#running = Promise.all([readings, connections])
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #readings(records: readonly LogRecord[], next: number): Promise<boolean> {
    // Registrations after the readings: a device is registered before its first reading is logged, so it is known here.
    await this.#followChanges()
    const batches = records.map((record) => decodeReadingBatch(record.value))
    await this.#commit(this.#evaluator.evaluate(batches), (tx) => tx.commitOffset(consumers.rules, next))
    return true
  }

  async #connections(records: readonly LogRecord[], next: number): Promise<boolean> {
    await this.#followChanges()
    const changes: ConnectionChange[] = records.flatMap(({ value }) => decodeConnectionChanges(value))
    await this.#commit(this.#evaluator.connections(changes), (tx) =>
      tx.commitOffset(consumers.rulesConnections, next),
    )
    return true
  }

  /** Nothing to read. Silence is silence only when no message is still on its way. */
  async #silence(): Promise<void> {
    await this.#followChanges()
    const { log, clock } = this.#options
    const now = clock.now() - settledMs
    const isBehind =
      log.offset(consumers.ingest) < log.end('ingress') || log.offset(consumers.rules) < log.end('readings')
    if (isBehind) return
    const evaluation = this.#evaluator.advance(now)
    if (hasChanged(evaluation)) await this.#commit(evaluation, () => undefined)
  }

  async #commit(evaluation: Evaluation, more: (tx: LogTransaction) => void): Promise<void> {
    const recordedAt = this.#options.clock.now()
    const events = evaluation.occurrences.map((occurrence) => eventOf(occurrence, recordedAt))
    await this.#options.log.transaction((tx) => {
      const writer = new RuleStateWriter(tx, this.#kept)
      for (const event of events) writer.event(event)
      writer.evaluation(evaluation, (id) => this.#registry.devices.get(id))
      if (evaluation.evaluations > 0) tx.count(counters.ruleEvaluations, evaluation.evaluations)
      more(tx)
    })
  }

  /** Applies what was edited: closes what an edit ends, keeps what it leaves alone. */
  async #followChanges(): Promise<void> {
    const fresh = this.#registry.refresh()
    this.#changes = this.#changes.length === 0 ? fresh : [...this.#changes, ...fresh]
    let applied = 0
    try {
      for (const change of this.#changes) {
        this.#silences.apply(change)
        await this.#edits.apply(change)
        applied++
      }
    } finally {
      this.#changes = this.#changes.slice(applied)
    }
    await this.#edits.settle()
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => undefined)
    return result
  }

  #logLimit(code: string, rule: string, device: string): void {
    const now = this.#options.clock.now()
    if (now - (this.#limitsLogged.get(code) ?? Number.NEGATIVE_INFINITY) < limitLogMs) return
    this.#limitsLogged.set(code, now)
    this.#options.logger.warn({ code, rule, device }, 'a bound of the rules was met')
  }
}

function hasChanged({ occurrences, changed, clocks, windows, held, unneeded }: Evaluation): boolean {
  const lists = [occurrences, windows, held, unneeded.windows, unneeded.held]
  return changed.size > 0 || clocks.size > 0 || lists.some(({ length }) => length > 0)
}
