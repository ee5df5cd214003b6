import type { DeviceRecord } from '../domain/device.ts'
import type { AlarmState } from './alarm-machine.ts'
import type { CompiledRule, RuleForDevice } from './compile.ts'
import { type CompiledCondition, type Outcome, outcomes } from './conditions/condition.ts'
import { judgeGroup } from './conditions/group.ts'
import { Inner, type InnerState } from './conditions/inner.ts'
import { judgePeer, type PeerEdge, type PeerState, type PeerValue } from './conditions/peers.ts'
import { HeldReadings } from './held-readings.ts'
import { Instance } from './instance.ts'
import { PeerValues } from './peer-values.ts'
import type { GroupCondition, PeersCondition } from './rule.ts'
import type { Windows } from './windows.ts'

/** A device's part in a group. Of `group` its state is that of the inner condition, of `peers` its newest value. */
export interface Member {
  readonly instance: Instance
  readonly windows: Windows
}

/** State of a member of `group`: the inner condition's, and its time. */
interface MemberState extends InnerState {
  outcome: Outcome
  holds: boolean
  time: number
}

/** The devices that one rule of kind `group` or `peers` compares: those of one value of the label. */
export class Cohort {
  readonly rule: CompiledRule
  /** `site=berlin`; `group=all` without a label. */
  readonly id: string
  readonly members = new Map<string, Member>()
  readonly held = new HeldReadings()
  /** Newest event time evaluated of any member. */
  newest = Number.NEGATIVE_INFINITY
  /** Newest event time that arrived, of any member. */
  newestArrived = Number.NEGATIVE_INFINITY
  /** Newest event time that was let go early: what is older comes too late. */
  letGoTo = Number.NEGATIVE_INFINITY
  /** The group's own alarm; none of `peers`. */
  readonly instance: Instance | undefined
  #holding = 0
  readonly #peers = new PeerValues()

  constructor(rule: CompiledRule, id: string, kept: AlarmState | undefined) {
    this.rule = rule
    this.id = id
    const { when } = rule.rule
    if (when.kind === 'group') this.instance = this.#newGroupInstance(when, kept)
  }

  /** Its rule asks for the alarms of others: it is evaluated after them. */
  get isDependent(): boolean {
    return this.rule.dependsOn.length > 0
  }

  /** Name under which its held readings and its members' windows are kept; no device's lane has such a one. */
  get owner(): string {
    return `${cohortOwners(this.rule.rule.id)}${encodeURIComponent(this.id)}`
  }

  /** Adds a device with what was kept of it. */
  add(
    device: DeviceRecord,
    compiled: RuleForDevice,
    kept: AlarmState | undefined,
    windows: Windows,
    newest: number,
  ): void {
    const { when } = this.rule.rule
    const condition =
      when.kind === 'peers'
        ? this.#peerCondition(when, device.id, compiled.condition as PeerValue)
        : this.#memberCondition(compiled.condition)
    const basis = memberBasis(compiled.basis, this.id)
    const own = { ...compiled, condition, range: undefined, basis }
    const instance = new Instance(own, device, kept, newest - this.rule.waitMs)
    this.members.set(device.id, { instance, windows })
    const state = instance.inner as MemberState | PeerState
    if ('holds' in state && state.holds) this.#holding++
    if ('value' in state && state.value !== null)
      this.#peers.set(this.#peers.slotOf(device.id), state.time, state.value)
    if (state.time > this.newest && state.time > 0) this.newest = state.time
    this.letGoTo = Math.max(this.letGoTo, this.#evaluatedTo(state.time, windows))
  }

  /**
   * Event time up to which a member's readings were certainly let go. What makes readings due is the newest of the devices that
   * are in the group now: without the one that was ahead it would fall back, behind what was evaluated.
   */
  #evaluatedTo(time: number, windows: Member['windows']): number {
    // The clock may have been ahead of the readings that are due.
    let to = this.rule.isClocked || time <= 0 ? Number.NEGATIVE_INFINITY : time
    for (const window of windows.all) to = Math.max(to, window.newestTime)
    return to
  }

  /** Whether a reading counts for the group's time: to `peers` one that holds only a text is none. */
  isTimedBy(reading: { number(metric: string): number | undefined }): boolean {
    const { when } = this.rule.rule
    return when.kind !== 'peers' || reading.number(when.metric) !== undefined
  }

