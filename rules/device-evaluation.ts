import type { ReadingBatch } from '../domain/reading-batch.ts'
import type { Cohort } from './cohort.ts'
import { reaches } from './conditions/inner.ts'
import type { DeviceRules } from './device-rules.ts'
import type { HeldReading, HeldReadings } from './held-readings.ts'
import { type Evaluation, emptyEvaluation, type Instance } from './instance.ts'
import { type Lane, laneOwner } from './lane.ts'
import { ReadingInput, type ReadingShape, ReadingShapes } from './reading-input.ts'
import { Stepping, type SteppingOptions } from './stepping.ts'
import type { Windows } from './windows.ts'

export type LimitCode = 'TIDEMARK_RULE_PAIRS' | 'TIDEMARK_RULE_WINDOW' | 'TIDEMARK_RULE_HELD'

export interface DeviceEvaluationOptions extends SteppingOptions {
  readonly rulesOf: (deviceId: string) => DeviceRules | undefined
  /** A bound was met: the rule is not evaluated for the device, or over fewer readings, or some of them early. */
  readonly onLimit: (code: LimitCode, rule: string, device: string) => void
}

/** Readings that one lane or group holds back for its `wait`. */
const heldMax = 10_000

/** Shows what happens to one device after the other to the rules that it reaches, in the right order, and gathers what came of it. */
export class DeviceEvaluation {
  readonly #options: DeviceEvaluationOptions
  readonly #shapes = new ReadingShapes()
  readonly #reading = new ReadingInput()
  readonly #moment = new ReadingInput()
  readonly #stepping: Stepping
  readonly #touched = new Set<DeviceRules>()
  readonly #touchedCohorts = new Set<Cohort>()

  constructor(options: DeviceEvaluationOptions) {
    this.#options = options
    this.#stepping = new Stepping(this.#reading, options)
    this.#reading.scope = this.#stepping
    this.#moment.scope = this.#stepping
  }

  get result(): Evaluation {
    return this.#stepping.evaluation
  }

  /** Keeps when the instances of a device began that have just been made. */
  keepFresh(rules: DeviceRules): void {
    const { lanes, cohorts, device } = rules
    const members = cohorts.map(({ members }) => members.get(device.id)?.instance)
    for (const instance of [...lanes.flatMap(({ instances }) => instances), ...members]) {
      if (!instance?.mustKeep) continue
      this.#stepping.keep(instance)
      // The clock says of which registration it is.
      this.#touched.add(rules)
    }
  }

  begin(): void {
    this.#stepping.evaluation = emptyEvaluation()
  }

  /** The connection of a device came or went at `time`. */
  connection(rules: DeviceRules, isOnline: boolean, time: number): void {
    const kind = isOnline ? 'connected' : 'disconnected'
    this.#touched.add(rules)
    for (const { instances, windows } of rules.lanes) {
      this.#showMoment(rules, windows, kind, time)
      for (const instance of instances)
        if (instance.compiled.condition.onConnection) this.#stepping.step(instance)
    }
    for (const cohort of rules.cohorts) {
      const member = cohort.members.get(rules.device.id)
      if (!member?.instance.compiled.condition.onConnection) continue
      this.#showMoment(rules, member.windows, kind, time)
      this.#stepMember(cohort, member.instance, time)
    }
  }

  /** Devices have left a group: its alarm is judged by those that remain. */
  judgeGroup(cohort: Cohort): void {
    if (cohort.instance === undefined || cohort.newest === Number.NEGATIVE_INFINITY) return
    this.#moment.showMoment('tick', cohort.newest, cohort.id)
    this.#stepping.rules = undefined
    this.#stepping.input = this.#moment
    this.#stepping.receivedAt = undefined
    this.#stepping.stepAt(cohort.instance, cohort.newest)
  }

