import type { DeviceRecord } from '../domain/device.ts'
import type { Profile } from '../domain/profile.ts'
import type { AlarmState } from './alarm-machine.ts'
import type { Cohort } from './cohort.ts'
import type { CompiledRule, RuleForDevice } from './compile.ts'
import { HeldReadings } from './held-readings.ts'
import { type DeviceClock, type Evaluation, Instance } from './instance.ts'
import type { Kept } from './kept.ts'
import { Lane, laneOwner } from './lane.ts'
import type { LaneLayouts } from './lane-layout.ts'
import { RangeTable } from './range-table.ts'
import { Windows } from './windows.ts'

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
    clock: Pick<DeviceClock, 'time' | 'arrivedAt'> | undefined,
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
  readonly layouts: LaneLayouts
  /** The rules of the same device before an edit of some: what did not change is taken over, with what it knows. */
  readonly previous: DeviceRules | undefined
  readonly onLimit: (rule: CompiledRule, device: DeviceRecord) => void
}

/** Rules of one `wait`. */
interface LaneRules {
  /** Evaluated one by one. */
  readonly rules: RuleForDevice[]
  readonly inRanges: RuleForDevice[]
}

/** The rules that reach a device, with what was kept of them. */
export function buildDeviceRules(device: DeviceRecord, source: DeviceRulesSource): DeviceRules {
  const { kept, previous } = source
  const clock =
    previous === undefined ? kept.clock(device.id) : { time: previous.newest, arrivedAt: previous.arrivedAt }
  const byWait = new Map<number, LaneRules>([[0, { rules: [], inRanges: [] }]])
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
    const { rules, inRanges } = byWait.get(rule.waitMs) ?? { rules: [], inRanges: [] }
    byWait.set(rule.waitMs, { rules, inRanges })
    const compiled = rule.forDevice(device, source.profileOf(device.type))
    const isInRange = compiled.range !== undefined && !source.watched.has(rule.rule.id)
    if (isInRange) inRanges.push(compiled)
    else rules.push(compiled)
  }
  const newest = clock?.time ?? Number.NEGATIVE_INFINITY
  const taken = instancesOf(previous)
  const lanes = [...byWait]
    .sort(([a], [b]) => a - b)
    .map(([waitMs, ofLane]) => buildLane(device, waitMs, ofLane, source, taken, newest - waitMs))
  return new DeviceRules(
    device,
    source.generation,
    { lanes, cohorts: cohorts.length === 0 ? noCohorts : cohorts, pairs, isCut },
    clock,
  )
}

const noCohorts: readonly Cohort[] = []

/** `newest`: event time to which the readings of the lane have come. */
function buildLane(
  device: DeviceRecord,
  waitMs: number,
  { rules, inRanges }: LaneRules,
  { kept, previous, layouts }: DeviceRulesSource,
  taken: ReadonlyMap<CompiledRule, Instance>,
  newest: number,
): Lane {
  const owner = laneOwner(device.id, waitMs)
  const before = previous?.lanes.find((lane) => lane.waitMs === waitMs)
  const begin = (compiled: RuleForDevice, state: AlarmState | undefined) =>
    new Instance(compiled, device, state, newest)
  const layout = layouts.of(rules, inRanges)
  const instances = layout.rules.map(
    (compiled) =>
      taken.get(compiled.rule) ?? begin(compiled, kept.instance(compiled.rule.rule.id, device.id)),
  )
  const ranges = layout.ranges.map((columns) => {
    const those = columns.rules.map((compiled) => {
      const { rule } = compiled
      // A rule that was there before is not looked up again: where it has no instance, nothing is kept. One may have been left out.
      const wasThere = previous !== undefined && !previous.isCut && rule.generation <= previous.generation
      if (wasThere || taken.has(rule)) return taken.get(rule)
      const state = kept.instance(rule.rule.id, device.id)
      return state === undefined ? undefined : begin(compiled, state)
    })
    return new RangeTable(columns, device, those)
  })
  const windows = Windows.load(layout.windows, { owner, device: device.id }, kept, before?.windows)
  const held = new HeldReadings()
  const heldBefore = before === undefined ? (waitMs === 0 ? [] : kept.held(owner)) : before.held.all()
  for (const reading of heldBefore) held.add(reading)
  const letGoTo = before?.letGoTo ?? kept.clock(device.id)?.letGo?.[waitMs] ?? Number.NEGATIVE_INFINITY
  return new Lane(waitMs, layout, { ranges, instances, windows }, held, letGoTo)
}

/** Instances of before, by rule: only those of rules that are still the same object count. */
function instancesOf(previous: DeviceRules | undefined): ReadonlyMap<CompiledRule, Instance> {
  const found = new Map<CompiledRule, Instance>()
  for (const lane of previous?.lanes ?? []) {
    for (const instance of lane.instances) found.set(instance.compiled.rule, instance)
    for (const table of lane.ranges) {
      for (const instance of table.instances()) found.set(instance.compiled.rule, instance)
    }
  }
  return found
}

/** What is kept for lanes of the device that no longer need it. */
export function unneededOf({ device, lanes }: DeviceRules, kept: Kept): Evaluation['unneeded'] {
  const { windows, held } = kept.lanes(device.id)
  const laneBy = new Map(lanes.map((lane) => [laneOwner(device.id, lane.waitMs), lane]))
  return {
    windows: windows.filter((name) => !laneBy.get(name.owner)?.windows.keeps(name)),
    held: held.filter((owner) => !laneBy.has(owner)),
  }
}
