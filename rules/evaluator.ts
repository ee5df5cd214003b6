import type { ConnectionChange } from '../domain/connection-change.ts'
import type { DeviceRecord } from '../domain/device.ts'
import type { Profile } from '../domain/profile.ts'
import type { ReadingBatch } from '../domain/reading-batch.ts'
import { type Cohort, groupIdOf, memberBasis } from './cohort.ts'
import { Cohorts } from './cohorts.ts'
import { CompiledRule } from './compile.ts'
import { reaches } from './conditions/inner.ts'
import { buildDeviceRules, type DeviceRules, laneOwner, unneededOf } from './device-rules.ts'
import type { HeldReading } from './held-readings.ts'
import { type Evaluation, emptyEvaluation } from './instance.ts'
import type { Kept } from './kept.ts'
import type { Lane, SharedWindow } from './lane.ts'
import { ReadingInput, type ReadingShape, ReadingShapes } from './reading-input.ts'
import type { StoredRule } from './rule.ts'
import { inOrderOfDependence } from './rule-order.ts'
import { Stepping } from './stepping.ts'

/** What the evaluator is given of the world. */
export interface EvaluatorOptions {
  readonly kept: Kept
  readonly devices: () => Iterable<DeviceRecord>
  readonly findDevice: (id: string) => DeviceRecord | undefined
  readonly profileOf: (type: string) => Profile | undefined
  /** Whether what begins at this event time is kept quiet: shelved, or in a maintenance window. */
  readonly isSilenced: (ruleId: string, device: DeviceRecord, timeMs: number) => boolean
  /** Pairs of rule and device. */
  readonly pairsMax: number
  /** Readings in one window. */
  readonly readingsMax: number
  /** A bound was met: the rule is not evaluated for the device, or over fewer readings, or some of them early. */
  readonly onLimit: (code: LimitCode, rule: string, device: string) => void
}

export type LimitCode = 'TIDEMARK_RULE_PAIRS' | 'TIDEMARK_RULE_WINDOW' | 'TIDEMARK_RULE_HELD'

