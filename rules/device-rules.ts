import type { DeviceRecord } from '../domain/device.ts'
import type { Profile } from '../domain/profile.ts'
import type { AlarmState } from './alarm-machine.ts'
import type { Cohort } from './cohort.ts'
import type { CompiledRule, RuleForDevice } from './compile.ts'
import { type DeviceClock, type Evaluation, Instance } from './instance.ts'
import type { Kept } from './kept.ts'
import { Lane } from './lane.ts'
import { RangeTable } from './range-table.ts'
import { loadWindow, windowKey } from './shared-window.ts'

/** The rules of one device, and what is known of its time. */
export class DeviceRules {
  readonly device: DeviceRecord
  /** Of which set of rules it was made: see `Evaluator`. */
  readonly generation: number
  /** By `wait`, the one without first. */
  readonly lanes: readonly Lane[]
  /** Its places in the groups of rules that compare devices. */
  readonly cohorts: readonly Cohort[]
  /** Newest event time of any reading, and the wall time at which it arrived. */
  newest: number
  arrivedAt: number
  /** Pairs of rule and device. */
  readonly pairs: number
  /** Some rules were left out: there were as many pairs as there may be. */
  readonly isCut: boolean

  constructor(
    device: DeviceRecord,
    generation: number,
    parts: { lanes: readonly Lane[]; cohorts: readonly Cohort[]; pairs: number; isCut: boolean },
    clock: DeviceClock | undefined,
  ) {
    this.device = device
    this.generation = generation
    this.lanes = parts.lanes
    this.cohorts = parts.cohorts
    this.pairs = parts.pairs
    this.isCut = parts.isCut
    this.newest = clock?.time ?? Number.NEGATIVE_INFINITY
    this.arrivedAt = clock?.arrivedAt ?? 0
  }

  get isClocked(): boolean {
    return this.lanes.some((lane) => lane.isClocked)
  }

  /** Its clock at the wall time `now`: docs/RULES.md, "absence". Before its first reading, the wall clock. */
  clockAt(now: number): number {
    return this.newest === Number.NEGATIVE_INFINITY ? now : this.newest + Math.max(0, now - this.arrivedAt)
  }

  /** The device's own instance of a rule of kind `peers`. */
  member(ruleId: string): Instance | undefined {
    const cohort = this.cohorts.find(
      ({ rule, instance }) => rule.rule.id === ruleId && instance === undefined,
    )
    return cohort?.members.get(this.device.id)?.instance
  }

  /** The instance of a rule that is in no range table. */
  instance(ruleId: string): Instance | undefined {
    for (const lane of this.lanes) {
      for (const instance of lane.instances) if (instance.rule.id === ruleId) return instance
    }
    return undefined
  }
}

/** What building the rules of a device takes. */
export interface DeviceRulesSource {
  readonly generation: number
  /** In the order in which they are evaluated. */
  readonly rules: Iterable<CompiledRule>
  /** Rules that others watch: they are evaluated one by one. */
  readonly watched: ReadonlySet<string>
  readonly kept: Kept
  readonly profileOf: (type: string) => Profile | undefined
  readonly cohortOf: (rule: CompiledRule, device: DeviceRecord) => Cohort | undefined
  /** How many more pairs there may be. */
  readonly pairsMax: number
  readonly readingsMax: number
  /** The rules of the same device before an edit of some: what did not change is taken over, with what it knows. */
  readonly previous: DeviceRules | undefined
  readonly onLimit: (rule: CompiledRule, device: DeviceRecord) => void
}