  /** The clock of a device has come to `clock`; what comes at that very time counts where `isIncluded`. */
  clock(rules: DeviceRules, clock: number, isIncluded: boolean): void {
    const margin = isIncluded ? 1 : 0
    for (const lane of rules.lanes) {
      if (!lane.isClocked) continue
      const limit = clock - lane.waitMs + margin
      this.#planAnnouncements(rules, lane, rules.newest - lane.waitMs)
      if (lane.held.size > 0) this.#letGo(rules, lane, limit - 1)
      // What is held still comes before the clock goes on.
      this.#fire(rules, lane, Math.min(limit, lane.held.oldest?.time ?? Number.POSITIVE_INFINITY))
    }
    for (const cohort of rules.cohorts) {
      if (!cohort.rule.isClocked) continue
      const limit = clock - cohort.rule.waitMs + margin
      if (cohort.instance?.alarm.isUnannounced) {
        this.#showMoment(rules, cohort.members.get(rules.device.id)!.windows, 'tick', cohort.newest)
        this.#stepping.planAnnouncement(cohort.instance, cohort.newest)
      }
      // Not only those of this device: a group's readings are evaluated in order of time.
      if (cohort.held.size > 0) this.#letGoCohort(cohort, limit - 1)
      this.#fireMember(rules, cohort, limit)
    }
  }

  readings(batch: ReadingBatch): void {
    const shapes = batch.shapes.map(({ metrics }) => this.#shapes.of(metrics))
    let at = 0
    for (let row = 0; row < batch.rows; row++) {
      const shapeAt = batch.shape[row]!
      const shape = shapes[shapeAt]!
      const first = at
      at += shape.metrics.length
      if (batch.future[row] === 1) continue
      const id = batch.devices[batch.device[row]!]!.id
      const rules = this.#options.rulesOf(id)
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
      if (cohort.rule.waitMs > 0 || cohort.isDependent !== isDependent) continue
      this.#fireMember(rules, cohort, time)
      if (isInOrder) this.#evaluateMember(rules, cohort, time, receivedAt)
    }
  }

  /** For the rules that wait: the reading is held, and those that are due are evaluated. */
  #evaluateLater(rules: DeviceRules, shape: ReadingShape, time: number, receivedAt: number): void {
    const { lanes, cohorts, device } = rules
    const reading: HeldReading = { time, device: device.id, values: this.#reading.values(), receivedAt }
    // As without `wait`: groups whose rule depends on others after the rules of the device, the others before.
    for (const cohort of cohorts) if (!cohort.isDependent) this.#holdInCohort(cohort, reading, shape)
    for (const lane of lanes) {
      if (lane.waitMs === 0) continue
      const due = rules.newest - lane.waitMs
      if (time >= Math.max(due, lane.letGoTo) && (lane.isReachedBy(shape) || lane.isClocked))
        this.#hold(lane.held, laneOwner(device.id, lane.waitMs), reading)
      if (lane.held.size > heldMax) this.#letGo(rules, lane, lane.held.oldest!.time)
      this.#release(rules, lane, due)
    }
    for (const cohort of cohorts) if (cohort.isDependent) this.#holdInCohort(cohort, reading, shape)
  }

  #holdInCohort(cohort: Cohort, reading: HeldReading, { metrics }: ReadingShape): void {
    const { waitMs } = cohort.rule
    if (waitMs === 0) return
    cohort.newestArrived = Math.max(cohort.newestArrived, reading.time)
    const { condition } = cohort.members.get(reading.device)!.instance.compiled
    // As `reaches`, of which one that names no metric is reached by any reading.
    const isAny = condition.everyReading || condition.metrics.size === 0
    const isReached = isAny || metrics.some((metric) => condition.metrics.has(metric))
    const due = cohort.newestArrived - waitMs
    if (isReached && reading.time >= Math.max(due, cohort.letGoTo))
      this.#hold(cohort.held, cohort.owner, reading)
    if (cohort.held.size > heldMax) this.#letGoCohort(cohort, cohort.held.oldest!.time)
    this.#releaseCohort(cohort, due)
  }

