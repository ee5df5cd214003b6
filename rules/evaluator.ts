import type { ConnectionChange } from '../domain/connection-change.ts'
import type { DeviceRecord } from '../domain/device.ts'
import type { Profile } from '../domain/profile.ts'
import type { ReadingBatch } from '../domain/reading-batch.ts'
import { groupIdOf, memberBasis } from './cohort.ts'
import { Cohorts } from './cohorts.ts'
import { CompiledRule } from './compile.ts'
import { DeviceEvaluation, type DeviceEvaluationOptions } from './device-evaluation.ts'
import { buildDeviceRules, type DeviceRules, unneededOf } from './device-rules.ts'
import type { Evaluation } from './instance.ts'
import type { Kept } from './kept.ts'
import { LaneLayouts } from './lane-layout.ts'
import type { StoredRule } from './rule.ts'
import { inOrderOfDependence } from './rule-order.ts'

/** What the evaluator is given of the world. */
export interface EvaluatorOptions extends Omit<DeviceEvaluationOptions, 'rulesOf' | 'isGroupActive'> {
  readonly kept: Kept
  readonly devices: () => Iterable<DeviceRecord>
  readonly findDevice: (id: string) => DeviceRecord | undefined
  readonly profileOf: (type: string) => Profile | undefined
  /** Pairs of rule and device. */
  readonly pairsMax: number
  /** Readings in one window. */
  readonly readingsMax: number
}

/** How often silence is looked for while readings come. */
const advanceMs = 250

/**
 * Evaluates rules over readings in event time: docs/RULES.md. It reads no clock and no disk but through what it is given,
 * so that live evaluation, a restart and a test on past readings are the same code. Which rules a reading reaches is computed
 * when its device or a rule changes, not for each reading; an edit of one rule leaves the instances of the others as they are.
 */
export class Evaluator {
  readonly #options: EvaluatorOptions
  readonly #rules = new Map<string, CompiledRule>()
  #ordered: readonly CompiledRule[] | undefined
  #watched: ReadonlySet<string> = new Set()
  /** Rises with each change of the rules. */
  #generation = 0
  readonly #devices = new Map<string, DeviceRules>()
  readonly #layouts: LaneLayouts
  readonly #cohorts: Cohorts
  readonly #evaluation: DeviceEvaluation
  #pairs = 0
  /** Some rules of some devices were left out. */
  #isCut = false
  #advancedTo = Number.NEGATIVE_INFINITY
  /** Devices with rules that run on the clock; undefined where it is to be found out. */
  #clocked: Set<string> | undefined

