import type { Device } from '../domain/device.ts'
import type { Severity } from '../domain/event.ts'
import type { Profile, Value } from '../domain/profile.ts'
import { CompiledRule } from './compile.ts'
import { Evaluator } from './evaluator.ts'
import { type Evaluation, emptyEvaluation, type Occurrence } from './instance.ts'
import type { Kept } from './kept.ts'
import { eventOf } from './occurrence-event.ts'
import { inOrderOfTime, PastBatches, type PastReading } from './past-readings.ts'
import type { Rule, StoredRule } from './rule.ts'
import { selects } from './selection.ts'

/** What is tested, as plain data. */
export interface BacktestPlan {
  readonly rule: StoredRule
  /** Rules that it names, and those that they name: they are evaluated too, their transitions are not told. */
  readonly others: readonly StoredRule[]
  /** Those that the rule selects; silence counts from `createdAt`. */
  readonly devices: readonly Device[]
  readonly profiles: readonly Profile[]
  /** Unix ms, included: the clock runs on to it, and what is later is left out. The last reading when undefined. */
  readonly untilMs?: number | undefined
}

/** What is done with readings, in the order in which it is told. */
export type BacktestStep =
  | { readonly kind: 'readings'; readonly readings: readonly PastReading[] }
  /** Those told since the last evaluation are not wanted after all: they come again. */
  | { readonly kind: 'forget' }
  /** Everything up to the newest has been told. */
  | { readonly kind: 'evaluate' }

/** A transition as `POST /rules:test` answers it; times are RFC 3339. */
export interface TestedTransition {
  /** That of the event which it would be with the rule's present version. */
  readonly id: string
  readonly device: string
  readonly transition: 'raised' | 'escalated' | 'cleared'
  readonly time: string
  readonly since: string
  readonly severity: Severity
  readonly value?: Value
  readonly threshold?: Value | readonly number[]
  readonly message: string
  readonly evidence: readonly Readonly<Record<string, Value>>[]
}

export interface BacktestProgress {
  readonly transitions: readonly TestedTransition[]
  /** Readings of the rule's devices. */
  readonly evaluated: number
  /** A bound was met: nothing more is evaluated. */
  readonly isFull: boolean
}

export interface BacktestResult {
  readonly transitions: readonly TestedTransition[]
  readonly evaluated: number
  /** Not everything was evaluated: a bound or the time limit was met. */
  readonly truncated: boolean
}

export interface BacktestBounds {
  readonly readingsMax: number
  readonly transitionsMax: number
}

const backtestBounds: BacktestBounds = { readingsMax: 1_000_000, transitionsMax: 10_000 }

/** Readings that are evaluated before progress is told. */
const turnReadings = 2_000
/** As of the engine: readings in one window. */
const windowReadingsMax = 100_000

/** There is nothing to go on with: a test begins at its first reading, and is not restarted. */
const keptNothing: Kept = {
  instance: () => undefined,
  clock: () => undefined,
  held: () => [],
  window: () => [],
  lanes: () => ({ windows: [], held: [] }),
}

/**
 * Evaluates a rule over past readings by the live evaluator, under a clock that runs with them: each time is a batch of its own,
 * received when it was measured. Windows of maintenance, shelvings and connections play no part.
 */
export class Backtest {
  readonly #plan: BacktestPlan
  readonly #bounds: BacktestBounds
  readonly #evaluator: Evaluator
  readonly #batches = new PastBatches()
  readonly #selected: ReadonlySet<string>
  #told: PastReading[] = []
  #readings = 0
  #transitions = 0
  #isFull = false
  #newest = Number.NEGATIVE_INFINITY

