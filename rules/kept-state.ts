import type { DeviceRecord } from '../domain/device.ts'
import type { EventRecord } from '../domain/event.ts'
import { counters, type Log, type LogTransaction } from '../log/log.ts'
import { alarmId } from './alarm-events.ts'
import { type AlarmState, isUp, normalState } from './alarm-machine.ts'
import { AlarmTable } from './alarm-table.ts'
import { cohortOwners, isGroupId } from './cohort.ts'
import type { HeldReading } from './held-readings.ts'
import type { DeviceClock, Evaluation, WindowName } from './instance.ts'
import type { Kept } from './kept.ts'

/** In what was kept before version 0.2 there is no `arrivedAt`: the reading is then taken to have come at its own time. */
type KeptClock = Omit<DeviceClock, 'arrivedAt'> & Partial<Pick<DeviceClock, 'arrivedAt'>>

/** State of one rule for one device, as it is kept. */
export interface KeptInstance {
  readonly ruleId: string
  readonly deviceId: string
  readonly state: AlarmState
}

/**
 * Between two parts of a key; in no id and no metric, and what may hold it is encoded. It is no control character: those are encoded
 * otherwise in short keys than in long ones, and a long key with a NUL is read back as a list.
 */
const separator = '|'

/** The registered devices. */
export type Devices = Pick<ReadonlyMap<string, DeviceRecord>, 'get' | 'keys'>

/** Reads what the log keeps of rules' instances, of devices' clocks, of windows and held readings. */
export class RuleStateTable implements Kept {
  readonly #log: Log
  readonly #devices: Devices

  constructor(log: Log, devices: Devices) {
    this.#log = log
    this.#devices = devices
  }

  instance(ruleId: string, deviceId: string): AlarmState | undefined {
    const kept = this.#log.get<Partial<AlarmState>>('instances', instanceKey(ruleId, deviceId))
    return kept === undefined ? undefined : whole(kept)
  }

  clock(deviceId: string): DeviceClock | undefined {
    const kept = this.#isOutdated(deviceId) ? undefined : this.#clock(deviceId)
    return kept === undefined ? undefined : { ...kept, arrivedAt: kept.arrivedAt ?? kept.time ?? 0 }
  }

  held(owner: string): readonly HeldReading[] {
    return this.#log
      .entries<HeldReading>('held-readings', { prefix: keyOf(owner, '') })
      .map(([, reading]) => reading)
  }

  window(name: WindowName): readonly { readonly start: number; readonly bytes: Buffer }[] {
    const prefix = windowPrefix(name)
    return this.#log
      .entries<Buffer>('windows', { prefix })
      .map(([key, bytes]) => ({ start: Number(key.slice(prefix.length)), bytes }))
  }

  lanes(deviceId: string): { readonly windows: readonly WindowName[]; readonly held: readonly string[] } {
    const windows = this.#firstKeys('windows', `${deviceId} `, 4).map(([owner, device, metric, length]) => ({
      owner: owner!,
      device: device!,
      metric: metric!,
      lengthMs: Number(length),
    }))
    return { windows, held: this.#firstKeys('held-readings', `${deviceId} `, 1).map(([owner]) => owner!) }
  }

  /** True when something is kept of a device that is gone, or of an earlier one with its id. */
  mustDrop(deviceId: string): boolean {
    return this.#clock(deviceId) !== undefined && this.#isOutdated(deviceId)
  }

  /** Of all rules, devices and groups. */
  instances(): KeptInstance[] {
    return this.#log.entries<Partial<AlarmState>>('instances').map(toInstance)
  }

  /** Of one rule: its groups, and the devices that are registered. */
  instancesOf(ruleId: string): KeptInstance[] {
    return [...this.groupsOf(ruleId), ...this.devicesOf(ruleId, this.#devices.keys())]
  }

  groupsOf(ruleId: string): KeptInstance[] {
    return this.#log
      .entries<Partial<AlarmState>>('instances', { prefix: groupKey(ruleId, '') })
      .map(toInstance)
  }

  devicesOf(ruleId: string, deviceIds: Iterable<string>): KeptInstance[] {
    const found: KeptInstance[] = []
    for (const deviceId of deviceIds) {
      const state = this.instance(ruleId, deviceId)
      if (state !== undefined) found.push({ ruleId, deviceId, state })
    }
    return found
  }

  /** Keys of all that is kept of a device's instances. */
  keysOfInstances(deviceId: string): string[] {
    return this.#log.entries('instances', { prefix: keyOf(deviceId, '') }).map(([key]) => key)
  }

  /** Keys of windows and held readings whose owner begins with `owners`. */
  keysOf(table: 'windows' | 'held-readings', owners: string): string[] {
    return this.#log.entries(table, { prefix: owners }).map(([key]) => key)
  }

  /** The different first `parts` of the keys that begin with `prefix`, each found by one step. */
  #firstKeys(table: 'windows' | 'held-readings', prefix: string, parts: number): string[][] {
    const found: string[][] = []
    let after: string | undefined
    for (;;) {
      const range = after === undefined ? { from: prefix } : { from: after }
      const [entry] = this.#log.entries(table, { ...range, limit: 1 })
      if (entry === undefined || !entry[0].startsWith(prefix)) return found
      const first = entry[0].split(separator).slice(0, parts)
      found.push(first)
      after = `${first.join(separator)}${afterSeparator}`
    }
  }

  #clock(deviceId: string): KeptClock | undefined {
    return this.#log.get<KeptClock>('device-clocks', deviceId)
  }

  #isOutdated(deviceId: string): boolean {
    return this.#clock(deviceId)?.registeredAt !== this.#devices.get(deviceId)?.createdAt
  }
}