/** The rules that reach a device, with what was kept of them. */
export function buildDeviceRules(device: DeviceRecord, source: DeviceRulesSource): DeviceRules {
  const { kept, previous } = source
  const clock =
    previous === undefined ? kept.clock(device.id) : { time: previous.newest, arrivedAt: previous.arrivedAt }
  const lanes = new Map<number, Lane>()
  const laneOf = (waitMs: number): Lane => {
    const found = lanes.get(waitMs)
    if (found !== undefined) return found
    const before = previous?.lanes.find((lane) => lane.waitMs === waitMs)
    const lane = new Lane(device.id, waitMs)
    lane.letGoTo = before?.letGoTo ?? kept.clock(device.id)?.letGo?.[waitMs] ?? Number.NEGATIVE_INFINITY
    const held = before === undefined ? (waitMs === 0 ? [] : kept.held(lane.owner)) : before.held.all()
    for (const reading of held) lane.held.add(reading)
    lanes.set(waitMs, lane)
    return lane
  }
  laneOf(0)
  const newest = clock?.time ?? Number.NEGATIVE_INFINITY
  const begin = (compiled: RuleForDevice, state: AlarmState | undefined) =>
    new Instance(compiled, device, state, newest - compiled.rule.waitMs)
  const taken = instancesOf(previous)
  const ranges = new Map<Lane, Map<string, RuleForDevice[]>>()
  const cohorts: Cohort[] = []
  let pairs = 0
  let isCut = false
  for (const rule of source.rules) {
    if (!rule.matches(device)) continue
    if (pairs >= source.pairsMax) {
      source.onLimit(rule, device)
      isCut = true
      break
    }
    const cohort = rule.isOfCohort ? source.cohortOf(rule, device) : undefined
    if (rule.isOfCohort && cohort === undefined) continue
    pairs++
    if (cohort !== undefined) {
      cohorts.push(cohort)
      continue
    }
    const lane = laneOf(rule.waitMs)
    const compiled = rule.forDevice(device, source.profileOf(device.type))
    if (compiled.range !== undefined && !source.watched.has(rule.rule.id)) {
      const [metric] = compiled.condition.metrics
      const byMetric = ranges.get(lane) ?? new Map<string, RuleForDevice[]>()
      ranges.set(lane, byMetric)
      const together = byMetric.get(metric!) ?? []
      byMetric.set(metric!, together)
      together.push(compiled)
    } else lane.instances.push(taken.get(rule) ?? begin(compiled, kept.instance(rule.rule.id, device.id)))
  }
  for (const [lane, byMetric] of ranges) {
    for (const [metric, rules] of byMetric) {
      const instances = rules.map((compiled) => {
        const { rule } = compiled
        // A rule that was there before is not looked up again: where it has no instance, nothing is kept. One may have been left out.
        const wasThere = previous !== undefined && !previous.isCut && rule.generation <= previous.generation
        if (wasThere || taken.has(rule)) return taken.get(rule)
        const state = kept.instance(rule.rule.id, device.id)
        return state === undefined ? undefined : begin(compiled, state)
      })
      lane.ranges.set(metric, new RangeTable(metric, device, rules, instances))
    }
  }
  for (const lane of lanes.values()) {
    shareWindows(device, lane, source)
    lane.settle()
  }
  const sorted = [...lanes.values()].sort((a, b) => a.waitMs - b.waitMs)
  return new DeviceRules(device, source.generation, { lanes: sorted, cohorts, pairs, isCut }, clock)
}

/** Instances of before, by rule: only those of rules that are still the same object count. */
function instancesOf(previous: DeviceRules | undefined): ReadonlyMap<CompiledRule, Instance> {
  const found = new Map<CompiledRule, Instance>()
  for (const lane of previous?.lanes ?? []) {
    for (const instance of lane.instances) found.set(instance.compiled.rule, instance)
    for (const table of lane.ranges.values()) {
      for (const instance of table.instances()) found.set(instance.compiled.rule, instance)
    }
  }
  return found
}

function shareWindows(
  device: DeviceRecord,
  lane: Lane,
  { kept, previous, readingsMax }: DeviceRulesSource,
): void {
  const before = previous?.lanes.find(({ waitMs }) => waitMs === lane.waitMs)
  for (const { compiled } of lane.instances) {
    for (const { metric, lengthMs } of compiled.condition.windows) {
      const key = windowKey(metric, lengthMs)
      if (lane.windows.has(key)) continue
      const name = { owner: lane.owner, device: device.id, metric, lengthMs }
      lane.windows.set(key, before?.windows.get(key) ?? loadWindow(name, kept, readingsMax))
    }
  }
}

/** What is kept for lanes of the device that no longer need it. */
export function unneededOf({ device, lanes }: DeviceRules, kept: Kept): Evaluation['unneeded'] {
  const { windows, held } = kept.lanes(device.id)
  const laneBy = new Map(lanes.map((lane) => [lane.owner, lane]))
  return {
    windows: windows.filter(
      ({ owner, metric, lengthMs }) => laneBy.get(owner)?.windows.has(windowKey(metric, lengthMs)) !== true,
    ),
    held: held.filter((owner) => !laneBy.has(owner)),
  }
}
