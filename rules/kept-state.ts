import type { DeviceRecord } from '../domain/device.ts'
import type { EventRecord } from '../domain/event.ts'
import { counters, type Log, type LogTransaction } from '../log/log.ts'
import { type Alarm, alarmAfter, alarmId } from './alarm-events.ts'
import type { AlarmState } from './alarm-machine.ts'
import type { Evaluation, KeptState } from './evaluator.ts'

/** Newest event time evaluated of a device, and of which registration: an id that is given anew starts from nothing. */
interface KeptClock {
  readonly time: number
  readonly registeredAt: string
}

/** State of one rule for one device, as it is kept. */
export interface KeptInstance {
  readonly ruleId: string
  readonly deviceId: string
  readonly state: AlarmState
}

/** Between two parts of a key; in no rule or device id. */
const separator = '\u0000'

/** Reads what the log keeps of rules' instances and of devices' clocks. */
export class RuleStateTable implements KeptState {
  readonly #log: Log
  readonly #findDevice: (id: string) => DeviceRecord | undefined

  constructor(log: Log, findDevice: (id: string) => DeviceRecord | undefined) {
    this.#log = log
    this.#findDevice = findDevice
  }

  instance(ruleId: string, deviceId: string): AlarmState | undefined {
    return this.#log.get<AlarmState>('rule-state', stateKey(ruleId, deviceId))
  }

  clock(deviceId: string): number | undefined {
    return this.#isOutdated(deviceId) ? undefined : this.#clock(deviceId)?.time
  }

  /** True when what is kept is of a device that is gone, or of an earlier one with its id. */
  mustDrop(deviceId: string): boolean {
    return this.#clock(deviceId) !== undefined && this.#isOutdated(deviceId)
  }

  /** Instances of one rule, or of all. */
  instances(ruleId?: string): KeptInstance[] {
    const range = ruleId === undefined ? {} : { prefix: stateKey(ruleId, '') }
    return this.#log.entries<AlarmState>('rule-state', range).map(([key, state]) => {
      const at = key.indexOf(separator)
      return { ruleId: key.slice(0, at), deviceId: key.slice(at + separator.length), state }
    })
  }

  #clock(deviceId: string): KeptClock | undefined {
    return this.#log.get<KeptClock>('device-clocks', deviceId)
  }

  #isOutdated(deviceId: string): boolean {
    return this.#clock(deviceId)?.registeredAt !== this.#findDevice(deviceId)?.createdAt
  }
}

/** Writes events and what is kept with them in one transaction. It remembers the alarms: reads see them only after. */
export class RuleStateWriter {
  readonly #tx: LogTransaction
  readonly #alarms = new Map<string, Alarm>()

  constructor(tx: LogTransaction) {
    this.#tx = tx
  }

  event(event: EventRecord): void {
    const { class: eventClass, severity, state, alarm } = event.data
    this.#tx.append('events', Buffer.from(JSON.stringify(event)), 1)
    this.#tx.count(counters.events(eventClass, severity, state), 1)
    this.#putAlarm(alarmAfter(event, this.#alarm(alarm)))
  }

  /** States and clocks that an evaluation changed; after its events. */
  evaluation({ changed, clocks }: Evaluation, findDevice: (id: string) => DeviceRecord | undefined): void {
    for (const { compiled, device, state } of changed) {
      this.#tx.put('rule-state', stateKey(compiled.rule.id, device.id), state)
      const { condition } = state
      if (condition !== 'active' && condition !== 'recovering') continue
      const alarm = this.#alarm(alarmId(compiled.rule.id, device.id))
      if (alarm !== undefined && alarm.condition !== condition) this.#putAlarm({ ...alarm, condition })
    }
    for (const [deviceId, time] of clocks) {
      const clock: KeptClock = { time, registeredAt: findDevice(deviceId)?.createdAt ?? '' }
      this.#tx.put('device-clocks', deviceId, clock)
    }
  }

  dropInstance({ ruleId, deviceId }: Pick<KeptInstance, 'ruleId' | 'deviceId'>): void {
    this.#tx.remove('rule-state', stateKey(ruleId, deviceId))
  }

  /** Removes everything of a device; `ruleIds` are all rules that there are. */
  dropDevice(deviceId: string, ruleIds: readonly string[]): void {
    this.#tx.remove('device-clocks', deviceId)
    for (const ruleId of ruleIds) {
      this.dropInstance({ ruleId, deviceId })
      this.#tx.remove('alarms', alarmId(ruleId, deviceId))
    }
  }

  #alarm(id: string): Alarm | undefined {
    return this.#alarms.get(id) ?? this.#tx.get<Alarm>('alarms', id)
  }

  #putAlarm(alarm: Alarm): void {
    this.#alarms.set(alarm.id, alarm)
    this.#tx.put('alarms', alarm.id, alarm)
  }
}

function stateKey(ruleId: string, deviceId: string): string {
  return `${ruleId}${separator}${deviceId}`
}