  constructor(plan: BacktestPlan, bounds: BacktestBounds = backtestBounds) {
    this.#plan = plan
    this.#bounds = bounds
    const devices = new Map(plan.devices.map((device) => [device.id, { ...device, secretHash: '' }]))
    const tested = new CompiledRule(plan.rule, 0)
    this.#selected = new Set([...devices.values()].filter((one) => tested.matches(one)).map(({ id }) => id))
    const profiles = new Map(plan.profiles.map((profile) => [profile.type, profile]))
    this.#evaluator = new Evaluator({
      kept: keptNothing,
      devices: () => devices.values(),
      findDevice: (id) => devices.get(id),
      profileOf: (type) => profiles.get(type),
      isSilenced: () => false,
      // As many as there are devices and rules in the plan, which is bounded by who made it.
      pairsMax: Number.POSITIVE_INFINITY,
      readingsMax: windowReadingsMax,
      onLimit: () => undefined,
    })
    for (const rule of plan.others) this.#evaluator.setRule(rule.id, rule)
    // One that is disabled is tried as if it were not.
    this.#evaluator.setRule(plan.rule.id, { ...plan.rule, enabled: true })
  }

  add(readings: readonly PastReading[]): void {
    for (const reading of readings) this.#told.push(reading)
  }

  forget(): void {
    this.#told = []
  }

  /** Evaluates what has been told, in order of time; by turns, so that what is found is told as it is found. */
  *evaluate(): Generator<BacktestProgress> {
    const { untilMs = Number.POSITIVE_INFINITY } = this.#plan
    const readings = inOrderOfTime(this.#told.filter(({ time }) => time <= untilMs))
    this.#told = []
    for (let first = 0; first < readings.length && !this.#isFull; ) {
      const room = this.#bounds.readingsMax - this.#readings
      const turn = readings.slice(first, first + Math.min(turnReadings, room))
      first += turn.length
      this.#readings += turn.length
      this.#newest = turn.at(-1)?.time ?? this.#newest
      this.#isFull = turn.length === room && first < readings.length
      const evaluated = turn.filter(({ device }) => this.#selected.has(device)).length
      yield this.#progress(this.#evaluator.evaluate(this.#batches.of(turn)), evaluated)
    }
  }

  /** The clock runs on to the end. */
  finish(): BacktestProgress {
    const end = this.#plan.untilMs ?? this.#newest
    return this.#progress(this.#isFull ? emptyEvaluation() : this.#evaluator.advance(end), 0)
  }

  #progress({ occurrences }: Evaluation, evaluated: number): BacktestProgress {
    const { rule } = this.#plan
    const found = occurrences.filter(({ instance }) => instance.rule.id === rule.id)
    const told = found.slice(0, this.#bounds.transitionsMax - this.#transitions)
    this.#transitions += told.length
    if (told.length < found.length) this.#isFull = true
    return { transitions: told.map(transitionOf), evaluated, isFull: this.#isFull }
  }
}

/** Transitions by time, then device. */
export function inOrderOfEvents(transitions: readonly TestedTransition[]): TestedTransition[] {
  const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
  return [...transitions].sort((a, b) => compare(a.time, b.time) || compare(a.device, b.device))
}

/** The rules that a rule names, and those that they name. */
export function rulesNamedBy(rule: StoredRule, find: (id: string) => StoredRule | undefined): StoredRule[] {
  const found = new Map<string, StoredRule>()
  const open = [rule]
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    for (const id of new CompiledRule(one, 0).dependsOn) {
      const other = id === rule.id || found.has(id) ? undefined : find(id)
      if (other === undefined) continue
      found.set(id, other)
      open.push(other)
    }
  }
  return [...found.values()]
}

/** Of `devices` those that the rule selects, and nothing of them that another thread need not know. */
export function selectedDevices(rule: Rule, devices: Iterable<Device>): Device[] {
  const selected: Device[] = []
  for (const { id, type, labels, createdAt } of devices) {
    const device = { id, type, labels, createdAt }
    if (selects(rule.select, device)) selected.push(device)
  }
  return selected
}

function transitionOf(occurrence: Occurrence): TestedTransition {
  const { id, time, data } = eventOf(occurrence, 0)
  const { since, severity, value, threshold, message, evidence } = data
  return {
    id,
    device: data.device,
    transition: occurrence.transition,
    time,
    since,
    severity,
    ...(value === undefined ? {} : { value }),
    ...(threshold === undefined ? {} : { threshold }),
    message,
    evidence,
  }
}