  remove(deviceId: string): void {
    const state = this.members.get(deviceId)?.instance.inner as MemberState | PeerState | undefined
    if (state !== undefined && 'holds' in state && state.holds) this.#holding--
    this.#peers.remove(deviceId)
    this.members.delete(deviceId)
    this.held.remove(deviceId)
  }

  #newGroupInstance(when: GroupCondition, kept: AlarmState | undefined): Instance {
    const device = groupDevice(this.rule, this.id)
    const { timing, condition } = this.rule.forDevice(device, undefined)
    const counted: CompiledCondition<null> = {
      metrics: new Set(),
      windows: [],
      threshold: when.atLeast ?? when.share!,
      initial: () => null,
      step: () => judgeGroup(when, this.#holding, this.members.size),
      value: () => (when.atLeast === undefined ? this.#holding / this.members.size : this.#holding),
      // The group's `for` runs on the clock where its members' conditions do.
      ...(condition.deadline === undefined ? {} : { deadline: () => Number.POSITIVE_INFINITY }),
    }
    const compiled = { rule: this.rule, condition: counted, range: undefined, timing, basis: undefined }
    return new Instance(compiled, device, kept, Number.NEGATIVE_INFINITY)
  }

  /** Of a member of `group`: the inner condition as within any other, counted here. */
  #memberCondition(inner: CompiledCondition): CompiledCondition<MemberState> {
    const within = new Inner(inner)
    return {
      metrics: inner.metrics,
      everyReading: inner.everyReading === true,
      onConnection: inner.onConnection === true,
      windows: inner.windows,
      threshold: inner.threshold,
      initial: (beginning) => ({ ...within.initial(beginning), time: 0 }),
      step: (state, input) => {
        const before = state.holds
        const { outcome, holds } = within.step(state, input)
        state.outcome = outcome
        state.holds = holds
        state.time = Math.max(state.time, input.time)
        this.#holding += Number(state.holds) - Number(before)
        return outcomes.unknown
      },
      value: () => undefined,
      ...(inner.deadline === undefined
        ? {}
        : { deadline: (state: MemberState) => inner.deadline!(state.own) }),
    }
  }

  /** Of a member of `peers`: its newest value against those of the others. */
  #peerCondition(when: PeersCondition, deviceId: string, own: PeerValue): CompiledCondition<PeerState> {
    const judged: PeerEdge = { edge: 0 }
    const peers = this.#peers
    const slot = peers.slotOf(deviceId)
    return {
      ...own,
      step: (state, input) => {
        own.step(state, input)
        const value = input.number(when.metric)
        if (value === undefined) return outcomes.unknown
        peers.set(slot, input.time, value)
        const count = peers.collectOthers(slot, this.newest, own.maxAgeMs)
        return judgePeer(when, value, peers.collected, count, judged)
      },
      thresholdOf: () => judged.edge,
    }
  }
}

/** Of a label that makes a group: its value is part of keys, topics and ids. */
const groupValueMax = 64

/** What a member's state was made with: it begins anew in another group. */
export function memberBasis(basis: string | undefined, groupId: string | undefined): string {
  return `${groupId ?? ''} ${basis ?? ''}`
}

/** What the owners of a rule's cohorts begin with. */
export function cohortOwners(ruleId: string): string {
  return `@${ruleId} `
}

/** The group of a rule that a device belongs to; undefined without the label. */
export function groupIdOf(rule: CompiledRule, device: DeviceRecord): string | undefined {
  const { by } = rule.rule.when as GroupCondition | PeersCondition
  if (by === undefined) return 'group=all'
  const value = Object.hasOwn(device.labels, by) ? device.labels[by]! : undefined
  return value === undefined || value.length > groupValueMax || !value.isWellFormed()
    ? undefined
    : `${by}=${value}`
}

/** Tells the id of a group from that of a device, which has no such sign. */
export function isGroupId(id: string): boolean {
  return id.includes('=')
}

/** A group as the device of its alarm. */
export function groupDevice({ rule }: CompiledRule, id: string): DeviceRecord {
  const at = id.indexOf('=')
  const { by } = rule.when as GroupCondition
  return {
    id,
    type: rule.select.types[0] ?? '',
    labels: by === undefined ? {} : { [by]: id.slice(at + 1) },
    createdAt: rule.createdAt,
    secretHash: '',
  }
}