/** Comes after every key that goes on with a separator. */
const afterSeparator = '}'

/** Writes events and what is kept with them in one transaction. */
export class RuleStateWriter {
  readonly #tx: LogTransaction
  readonly #kept: RuleStateTable
  readonly #alarms: AlarmTable

  constructor(tx: LogTransaction, kept: RuleStateTable) {
    this.#tx = tx
    this.#kept = kept
    this.#alarms = new AlarmTable(tx)
  }

  event(event: EventRecord): void {
    const { class: eventClass, severity, state } = event.data
    this.#tx.append('events', Buffer.from(JSON.stringify(event)), 1)
    this.#tx.count(counters.events(eventClass, severity, state), 1)
    this.#alarms.afterEvent(event)
  }

  /** States, clocks, windows and held readings that an evaluation changed; after its events. */
  evaluation(evaluation: Evaluation): void {
    const { changed, clocks, windows, held, unneeded } = evaluation
    for (const { rule, device, alarm, kept } of changed) {
      this.#tx.put('instances', instanceKey(rule.id, device.id), kept)
      if (isUp(alarm))
        this.#alarms.condition(alarmId(rule.id, device.id), alarm.condition as 'active' | 'recovering')
    }
    for (const [deviceId, clock] of clocks) this.#tx.put('device-clocks', deviceId, clock)
    for (const name of unneeded.windows) this.#drop('windows', windowPrefix(name))
    for (const owner of unneeded.held) this.#drop('held-readings', keyOf(owner, ''))
    for (const change of windows) {
      const key = `${windowPrefix(change)}${padded(change.start)}`
      const { bytes } = change
      if (bytes === undefined) this.#tx.remove('windows', key)
      else this.#tx.put('windows', key, bytes)
    }
    for (const { owner, time, device, reading } of held) {
      const key = keyOf(owner, padded(time), device)
      if (reading === undefined) this.#tx.remove('held-readings', key)
      else this.#tx.put('held-readings', key, reading)
    }
  }

  dropInstance({ ruleId, deviceId }: Pick<KeptInstance, 'ruleId' | 'deviceId'>): void {
    this.#tx.remove('instances', instanceKey(ruleId, deviceId))
  }

  /**
   * After `dropInstance`, where the rule goes on in the same version: only the events so far of the episode are kept. A reading may
   * come that has the time at which it began, and ids stay unique.
   */
  beginAnew({ ruleId, deviceId, state: { since, transitions } }: KeptInstance): void {
    if (transitions === 0) return
    this.#tx.put('instances', instanceKey(ruleId, deviceId), { since, transitions: transitions + 1 })
  }

  /** What a group of a rule keeps of a device beside its instance. */
  dropMember(ruleId: string, deviceId: string): void {
    // A metric or a length may be written like the id of a device.
    for (const [table, part] of [
      ['windows', 1],
      ['held-readings', 2],
    ] as const) {
      const isOfDevice = (key: string) => key.split(separator)[part] === deviceId
      const keys = this.#kept.keysOf(table, cohortOwners(ruleId)).filter(isOfDevice)
      for (const key of keys) this.#tx.remove(table, key)
    }
  }

  /** What the groups of a rule keep beside their instances. */
  dropCohorts(ruleId: string): void {
    this.#drop('windows', cohortOwners(ruleId))
    this.#drop('held-readings', cohortOwners(ruleId))
  }

  /** Removes everything of a device; `ruleIds` are all rules that there are. */
  dropDevice(deviceId: string, ruleIds: readonly string[]): void {
    this.#tx.remove('device-clocks', deviceId)
    this.#drop('windows', `${deviceId} `)
    this.#drop('held-readings', `${deviceId} `)
    for (const key of this.#kept.keysOfInstances(deviceId)) this.#tx.remove('instances', key)
    for (const ruleId of ruleIds) {
      this.dropMember(ruleId, deviceId)
      this.#alarms.remove(alarmId(ruleId, deviceId))
    }
  }

  #drop(table: 'windows' | 'held-readings', owners: string): void {
    for (const key of this.#kept.keysOf(table, owners)) this.#tx.remove(table, key)
  }
}

/**
 * By device and then by rule: a reading changes most instances of its device, and rows that lie together are few pages of a
 * commit (docs/decisions/0026). Groups come by rule, under a sign that no id of a device begins with.
 */
export function instanceKey(ruleId: string, deviceId: string): string {
  return isGroupId(deviceId) ? groupKey(ruleId, deviceId) : keyOf(deviceId, ruleId)
}

/** A group's id holds the value of a label, which may be any text. */
function groupKey(ruleId: string, groupId: string): string {
  return keyOf(`=${ruleId}`, encodeURIComponent(groupId))
}

function toInstance([key, kept]: [string, Partial<AlarmState>]): KeptInstance {
  const [first, second] = key.split(separator) as [string, string]
  const isGroup = first.startsWith('=')
  return {
    ruleId: isGroup ? first.slice(1) : second,
    deviceId: isGroup ? decodeURIComponent(second) : first,
    state: whole(kept),
  }
}

function whole(kept: Partial<AlarmState>): AlarmState {
  return Object.assign(normalState(), kept)
}

function windowPrefix({ owner, device, metric, lengthMs }: WindowName): string {
  return keyOf(owner, device, metric, String(lengthMs), '')
}

function keyOf(...parts: readonly string[]): string {
  return parts.join(separator)
}

/** A time such that the order of texts is that of times; readings are of the years 2000 to 2099. */
function padded(timeMs: number): string {
  return String(timeMs).padStart(16, '0')
}
