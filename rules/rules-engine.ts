import type { Clock } from '../lib/clock.ts'
import { TidemarkError } from '../lib/errors.ts'
import type { Logger } from '../lib/logger.ts'
import { decodeConnectionChanges } from '../log/connection-codec.ts'
import { consume } from '../log/consume.ts'
import { type Change, consumers, counters, type Log } from '../log/log.ts'
import { decodeReadingBatch } from '../log/reading-batch-codec.ts'
import { RegistryView } from '../registry/registry-view.ts'
import { Evaluator } from './evaluator.ts'
import { type Evaluation, emptyEvaluation, joinEvaluation } from './instance.ts'
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
  /** How long what raised no event may wait to be committed together with more: `commitMs` where it is left out. */
  readonly commitMs?: number
}

/** LMDB keeps the memory of as many pages as its largest commit ever changed, and a reading changes some ten. */
const entriesPerCommitMax = 1_000
const readLimits = { entriesMax: entriesPerCommitMax, bytesMax: 4 * 1024 * 1024 }
/** What ingest gathered is enough: whoever waits for an event should not wait twice. */
const gatherMs = 0
/** What raised no event concerns nobody until the next start: docs/decisions/0029. */
const commitMs = 50
/** A message that was received this long ago has reached the log, if it ever will. */
const settledMs = 500
const readingsMax = 100_000
const limitLogMs = 60_000

/** What was evaluated and is not committed yet. */
interface Uncommitted {
  readonly evaluation: Evaluation
  /** By consumer: where what was evaluated ends. */
  readonly reached: Map<string, number>
  entries: number
}

