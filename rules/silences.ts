import type { DeviceRecord } from '../domain/device.ts'
import type { Change } from '../log/log.ts'
import type { Shelving } from './alarm-table.ts'
import { isInMaintenance, type MaintenanceWindow } from './maintenance-windows.ts'

/** What people keep quiet: alarms that are shelved, devices that are in maintenance. It follows the log's feed of changes. */
export class Silences {
  /** By alarm id. */
  readonly #shelvings = new Map<string, Shelving>()
  /** By rule and device. */
  readonly #shelvedUntil = new Map<string, number>()
  readonly #windows = new Map<string, MaintenanceWindow>()

  apply({ table, key, value }: Change): void {
    if (table === 'maintenance-windows') {
      if (value === undefined) this.#windows.delete(key)
      else this.#windows.set(key, value as MaintenanceWindow)
    }
    if (table !== 'shelvings') return
    const before = this.#shelvings.get(key)
    if (before !== undefined) this.#shelvedUntil.delete(pairKey(before.rule, before.device))
    this.#shelvings.delete(key)
    if (value === undefined) return
    const shelving = value as Shelving
    this.#shelvings.set(key, shelving)
    this.#shelvedUntil.set(pairKey(shelving.rule, shelving.device), shelving.until)
  }

  /** Whether an alarm that comes up at this event time is not to be announced. */
  isSilenced(ruleId: string, device: DeviceRecord, timeMs: number): boolean {
    if (this.#shelvedUntil.size > 0) {
      const until = this.#shelvedUntil.get(pairKey(ruleId, device.id))
      if (until !== undefined && timeMs < until) return true
    }
    return this.#windows.size > 0 && isInMaintenance(this.#windows.values(), device, timeMs)
  }

  /** The first event time from `timeMs` on at which it is not. */
  endOfSilence(ruleId: string, device: DeviceRecord, timeMs: number): number {
    let endMs = Math.max(timeMs, this.#shelvedUntil.get(pairKey(ruleId, device.id)) ?? timeMs)
    for (let beforeMs = Number.NaN; beforeMs !== endMs; ) {
      beforeMs = endMs
      for (const window of this.#windows.values())
        if (isInMaintenance([window], device, endMs)) endMs = window.to
    }
    return endMs
  }
}

function pairKey(ruleId: string, deviceId: string): string {
  return `${ruleId} ${deviceId}`
}
