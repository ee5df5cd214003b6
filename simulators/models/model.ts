import type { Value } from '../../domain/profile.ts'
import { hash32 } from '../../lib/prng.ts'

/** One simulated device: its readings are a pure function of (seed, device id, time). */
export interface SimulatedDevice {
  readonly id: string
  readonly type: string
  /** Values at `timeMs` (Unix ms). */
  valuesAt(timeMs: number): Record<string, Value>
}

/** A kind of device that the simulator can make. */
export interface DeviceModel {
  readonly type: string
  readonly description: string
  /** Usual time between two readings. */
  readonly intervalMs: number
  create(seed: number, id: string): SimulatedDevice
}

/** The key of one signal of one device. */
export function signalKey(seed: number, id: string, signal: string): number {
  return hash32(`${seed}/${id}/${signal}`)
}

export function round(value: number, digits: number): number {
  const scale = 10 ** digits
  return Math.round(value * scale) / scale
}

/** Hour of the day, UTC, with its fraction. */
export function hourOfDay(timeMs: number): number {
  return (timeMs / 3_600_000) % 24
}

export const dayMs = 86_400_000
