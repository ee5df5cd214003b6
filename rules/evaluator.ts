import type { DeviceRecord } from '../domain/device.ts'
import type { Value } from '../domain/profile.ts'
import { type ReadingBatch, valueAt } from '../domain/reading-batch.ts'
import { type AlarmState, normalState, noteArrival, step, type Transition } from './alarm-machine.ts'
import { type CompiledRule, compileRule } from './compile.ts'
import { type CompiledCondition, outcomes } from './conditions/condition.ts'
import type { StoredRule } from './rule.ts'

/** One rule for one device. */
export interface Instance {
  readonly compiled: CompiledRule
  readonly device: DeviceRecord
  readonly condition: CompiledCondition
  readonly state: AlarmState
}

/** A transition that a reading caused. */
export interface Occurrence {
  readonly instance: Instance
  readonly transition: Transition
  readonly time: number
  readonly since: number
  readonly ordinal: number
  /** When the oldest reading of its batch was received, Unix ms. */
  readonly receivedAt: number
  readonly metric: string
  readonly value: Value
}

interface DeviceRules {
  readonly device: DeviceRecord
  readonly byMetric: Map<string, Instance[]>
  /** Event time of the newest reading evaluated. */
  newest: number
}

/** What one batch did: events to write, and the state to keep with them. */
export interface Evaluation {
  readonly occurrences: Occurrence[]
  readonly changed: Set<Instance>
  /** Devices whose newest event time rose. */
  readonly clocks: Map<string, number>
  evaluations: number
}

/** How the evaluator learns what was kept of an instance and of a device's clock. */
export interface KeptState {
  instance(ruleId: string, deviceId: string): AlarmState | undefined
  clock(deviceId: string): number | undefined
}

/**
 * Evaluates rules over batches of readings, in event time. Which rules a device's metric reaches is computed when the device
 * or a rule changes, not for each reading. A reading older than the newest evaluated of its device changes nothing
 * (`wait: 0s`); one of the same time is evaluated, so a device may send its metrics one by one.
 */
export class Evaluator {
  readonly #rules = new Map<string, CompiledRule>()
  readonly #devices = new Map<string, DeviceRules>()
  readonly #kept: KeptState
  readonly #findDevice: (id: string) => DeviceRecord | undefined

  constructor(kept: KeptState, findDevice: (id: string) => DeviceRecord | undefined) {
    this.#kept = kept
    this.#findDevice = findDevice
  }

  rule(id: string): CompiledRule | undefined {
    return this.#rules.get(id)
  }

  ruleIds(): Iterable<string> {
    return this.#rules.keys()
  }

  /** Sets or, with undefined, removes a rule; its instances are read again from what is kept. */
  setRule(id: string, rule: StoredRule | undefined): void {
    if (rule === undefined || !rule.enabled) this.#rules.delete(id)
    else this.#rules.set(id, compileRule(rule))
    this.#devices.clear()
  }

  /** Forgets what was computed for a device: it, or what is kept of it, has changed. */
  forgetDevice(id: string): void {
    this.#devices.delete(id)
  }

  /** Forgets everything in memory that a failed commit may have left ahead of what is kept. */
  forgetState(): void {
    this.#devices.clear()
  }

  evaluate(batches: readonly ReadingBatch[]): Evaluation {
    const evaluation: Evaluation = { occurrences: [], changed: new Set(), clocks: new Map(), evaluations: 0 }
    for (const batch of batches) this.#evaluateBatch(batch, evaluation)
    return evaluation
  }

  #evaluateBatch(batch: ReadingBatch, evaluation: Evaluation): void {
    let at = 0
    for (let row = 0; row < batch.rows; row++) {
      const shape = batch.shapes[batch.shape[row]!]!
      const first = at
      at += shape.metrics.length
      if (batch.future[row] === 1) continue
      const id = batch.devices[batch.device[row]!]!.id
      const rules = this.#devices.get(id) ?? this.#newDevice(id)
      const time = batch.time[row]!
      if (rules === undefined || time < rules.newest) continue
      if (time > rules.newest) {
        rules.newest = time
        evaluation.clocks.set(id, time)
      }
      for (let i = 0; i < shape.metrics.length; i++) {
        const instances = rules.byMetric.get(shape.metrics[i]!)
        if (instances === undefined) continue
        const letter = shape.types[i]
        const raw = batch.values[first + i]!
        const value = letter === 's' ? batch.strings[raw]! : raw
        evaluation.evaluations += instances.length
        for (const instance of instances) {
          const outcome = instance.condition.judge(value)
          const { state, compiled } = instance
          if (compiled.gapsReset) {
            noteArrival(state, time)
            evaluation.changed.add(instance)
          }
          if (state.condition === 'normal' && outcome !== outcomes.met) continue
          const result = step(state, outcome, time, compiled.forMs, compiled.keepForMs)
          if (result === 'same') continue
          evaluation.changed.add(instance)
          if (result === 'changed') continue
          evaluation.occurrences.push({
            instance,
            transition: result,
            time,
            since: state.since,
            ordinal: state.transitions,
            receivedAt: batch.receivedAt,
            metric: shape.metrics[i]!,
            value: valueAt(batch, first + i, letter),
          })
        }
      }
    }
  }

  #newDevice(id: string): DeviceRules | undefined {
    const device = this.#findDevice(id)
    if (device === undefined) return undefined
    const byMetric = new Map<string, Instance[]>()
    for (const compiled of this.#rules.values()) {
      if (!compiled.matches(device)) continue
      const state = { ...normalState(), ...this.#kept.instance(compiled.rule.id, id) }
      const instance: Instance = { compiled, device, condition: compiled.conditionFor(device), state }
      for (const metric of compiled.metrics) byMetric.set(metric, [...(byMetric.get(metric) ?? []), instance])
    }
    const rules = { device, byMetric, newest: this.#kept.clock(id) ?? Number.NEGATIVE_INFINITY }
    this.#devices.set(id, rules)
    return rules
  }
}
