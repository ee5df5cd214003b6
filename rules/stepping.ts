import type { DeviceRecord } from '../domain/device.ts'
import type { Value } from '../domain/profile.ts'
import { escalatedSeverity, noteArrival, step, type Transition } from './alarm-machine.ts'
import {
  type CompiledCondition,
  outcomes,
  type PreviousNeed,
  type PreviousReading,
  type WindowView,
} from './conditions/condition.ts'
import type { DeviceRules } from './device-rules.ts'
import { type Evaluation, emptyEvaluation, type Instance, type Occurrence } from './instance.ts'
import type { Stepper } from './range-table.ts'
import type { InputScope, ReadingInput } from './reading-input.ts'
import type { StoredRule } from './rule.ts'
import type { Windows } from './windows.ts'

export interface SteppingOptions {
  /** Whether what begins at this event time is kept quiet: shelved, or in a maintenance window. */
  readonly isSilenced: (ruleId: string, device: DeviceRecord, timeMs: number) => boolean
  /** The first event time from `timeMs` on at which it is not; without it, none is known. */
  readonly endOfSilence?: (ruleId: string, device: DeviceRecord, timeMs: number) => number
  /** Whether the alarm of a rule of kind `group` is up for the group that the device (or group) would belong to by its labels. */
  readonly isGroupActive: (ruleId: string, device: DeviceRecord) => boolean
}

/** Steps instances by the input that is being shown, and notes what came of it. */
export class Stepping implements Stepper, InputScope {
  evaluation: Evaluation = emptyEvaluation()
  input: ReadingInput
  /** Of the batch; undefined where no reading is the cause. */
  receivedAt: number | undefined
  /** Whose input it is. */
  rules: DeviceRules | undefined
  windows: Windows | undefined
  #instance: Instance | undefined
  readonly #options: SteppingOptions

  constructor(input: ReadingInput, options: SteppingOptions) {
    this.input = input
    this.#options = options
  }

  step(instance: Instance): void {
    this.stepAt(instance, this.input.time)
  }

