import type { DeviceRecord } from '../domain/device.ts'
import type { Profile } from '../domain/profile.ts'
import { Cohort, groupIdOf } from './cohort.ts'
import type { CompiledRule, RuleForDevice } from './compile.ts'
import type { Kept } from './kept.ts'
import { WindowKinds, Windows } from './windows.ts'

export interface CohortsSource {
  readonly kept: Kept
  readonly devices: () => Iterable<DeviceRecord>
  readonly findDevice: (id: string) => DeviceRecord | undefined
  readonly profileOf: (type: string) => Profile | undefined
  readonly readingsMax: number
}

interface RuleCohorts {
  readonly byId: Map<string, Cohort>
  readonly groupOfDevice: Map<string, Cohort>
}

/** The groups of all rules that compare devices. Those of a rule are made when it is first asked for one. */
export class Cohorts {
  readonly #source: CohortsSource
  readonly #ofRule = new Map<CompiledRule, RuleCohorts>()
  readonly #left = new Map<string, { readonly rule: CompiledRule; readonly id: string }>()

  readonly #kinds = new WeakMap<RuleForDevice, WindowKinds>()

  constructor(source: CohortsSource) {
    this.#source = source
  }

  of(rule: CompiledRule, device: DeviceRecord): Cohort | undefined {
    return this.#cohortsOf(rule).groupOfDevice.get(device.id)
  }

  /** The group that a device belongs to by its labels, or would if the rule selected it. */
  byLabels(rule: CompiledRule, device: DeviceRecord): Cohort | undefined {
    const groupId = groupIdOf(rule, device)
    return groupId === undefined ? undefined : this.#cohortsOf(rule).byId.get(groupId)
  }

  /** Groups that devices have left since the last call. */
  takeLeft(): Cohort[] {
    // As they are now: they may have been made anew since.
    const left = [...this.#left.values()].map(({ rule, id }) => this.#ofRule.get(rule)?.byId.get(id))
    this.#left.clear()
    return left.filter((cohort) => cohort !== undefined && cohort.members.size > 0) as Cohort[]
  }

  hasMembers(rule: CompiledRule, groupId: string): boolean {
    return (this.#cohortsOf(rule).byId.get(groupId)?.members.size ?? 0) > 0
  }

  /** A device was registered, edited or removed: it joins or leaves groups. */
  deviceChanged(id: string): void {
    const device = this.#source.findDevice(id)
    for (const [rule, cohorts] of this.#ofRule) {
      const left = cohorts.groupOfDevice.get(id)
      left?.remove(id)
      if (left !== undefined) this.#left.set(left.owner, { rule, id: left.id })
      cohorts.groupOfDevice.delete(id)
      if (device !== undefined && rule.matches(device)) this.#join(rule, cohorts, device)
    }
  }

  forgetRule(rule: CompiledRule): void {
    this.#ofRule.delete(rule)
  }

  forgetAll(): void {
    this.#ofRule.clear()
  }

  #cohortsOf(rule: CompiledRule): RuleCohorts {
    const found = this.#ofRule.get(rule)
    if (found !== undefined) return found
    const cohorts: RuleCohorts = { byId: new Map(), groupOfDevice: new Map() }
    this.#ofRule.set(rule, cohorts)
    for (const device of this.#source.devices()) if (rule.matches(device)) this.#join(rule, cohorts, device)
    return cohorts
  }

  #join(rule: CompiledRule, cohorts: RuleCohorts, device: DeviceRecord): void {
    const groupId = groupIdOf(rule, device)
    if (groupId === undefined) return
    const { kept, profileOf } = this.#source
    let cohort = cohorts.byId.get(groupId)
    if (cohort === undefined) {
      cohort = new Cohort(rule, groupId, kept.instance(rule.rule.id, groupId))
      for (const reading of kept.held(cohort.owner)) cohort.held.add(reading)
      cohorts.byId.set(groupId, cohort)
    }
    const compiled = rule.forDevice(device, profileOf(device.type))
    const windows = this.#windowsOf(cohort, device, compiled)
    const newest = kept.clock(device.id)?.time ?? Number.NEGATIVE_INFINITY
    cohort.add(device, compiled, kept.instance(rule.rule.id, device.id), windows, newest)
    cohort.newestArrived = Math.max(cohort.newestArrived, newest)
    cohorts.groupOfDevice.set(device.id, cohort)
  }

  #windowsOf(cohort: Cohort, { id }: DeviceRecord, compiled: RuleForDevice): Windows {
    const { kept, readingsMax } = this.#source
    const kinds = this.#kinds.get(compiled) ?? new WindowKinds([compiled.condition], readingsMax)
    this.#kinds.set(compiled, kinds)
    return Windows.load(kinds, { owner: cohort.owner, device: id }, kept)
  }
}