/**
 * The consumer of `readings` and `connections` that raises and clears alarms. Events, states, clocks and the offsets commit
 * together, so a crash repeats nothing and forgets nothing: at once where there is an event, else some groups at a time. Rules,
 * devices and what people do with alarms are followed through the log's feed of changes.
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
  /** The two streams take turns. */
  #turn: Promise<unknown> = Promise.resolve()
  #uncommitted = nothingYet()
  #commitTimer: NodeJS.Timeout | undefined
  /** Why a commit failed that no group waited for. */
  #refusal: { readonly error: unknown } | undefined
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
    const common = { ...this.#options, limits: readLimits, gatherMs, signal }
    const readings = consume({
      ...common,
      stream: 'readings',
      consumer: consumers.rules,
      reached: () => this.#reached(consumers.rules),
      process: (records, next, from) =>
        this.#evaluate(consumers.rules, from, next, () =>
          this.#evaluator.evaluate(records.map(({ value }) => decodeReadingBatch(value))),
        ),
      idle: () => this.#inTurn(() => this.#silence()),
    })
    const connections = consume({
      ...common,
      stream: 'connections',
      consumer: consumers.rulesConnections,
      reached: () => this.#reached(consumers.rulesConnections),
      process: (records, next, from) =>
        this.#evaluate(consumers.rulesConnections, from, next, () =>
          this.#evaluator.connections(records.flatMap(({ value }) => decodeConnectionChanges(value))),
        ),
    })
    this.#running = Promise.all([readings, connections])
  }

  /** What the log refuses now is evaluated again after the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    await this.#inTurn(() => this.#commit()).catch((error) => {
      if (!(error instanceof TidemarkError)) throw error
    })
  }

  /** Of a consumer: where the next group begins. */
  #reached(consumer: string): number {
    return this.#uncommitted.reached.get(consumer) ?? this.#options.log.offset(consumer)
  }

  /** Evaluates the group of a consumer from its offset `from` to `next`; false where it is not, or no longer, the next one. */
  #evaluate(consumer: string, from: number, next: number, evaluation: () => Evaluation): Promise<boolean> {
    return this.#inTurn(async () => {
      this.#throwRefusal()
      // Registrations after the readings: a device is registered before its first reading is logged, so it is known here.
      await this.#followChanges()
      // The commit of what came before was refused after the group had been read.
      if (from !== this.#reached(consumer)) return false
      const done = evaluation()
      this.#uncommitted.reached.set(consumer, next)
      this.#uncommitted.entries += next - from
      await this.#keep(done)
      return true
    })
  }

  /** Nothing to read. Silence is silence only when no message is still on its way. */
  async #silence(): Promise<void> {
    this.#throwRefusal()
    await this.#followChanges()
    const { log, clock } = this.#options
    const now = clock.now() - settledMs
    const isBehind =
      log.offset(consumers.ingest) < log.end('ingress') ||
      this.#reached(consumers.rules) < log.end('readings')
    if (isBehind) return
    const evaluation = this.#evaluator.advance(now)
    if (hasChanged(evaluation)) await this.#keep(evaluation)
  }

  async #keep(done: Evaluation): Promise<void> {
    const { evaluation, entries } = this.#uncommitted
    joinEvaluation(evaluation, done)
    const { commitMs: waitMs = commitMs } = this.#options
    if (evaluation.occurrences.length > 0 || entries >= entriesPerCommitMax) return this.#commit()
    this.#commitTimer ??= setTimeout(() => {
      this.#inTurn(() => this.#commit()).catch((error: unknown) => {
        this.#refusal = { error }
      })
    }, waitMs)
  }

  /** Nothing else is evaluated meanwhile: what there is stays uncommitted until it is done. */
  async #commit(): Promise<void> {
    clearTimeout(this.#commitTimer)
    this.#commitTimer = undefined
    const { evaluation, reached } = this.#uncommitted
    if (reached.size === 0 && !hasChanged(evaluation)) return
    const recordedAt = this.#options.clock.now()
    const events = evaluation.occurrences.map((occurrence) => eventOf(occurrence, recordedAt))
    await this.#options.log.transaction((tx) => {
      const writer = new RuleStateWriter(tx, this.#kept)
      for (const event of events) writer.event(event)
      writer.evaluation(evaluation)
      if (evaluation.evaluations > 0) tx.count(counters.ruleEvaluations, evaluation.evaluations)
      for (const [consumer, next] of reached) tx.commitOffset(consumer, next)
    })
    this.#uncommitted = nothingYet()
  }

  /** What memory holds may be ahead of what is kept. */
  #forget(): void {
    this.#uncommitted = nothingYet()
    this.#evaluator.forgetState()
  }

  /** Applies what was edited: closes what an edit ends, keeps what it leaves alone. */
  async #followChanges(): Promise<void> {
    const fresh = this.#registry.refresh()
    this.#changes = this.#changes.length === 0 ? fresh : [...this.#changes, ...fresh]
    // They are applied to what is kept.
    if (this.#changes.length > 0) await this.#commit()
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
    const result = this.#turn.then(work).catch((error: unknown) => {
      this.#forget()
      throw error
    })
    this.#turn = result.catch(() => undefined)
    return result
  }

  /** For the loop, which waits and tries again. */
  #throwRefusal(): void {
    const refusal = this.#refusal
    this.#refusal = undefined
    if (refusal !== undefined) throw refusal.error
  }

  #logLimit(code: string, rule: string, device: string): void {
    const now = this.#options.clock.now()
    if (now - (this.#limitsLogged.get(code) ?? Number.NEGATIVE_INFINITY) < limitLogMs) return
    this.#limitsLogged.set(code, now)
    this.#options.logger.warn({ code, rule, device }, 'a bound of the rules was met')
  }
}

function nothingYet(): Uncommitted {
  return { evaluation: emptyEvaluation(), reached: new Map(), entries: 0 }
}

function hasChanged({ occurrences, changed, clocks, windows, held, unneeded }: Evaluation): boolean {
  const lists = [occurrences, windows, held, unneeded.windows, unneeded.held]
  return changed.size > 0 || clocks.size > 0 || lists.some(({ length }) => length > 0)
}