/** How often silence is looked for while readings come. */
const advanceMs = 250
/** Readings that one lane holds back for its `wait`. */
const heldMax = 10_000

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
  readonly #cohorts: Cohorts
  readonly #shapes = new ReadingShapes()
  readonly #reading = new ReadingInput()
  readonly #moment = new ReadingInput()
  readonly #stepping: Stepping
  #pairs = 0
  #advancedTo = Number.NEGATIVE_INFINITY
  /** Devices with rules that run on the clock; undefined where it is to be found out. */
  #clocked: Set<string> | undefined
  // What the evaluation under way has touched.
  readonly #touched = new Set<DeviceRules>()
  readonly #touchedCohorts = new Set<Cohort>()

  constructor(options: EvaluatorOptions) {
    this.#options = options
    this.#cohorts = new Cohorts(options)
    this.#stepping = new Stepping(this.#reading, options.isSilenced)
    this.#reading.scope = this.#stepping
    this.#moment.scope = this.#stepping
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
  }

  /** Forgets what was computed for a device: it, or what is kept of it, has changed. */
  forgetDevice(id: string): void {
    this.#forget(id)
    this.#cohorts.deviceChanged(id)
    this.#clocked = undefined
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
    this.#cohorts.forgetAll()
    this.#clocked = undefined
  }

  /**
   * Readings as they came. When a batch was received tells how far the wall clock had come before it: what is silent until then
   * is noticed, whatever the load, and however late the batch is evaluated.
   */
  evaluate(batches: readonly ReadingBatch[]): Evaluation {
    this.#begin()
    for (const batch of batches) {
      // A reading of that very time may be in it.
      if (batch.receivedAt - this.#advancedTo >= advanceMs) this.#advanceTo(batch.receivedAt, false)
      this.#evaluateBatch(batch)
    }
    return this.#end()
  }

  /** Connections that came or went; times are those of the platform's clock. */
  connections(changes: readonly ConnectionChange[]): Evaluation {
    this.#begin()
    for (const { device, online, at } of changes) {
      const rules = this.#rulesOf(device)
      if (rules === undefined) continue
      this.#moment.showMoment(online ? 'connected' : 'disconnected', at, device)
      for (const { instances, windows } of rules.lanes) {
        this.#show(rules, windows, this.#moment, undefined)
        for (const instance of instances) {
          if (instance.compiled.condition.onConnection) this.#stepping.step(instance)
        }
      }
    }
    return this.#end()
  }

  /** The wall clock has come to `now`: what follows from silence. */
  advance(now: number): Evaluation {
    this.#begin()
    this.#advanceTo(now, true)
    return this.#end()
  }

  /** What comes at `now` itself counts where `isIncluded`. */
  #advanceTo(now: number, isIncluded: boolean): void {
    this.#advancedTo = now
    const margin = isIncluded ? 1 : 0
    for (const id of this.#clockedDevices()) {
      const rules = this.#rulesOf(id)
      if (rules === undefined) continue
      const clock = rules.clockAt(now)
      for (const lane of rules.lanes) {
        if (!lane.isClocked) continue
        const limit = clock - lane.waitMs + margin
        if (lane.held.size > 0) this.#letGo(rules, lane, limit - 1)
        // What is held still comes before the clock goes on.
        this.#fire(rules, lane, Math.min(limit, lane.held.oldest?.time ?? Number.POSITIVE_INFINITY))
      }
      for (const cohort of rules.cohorts) {
        const limit = clock - cohort.rule.waitMs + margin
        this.#fireMember(rules, cohort, Math.min(limit, cohort.held.oldest?.time ?? Number.POSITIVE_INFINITY))
      }
    }
  }

  #begin(): void {
    this.#stepping.evaluation = emptyEvaluation()
  }

  #end(): Evaluation {
    const { evaluation } = this.#stepping
    for (const { device, lanes, newest, arrivedAt } of this.#touched) {
      for (const { waitMs, windows } of lanes) {
        if (windows.size > 0) this.#collectWindows(laneOwner(device.id, waitMs), device.id, windows)
      }
      if (newest === Number.NEGATIVE_INFINITY) continue
      const letGo = letGoOf(lanes)
      evaluation.clocks.set(device.id, { time: newest, arrivedAt, ...(letGo === undefined ? {} : { letGo }) })
    }
    for (const cohort of this.#touchedCohorts) {
      for (const [device, { windows }] of cohort.members) {
        if (windows.size > 0) this.#collectWindows(cohort.owner, device, windows)
      }
    }
    this.#touched.clear()
    this.#touchedCohorts.clear()
    return evaluation
  }

  #collectWindows(owner: string, device: string, windows: ReadonlyMap<string, SharedWindow>): void {
    for (const { metric, lengthMs, window } of windows.values()) {
      for (const { start, bytes } of window.takeDirty()) {
        this.#stepping.evaluation.windows.push({ owner, device, metric, lengthMs, start, bytes })
      }
      if (window.overflowed) this.#options.onLimit('TIDEMARK_RULE_WINDOW', metric, device)
    }
  }

  #evaluateBatch(batch: ReadingBatch): void {
    const shapes = batch.shapes.map(({ metrics }) => this.#shapes.of(metrics))
    let at = 0
    for (let row = 0; row < batch.rows; row++) {
      const shapeAt = batch.shape[row]!
      const shape = shapes[shapeAt]!
      const first = at
      at += shape.metrics.length
      if (batch.future[row] === 1) continue
      const id = batch.devices[batch.device[row]!]!.id
      const rules = this.#rulesOf(id)
      if (rules === undefined) continue
      const time = batch.time[row]!
      const types = batch.shapes[shapeAt]!.types
      const isInOrder = time >= rules.newest
      if (time > rules.newest) {
        rules.newest = time
        rules.arrivedAt = batch.receivedAt
        this.#touched.add(rules)
      }
      this.#reading.showRow(batch, first, types, shape, time, id)
      this.#evaluateRow(rules, shape, time, isInOrder, batch.receivedAt)
    }
  }

  #evaluateRow(
    rules: DeviceRules,
    shape: ReadingShape,
    time: number,
    isInOrder: boolean,
    receivedAt: number,
  ): void {
    const { lanes, cohorts } = rules
    if (cohorts.length > 0) this.#evaluateCohorts(rules, time, isInOrder, receivedAt, false)
    if (isInOrder) this.#evaluateOn(rules, lanes[0]!, shape, time, receivedAt)
    if (cohorts.length > 0) this.#evaluateCohorts(rules, time, isInOrder, receivedAt, true)
    if (lanes.length > 1 || cohorts.some(({ rule }) => rule.waitMs > 0))
      this.#evaluateLater(rules, shape, time, receivedAt)
  }

  /** Groups whose rule depends on others are evaluated after the rules of the device, the others before. */
  #evaluateCohorts(
    rules: DeviceRules,
    time: number,
    isInOrder: boolean,
    receivedAt: number,
    isDependent: boolean,
  ): void {
    for (const cohort of rules.cohorts) {
      const { waitMs, dependsOn } = cohort.rule
      if (waitMs > 0 || dependsOn.length > 0 !== isDependent) continue
      this.#fireMember(rules, cohort, time)
      if (isInOrder) this.#evaluateMember(rules, cohort, time, receivedAt)
    }
  }

  /** For the rules that wait: the reading is held, and those that are due are evaluated. */
  #evaluateLater(rules: DeviceRules, shape: ReadingShape, time: number, receivedAt: number): void {
    const { lanes, cohorts, device } = rules
    const reading: HeldReading = { time, device: device.id, values: this.#reading.values(), receivedAt }
    for (const lane of lanes) {
      if (lane.waitMs === 0) continue
      const due = rules.newest - lane.waitMs
      if (time >= Math.max(due, lane.letGoTo) && (lane.isReachedBy(shape) || lane.isClocked))
        this.#hold(rules, lane, reading)
      this.#release(rules, lane, due)
    }
    for (const cohort of cohorts) {
      const { waitMs } = cohort.rule
      if (waitMs === 0) continue
      cohort.newestArrived = Math.max(cohort.newestArrived, time)
      const { condition } = cohort.members.get(device.id)!.instance.compiled
      const isReached =
        condition.everyReading || shape.metrics.some((metric) => condition.metrics.has(metric))
      const due = cohort.newestArrived - waitMs
      if (isReached && time >= due) this.#holdIn(cohort, cohort.owner, reading, device)
      this.#releaseCohort(cohort, due)
    }
  }

  /** Shows the reading of `#reading` to the rules of a lane. */
  #evaluateOn(rules: DeviceRules, lane: Lane, shape: ReadingShape, time: number, receivedAt: number): void {
    if (lane.nextDeadline < time) this.#fire(rules, lane, time)
    const { ranges, instances, windows } = lane.plan(shape)
    const { evaluation } = this.#stepping
    this.#show(rules, lane.windows, this.#reading, receivedAt)
    for (const { window, at } of windows) {
      const value = this.#reading.numberAt(at)
      if (value !== undefined) window.add(time, value)
      this.#touched.add(rules)
    }
    for (const { table, at } of ranges) {
      evaluation.evaluations += table.size
      table.judge(this.#reading.numberAt(at), this.#stepping)
    }
    for (const instance of instances) this.#stepping.step(instance)
    evaluation.evaluations += instances.length
    if (lane.isClocked) lane.updateDeadline()
  }

  #evaluateMember(rules: DeviceRules, cohort: Cohort, time: number, receivedAt: number): void {
    const member = cohort.members.get(rules.device.id)
    if (member === undefined || !reaches(member.instance.compiled.condition, this.#reading)) return
    if (cohort.isTimedBy(this.#reading)) cohort.newest = Math.max(cohort.newest, time)
    this.#touchedCohorts.add(cohort)
    this.#show(rules, member.windows, this.#reading, receivedAt)
    for (const { metric, window } of member.windows.values()) {
      const value = this.#reading.number(metric)
      if (value !== undefined) window.add(time, value)
    }
    this.#stepping.step(member.instance)
    if (cohort.instance !== undefined) this.#stepping.stepAt(cohort.instance, cohort.newest)
    this.#stepping.evaluation.evaluations++
  }

  /** What the clock does to a member before `limit`, and then to its group. */
  #fireMember(rules: DeviceRules, cohort: Cohort, limit: number): void {
    const member = cohort.members.get(rules.device.id)
    if (member === undefined) return
    for (const instance of [member.instance, cohort.instance]) {
      if (instance === undefined) continue
      for (let deadline = instance.deadline; deadline < limit; deadline = instance.deadline) {
        cohort.newest = Math.max(cohort.newest, deadline)
        this.#touchedCohorts.add(cohort)
        this.#moment.showMoment('tick', deadline, rules.device.id)
        this.#show(rules, member.windows, this.#moment, undefined)
        if (instance === member.instance) this.#stepping.step(instance)
        if (cohort.instance !== undefined) this.#stepping.stepAt(cohort.instance, cohort.newest)
        if (instance.deadline === deadline) break
      }
    }
  }

  /** What the clock does to the rules of a lane before the event time `limit`. */
  #fire(rules: DeviceRules, lane: Lane, limit: number): void {
    while (lane.nextDeadline < limit) {
      const instance = lane.nextClocked()!
      const deadline = instance.deadline
      this.#moment.showMoment('tick', deadline, rules.device.id)
      this.#show(rules, lane.windows, this.#moment, undefined)
      this.#stepping.step(instance)
      if (instance.deadline <= deadline) throw new Error(`rule ${instance.rule.id}: the clock stands still`)
      lane.updateDeadline()
    }
  }

  #hold(rules: DeviceRules, lane: Lane, reading: HeldReading): void {
    this.#touched.add(rules)
    this.#holdIn(lane, laneOwner(rules.device.id, lane.waitMs), reading, rules.device)
    if (lane.held.size > heldMax) this.#release(rules, lane, lane.held.oldest!.time)
  }

  #holdIn({ held }: Lane | Cohort, owner: string, reading: HeldReading, device: DeviceRecord): void {
    const { evaluation } = this.#stepping
    const { time } = reading
    evaluation.held.push({ owner, device: device.id, time, reading: held.add(reading) })
    if (held.size > heldMax) this.#options.onLimit('TIDEMARK_RULE_HELD', owner, device.id)
  }

  /** Evaluates what a lane has held, up to the event time `until`. */
  #release(rules: DeviceRules, lane: Lane, until: number): void {
    const owner = laneOwner(rules.device.id, lane.waitMs)
    for (const { time, device, values, receivedAt } of lane.held.release(until)) {
      this.#touched.add(rules)
      this.#stepping.evaluation.held.push({ owner, device, time, reading: undefined })
      const shape = this.#showHeld(values, time, device)
      this.#evaluateOn(rules, lane, shape, time, receivedAt)
    }
    if (lane.isClocked && lane.nextDeadline < until && until !== Number.POSITIVE_INFINITY)
      this.#fire(rules, lane, until)
  }

  /** The clock of the device lets go of what is held, for rules that run on it. */
  #letGo(rules: DeviceRules, lane: Lane, until: number): void {
    const newest = lane.held.newestUntil(until)
    if (newest === undefined) return
    lane.letGoTo = newest
    this.#release(rules, lane, until)
  }

  #releaseCohort(cohort: Cohort, until: number): void {
    if (cohort.held.size > heldMax) until = Math.max(until, cohort.held.oldest!.time)
    for (const { time, device, values, receivedAt } of cohort.held.release(until)) {
      this.#stepping.evaluation.held.push({ owner: cohort.owner, device, time, reading: undefined })
      const rules = this.#rulesOf(device)
      if (rules === undefined) continue
      this.#fireMember(rules, cohort, time)
      this.#showHeld(values, time, device)
      this.#evaluateMember(rules, cohort, time, receivedAt)
    }
  }

  #showHeld(values: HeldReading['values'], time: number, device: string): ReadingShape {
    const shape = this.#shapes.of(Object.keys(values))
    this.#reading.showValues(shape, Object.values(values), time, device)
    return shape
  }

  #show(
    rules: DeviceRules,
    windows: ReadonlyMap<string, SharedWindow>,
    input: ReadingInput,
    receivedAt: number | undefined,
  ): void {
    const stepping = this.#stepping
    stepping.rules = rules
    stepping.windows = windows
    stepping.input = input
    stepping.receivedAt = receivedAt
  }

  #rulesOf(id: string): DeviceRules | undefined {
    const found = this.#devices.get(id)
    if (found !== undefined && found.generation === this.#generation) return found
    const device = found?.device ?? this.#options.findDevice(id)
    return device === undefined ? undefined : this.#build(device, found)
  }

  #build(device: DeviceRecord, previous: DeviceRules | undefined): DeviceRules {
    const { kept, profileOf, pairsMax, readingsMax, onLimit } = this.#options
    this.#forget(device.id)
    const rules = buildDeviceRules(device, {
      generation: this.#generation,
      rules: this.#inOrder(),
      watched: this.#watched,
      kept,
      profileOf,
      cohortOf: (rule, of) => this.#cohorts.of(rule, of),
      pairsMax: pairsMax - this.#pairs,
      readingsMax,
      previous,
      onLimit: (rule, of) => onLimit('TIDEMARK_RULE_PAIRS', rule.rule.id, of.id),
    })
    this.#devices.set(device.id, rules)
    this.#pairs += rules.pairs
    const { windows, held } = unneededOf(rules, kept)
    this.#stepping.evaluation.unneeded.windows.push(...windows)
    this.#stepping.evaluation.unneeded.held.push(...held)
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

function letGoOf(lanes: readonly Lane[]): Record<string, number> | undefined {
  const those = lanes.filter(({ letGoTo }) => letGoTo !== Number.NEGATIVE_INFINITY)
  return those.length === 0
    ? undefined
    : Object.fromEntries(those.map(({ waitMs, letGoTo }) => [waitMs, letGoTo]))
}