  /** `timeMs`: of the input; of a group's alarm, the group's. */
  stepAt(instance: Instance, timeMs: number): void {
    const { input, evaluation } = this
    const { inner, compiled } = instance
    const { condition, timing, rule } = compiled
    this.#instance = instance
    instance.announceAt = undefined
    if (rule.gapsReset && input.kind === 'reading') noteArrival(instance.ownAlarm(), timeMs)
    const judged = condition.step(inner as never, input)
    let outcome = judged
    if (rule.schedule !== undefined) {
      const isInForce = rule.schedule.isInForce(timeMs)
      if (!isInForce) outcome = outcomes.cleared
      if (condition.deadline !== undefined) {
        const isPutOff = !isInForce && judged === outcomes.met
        this.#putOff(instance, isPutOff ? rule.schedule.nextInForce(timeMs) : undefined)
      }
    }
    if (instance.mustKeep || (instance.isStateful && this.#hasChanged(rule.gapsReset, condition)))
      this.keep(instance)
    if (instance.alarm.condition === 'normal' && outcome !== outcomes.met) return
    const alarm = instance.ownAlarm()
    // A reading that disproves a silence is older than the alarm that it ends: neither an episode nor the next one goes back.
    const time = Math.max(timeMs, alarm.raisedAt)
    const result = step(alarm, outcome, time, timing, this.#isQuiet(instance, time))
    if (alarm.isUnannounced) this.planAnnouncement(instance, time)
    if (result === 'same') return
    evaluation.changed.add(instance)
    if (result !== 'changed') this.#note(instance, result, time, judged !== outcomes.unknown)
  }

  /** Whether the newest step did something to the state that has to be kept. */
  #hasChanged(gapsReset: boolean, condition: CompiledCondition): boolean {
    return gapsReset || (condition.hasChanged?.() ?? true)
  }

  /** What is met outside the schedule, perhaps by silence that nothing ends, is looked at again when that comes into force. */
  #putOff(instance: Instance, resumesAt: number | undefined): void {
    if (instance.alarm.resumesAt === resumesAt) return
    instance.ownAlarm().resumesAt = resumesAt
    this.keep(instance)
  }

  /** Notes that the state of an instance is to be kept. */
  keep(instance: Instance): void {
    instance.mustKeep = false
    this.evaluation.changed.add(instance)
  }

  window(metric: string, lengthMs: number, timeMs: number): WindowView {
    const window = this.windows?.get(metric, lengthMs)
    if (window === undefined) throw new Error(`no window of ${metric} over ${lengthMs} ms`)
    return window.at(timeMs, this.#instance?.after ?? Number.NEGATIVE_INFINITY)
  }

  previous(need: PreviousNeed): PreviousReading | undefined {
    return this.windows?.previous.get(need, this.#instance?.after ?? Number.NEGATIVE_INFINITY)
  }

  isActive(ruleId: string): boolean {
    return this.rules !== undefined && this.#isActiveFor(this.rules.device, ruleId)
  }

  /** Of the device that is shown something, or a group; a rule of kind `group` is active for every device of its group. */
  #isActiveFor(device: DeviceRecord, ruleId: string): boolean {
    const { rules } = this
    const isOfDevice = device.id === rules?.device.id
    const own = isOfDevice ? (rules?.instance(ruleId) ?? rules?.member(ruleId)) : undefined
    return own?.isUp ?? this.#options.isGroupActive(ruleId, device)
  }

  #isQuiet({ rule, device }: Instance, timeMs: number): boolean {
    return this.#options.isSilenced(rule.id, device, timeMs) || this.#isSuppressed(rule, device)
  }

  #isSuppressed(rule: StoredRule, device: DeviceRecord): boolean {
    return rule.suppressedBy.some((other) => this.#isActiveFor(device, other))
  }

  /**
   * An alarm that runs on the clock and was silenced is announced when that ends, from `timeMs` on: no reading may ever come. Until
   * the next input that is known; then it is to be asked again.
   */
  planAnnouncement(instance: Instance, timeMs: number): void {
    const { rule, device, alarm, compiled } = instance
    if (!alarm.isUnannounced || alarm.condition !== 'active' || compiled.condition.deadline === undefined)
      return
    const from = Math.max(timeMs, alarm.raisedAt)
    const { isSilenced, endOfSilence } = this.#options
    const end =
      endOfSilence?.(rule.id, device, from) ?? (isSilenced(rule.id, device, from) ? undefined : from)
    instance.announceAt = this.#isSuppressed(rule, device) ? undefined : end
  }

  #note(instance: Instance, transition: Transition, time: number, isKnown: boolean): void {
    const { input } = this
    const { alarm, inner, compiled } = instance
    const { condition, timing } = compiled
    const shown = input.values(condition.metrics)
    const own: Record<string, Value>[] = Object.keys(shown).length === 0 ? [] : [{ ts: input.time, ...shown }]
    this.evaluation.occurrences.push({
      instance,
      transition,
      time,
      since: alarm.since,
      ordinal: alarm.transitions,
      severity: escalatedSeverity(alarm, timing) ?? instance.rule.severity,
      receivedAt: input.kind === 'reading' ? this.receivedAt : undefined,
      value: isKnown ? condition.value(inner as never, input) : undefined,
      threshold: this.#thresholdOf(instance, isKnown),
      evidence: [...own, ...(condition.evidence?.(inner as never, input) ?? [])],
    })
  }

  /** One that depends on the state is known only where the outcome is. */
  #thresholdOf({ compiled: { condition }, inner }: Instance, isKnown: boolean): Occurrence['threshold'] {
    if (condition.thresholdOf === undefined) return condition.threshold
    return isKnown ? condition.thresholdOf(inner as never, this.input) : undefined
  }
}