  constructor(options: EvaluatorOptions) {
    this.#options = options
    this.#layouts = new LaneLayouts(options.readingsMax)
    this.#cohorts = new Cohorts(options)
    this.#evaluation = new DeviceEvaluation({
      ...options,
      rulesOf: (id) => this.#rulesOf(id),
      isGroupActive: (ruleId, device) => this.#isGroupActive(ruleId, device),
    })
  }

  rule(id: string): CompiledRule | undefined {
    return this.#rules.get(id)
  }

  ruleIds(): Iterable<string> {
    return this.#rules.keys()
  }

  /** Sets or, with undefined, removes a rule. It goes on with what is kept of it. */
  setRule(id: string, rule: StoredRule | undefined): void {
    const before = this.#rules.get(id)
    this.#generation++
    if (before !== undefined) this.#cohorts.forgetRule(before)
    if (rule === undefined || !rule.enabled) this.#rules.delete(id)
    else this.#rules.set(id, new CompiledRule(rule, this.#generation))
    this.#ordered = undefined
    this.#clocked = undefined
    this.#layouts.clear()
  }

  /** Forgets what was computed for a device: it, or what is kept of it, has changed. */
  forgetDevice(id: string): void {
    this.#forget(id)
    this.#cohorts.deviceChanged(id)
    this.#clocked = undefined
    if (!this.#isCut) return
    // There may be room now for what was left out.
    this.#isCut = false
    this.#generation++
  }

  /** Forgets the state of one rule for one device or group: what is kept of it has changed. */
  forgetInstance(ruleId: string, deviceId: string): void {
    const rule = this.#rules.get(ruleId)
    this.#forget(deviceId)
    if (rule === undefined || !rule.isOfCohort) return
    this.#cohorts.forgetRule(rule)
    this.#generation++
  }

  /** Whether a rule has a group of this id, with devices in it. */
  hasGroup(ruleId: string, groupId: string): boolean {
    const rule = this.#rules.get(ruleId)
    return rule !== undefined && this.#cohorts.hasMembers(rule, groupId)
  }

  /** What a state must have been made with to be that of the rule for the device. */
  basisOf(rule: CompiledRule, device: DeviceRecord): string | undefined {
    const { basis } = rule.forDevice(device, this.#options.profileOf(device.type))
    return rule.isOfCohort ? memberBasis(basis, groupIdOf(rule, device)) : basis
  }

  /** Forgets everything in memory that a failed commit may have left ahead of what is kept. */
  forgetState(): void {
    this.#devices.clear()
    this.#pairs = 0
    this.#advancedTo = Number.NEGATIVE_INFINITY
    this.#cohorts.forgetAll()
    this.#clocked = undefined
  }

  /**
   * Readings as they came. When a batch was received tells how far the wall clock had come before it: what is silent until then
   * is noticed, whatever the load, and however late the batch is evaluated.
   */
  evaluate(batches: readonly ReadingBatch[]): Evaluation {
    this.#evaluation.begin()
    for (const batch of batches) {
      // A reading of that very time may be in it.
      if (batch.receivedAt - this.#advancedTo >= advanceMs) this.#advanceTo(batch.receivedAt, false)
      this.#evaluation.readings(batch)
    }
    return this.#evaluation.end()
  }

  /** Connections that came or went; times are those of the platform's clock. */
  connections(changes: readonly ConnectionChange[]): Evaluation {
    this.#evaluation.begin()
    for (const { device, online, at } of changes) {
      const rules = this.#rulesOf(device)
      if (rules !== undefined) this.#evaluation.connection(rules, online, at)
    }
    return this.#evaluation.end()
  }

  /** The wall clock has come to `now`: what follows from silence. */
  advance(now: number): Evaluation {
    this.#evaluation.begin()
    this.#advanceTo(now, true)
    return this.#evaluation.end()
  }

  #advanceTo(now: number, isIncluded: boolean): void {
    this.#advancedTo = now
    for (const cohort of this.#cohorts.takeLeft()) this.#evaluation.judgeGroup(cohort)
    for (const id of this.#clockedDevices()) {
      const rules = this.#rulesOf(id)
      if (rules !== undefined) this.#evaluation.clock(rules, rules.clockAt(now), isIncluded)
    }
  }

  #isGroupActive(ruleId: string, device: DeviceRecord): boolean {
    const rule = this.#rules.get(ruleId)
    if (rule?.rule.when.kind !== 'group') return false
    return this.#cohorts.byLabels(rule, device)?.instance?.isUp ?? false
  }

  #rulesOf(id: string): DeviceRules | undefined {
    const found = this.#devices.get(id)
    if (found !== undefined && found.generation === this.#generation) return found
    const device = found?.device ?? this.#options.findDevice(id)
    return device === undefined ? undefined : this.#build(device, found)
  }

  #build(device: DeviceRecord, previous: DeviceRules | undefined): DeviceRules {
    const { kept, profileOf, pairsMax, onLimit } = this.#options
    this.#forget(device.id)
    const rules = buildDeviceRules(device, {
      generation: this.#generation,
      rules: this.#inOrder(),
      watched: this.#watched,
      kept,
      profileOf,
      cohortOf: (rule, of) => this.#cohorts.of(rule, of),
      pairsMax: pairsMax - this.#pairs,
      layouts: this.#layouts,
      previous,
      onLimit: (rule, of) => onLimit('TIDEMARK_RULE_PAIRS', rule.rule.id, of.id),
    })
    this.#devices.set(device.id, rules)
    this.#pairs += rules.pairs
    this.#isCut ||= rules.isCut
    this.#evaluation.keepFresh(rules)
    const { windows, held } = unneededOf(rules, kept)
    this.#evaluation.result.unneeded.windows.push(...windows)
    this.#evaluation.result.unneeded.held.push(...held)
    return rules
  }

  #forget(id: string): void {
    this.#pairs -= this.#devices.get(id)?.pairs ?? 0
    this.#devices.delete(id)
  }

  #inOrder(): readonly CompiledRule[] {
    if (this.#ordered === undefined) {
      this.#ordered = inOrderOfDependence(this.#rules)
      this.#watched = new Set(this.#ordered.flatMap(({ dependsOn }) => dependsOn))
    }
    return this.#ordered
  }

  /** Devices of which a rule runs on the clock: also those never heard. */
  #clockedDevices(): Iterable<string> {
    if (this.#clocked !== undefined) return this.#clocked
    const clocked = new Set<string>()
    const rules = this.#inOrder().filter(({ isClocked }) => isClocked)
    if (rules.length > 0) {
      for (const device of this.#options.devices()) {
        if (rules.some((rule) => rule.matches(device))) clocked.add(device.id)
      }
    }
    this.#clocked = clocked
    return clocked
  }
}
