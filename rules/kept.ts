import type { AlarmState } from './alarm-machine.ts'
import type { HeldReading } from './held-readings.ts'
import type { DeviceClock, WindowName } from './instance.ts'

/** What the evaluator reads of what was kept; nothing of it changes but by what an evaluation says. */
export interface Kept {
  instance(ruleId: string, deviceId: string): AlarmState | undefined
  clock(deviceId: string): DeviceClock | undefined
  /** Readings that a lane or a cohort held. */
  held(owner: string): readonly HeldReading[]
  /** Buckets of a shared window. */
  window(name: WindowName): readonly { readonly start: number; readonly bytes: Buffer }[]
  /** Windows that are kept for the lanes of a device, and the lanes that have held readings. */
  lanes(deviceId: string): { readonly windows: readonly WindowName[]; readonly held: readonly string[] }
}