  /** Shows the reading of `#reading` to the rules of a lane. */
  #evaluateOn(rules: DeviceRules, lane: Lane, shape: ReadingShape, time: number, receivedAt: number): void {
    if (lane.nextDeadline < time) this.#fire(rules, lane, time)
    const { ranges, instances, windows, previous } = lane.plan(shape)
    const { evaluation } = this.#stepping
    this.#show(rules, lane.windows, this.#reading, receivedAt)
    for (const { place, at } of windows) {
      const value = this.#reading.numberAt(at)
      if (value !== undefined) lane.windows.all[place]!.add(time, value)
      this.#touched.add(rules)
    }
    for (const { place, at } of ranges) {
      const table = lane.ranges[place]!
      evaluation.evaluations += table.size
      table.judge(this.#reading.numberAt(at), this.#stepping)
    }
    for (const place of instances) this.#stepping.step(lane.instances[place]!)
    evaluation.evaluations += instances.length
    for (const { place, at, isNumber } of previous) {
      const value = isNumber ? this.#reading.numberAt(at) : this.#reading.valueAt(at)
      if (value !== undefined) lane.windows.previous.note(place, time, value)
      this.#touched.add(rules)
    }
    if (!lane.isClocked) return
    this.#planAnnouncements(rules, lane, time)
    lane.updateDeadline()
  }

  /** For what was silenced: it may be so no longer. */
  #planAnnouncements(rules: DeviceRules, lane: Lane, time: number): void {
    let isPlanned = false
    for (const place of lane.layout.clocked) {
      const instance = lane.instances[place]!
      if (!instance.alarm.isUnannounced) continue
      this.#showMoment(rules, lane.windows, 'tick', time)
      this.#stepping.planAnnouncement(instance, time)
      isPlanned = true
    }
    if (isPlanned) lane.updateDeadline()
  }

  #evaluateMember(rules: DeviceRules, cohort: Cohort, time: number, receivedAt: number): void {
    const member = cohort.members.get(rules.device.id)
    if (member === undefined || !reaches(member.instance.compiled.condition, this.#reading)) return
    this.#show(rules, member.windows, this.#reading, receivedAt)
    for (const { metric, at } of member.windows.kinds.all) {
      const value = this.#reading.number(metric)
      if (value !== undefined) member.windows.all[at]!.add(time, value)
    }
    this.#stepMember(cohort, member.instance, time)
    for (const { metric, type, at } of member.windows.kinds.previous.all) {
      const value = type === 'number' ? this.#reading.number(metric) : this.#reading.value(metric)
      if (value !== undefined) member.windows.previous.note(at, time, value)
    }
    this.#stepping.evaluation.evaluations++
  }

  /** Steps a member, and then its group, whose time does not go back. */
  #stepMember(cohort: Cohort, member: Instance, time: number): void {
    if (cohort.isTimedBy(this.#stepping.input)) cohort.newest = Math.max(cohort.newest, time)
    this.#touchedCohorts.add(cohort)
    this.#stepping.step(member)
    if (cohort.instance !== undefined) this.#stepping.stepAt(cohort.instance, cohort.newest)
  }

  /** What the clock does to a member, and to its group, before `limit`. */
  #fireMember(rules: DeviceRules, cohort: Cohort, limit: number): void {
    const member = cohort.members.get(rules.device.id)
    if (member === undefined || !cohort.rule.isClocked) return
    this.#touched.add(rules)
    for (;;) {
      const deadline = Math.min(
        member.instance.deadline,
        cohort.instance?.deadline ?? Number.POSITIVE_INFINITY,
      )
      if (deadline >= limit) return
      const isMembers = deadline === member.instance.deadline
      this.#showMoment(rules, member.windows, 'tick', deadline)
      if (isMembers) this.#stepMember(cohort, member.instance, deadline)
      else this.#stepping.stepAt(cohort.instance!, deadline)
      const next = isMembers ? member.instance.deadline : cohort.instance!.deadline
      if (next <= deadline) throw new Error(`rule ${cohort.rule.rule.id}: the clock stands still`)
    }
  }

  /** What the clock does to the rules of a lane before the event time `limit`. */
  #fire(rules: DeviceRules, lane: Lane, limit: number): void {
    if (lane.nextDeadline < limit) this.#touched.add(rules)
    while (lane.nextDeadline < limit) {
      const instance = lane.nextClocked()!
      const deadline = instance.deadline
      this.#showMoment(rules, lane.windows, 'tick', deadline)
      this.#stepping.step(instance)
      if (instance.deadline <= deadline) throw new Error(`rule ${instance.rule.id}: the clock stands still`)
      lane.updateDeadline()
    }
  }

  #hold(held: HeldReadings, owner: string, reading: HeldReading): void {
    const { time, device } = reading
    this.#stepping.evaluation.held.push({ owner, device, time, reading: held.add(reading) })
    if (held.size > heldMax) this.#options.onLimit('TIDEMARK_RULE_HELD', owner, device)
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
    if (lane.isClocked) this.#fire(rules, lane, until)
  }

  /** Something other than a newer reading lets go: the clock, for rules that run on it, or a bound. */
  #letGo(rules: DeviceRules, lane: Lane, until: number): void {
    const newest = lane.held.newestUntil(until)
    if (newest === undefined) return
    lane.letGoTo = newest
    this.#release(rules, lane, until)
  }

  /** As `#letGo`, of a group. */
  #letGoCohort(cohort: Cohort, until: number): void {
    const newest = cohort.held.newestUntil(until)
    if (newest === undefined) return
    cohort.letGoTo = Math.max(cohort.letGoTo, newest)
    this.#releaseCohort(cohort, until)
  }

  #releaseCohort(cohort: Cohort, until: number): void {
    for (const { time, device, values, receivedAt } of cohort.held.release(until)) {
      this.#stepping.evaluation.held.push({ owner: cohort.owner, device, time, reading: undefined })
      const rules = this.#options.rulesOf(device)
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

  #showMoment(
    rules: DeviceRules,
    windows: Windows,
    kind: 'tick' | 'connected' | 'disconnected',
    time: number,
  ): void {
    this.#moment.showMoment(kind, time, rules.device.id)
    this.#show(rules, windows, this.#moment, undefined)
  }

  #show(rules: DeviceRules, windows: Windows, input: ReadingInput, receivedAt: number | undefined): void {
    const stepping = this.#stepping
    stepping.rules = rules
    stepping.windows = windows
    stepping.input = input
    stepping.receivedAt = receivedAt
  }

  /** What came of everything since `begin`. */
  end(): Evaluation {
    const { evaluation } = this.#stepping
    for (const { device, lanes, newest, arrivedAt } of this.#touched) {
      for (const { waitMs, windows } of lanes)
        this.#collectWindows(laneOwner(device.id, waitMs), device.id, windows)
      const time = newest === Number.NEGATIVE_INFINITY ? null : newest
      const letGo = letGoOf(lanes)
      const clock = { time, arrivedAt, registeredAt: device.createdAt }
      evaluation.clocks.set(device.id, letGo === undefined ? clock : { ...clock, letGo })
    }
    for (const cohort of this.#touchedCohorts) {
      for (const [device, { windows }] of cohort.members) this.#collectWindows(cohort.owner, device, windows)
    }
    this.#touched.clear()
    this.#touchedCohorts.clear()
    return evaluation
  }

  #collectWindows(owner: string, device: string, windows: Windows): void {
    windows.takeDirty(owner, device, this.#stepping.evaluation.windows)
    for (const { metric, at } of windows.kinds.all)
      if (windows.all[at]!.overflowed) this.#options.onLimit('TIDEMARK_RULE_WINDOW', metric, device)
  }
}

function letGoOf(lanes: readonly Lane[]): Record<string, number> | undefined {
  const those = lanes.filter(({ letGoTo }) => letGoTo !== Number.NEGATIVE_INFINITY)
  return those.length === 0
    ? undefined
    : Object.fromEntries(those.map(({ waitMs, letGoTo }) => [waitMs, letGoTo]))
}
