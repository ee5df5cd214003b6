import type { Value } from '../../domain/profile.ts'
import { hash32 } from '../../lib/prng.ts'

/** One simulated device: its readings are a pure function of (seed, device id, time), in whatever order they are asked for. */
export interface SimulatedDevice {
  readonly id: string
  readonly type: string
  /** Values at `timeMs` (Unix ms, from 2000 to 2099). */
  valuesAt(timeMs: number): Record<string, Value>
}

/** A kind of device that the simulator can make. Its hours are those of UTC. */
export interface DeviceModel {
  readonly type: string
  readonly description: string
  /** Usual time between two readings. */
  readonly intervalMs: number
  create(seed: number, id: string): SimulatedDevice
}

/** Days and registers count from here; the platform takes no reading that is older, nor one of `endMs` or later. */
export const epochMs = Date.UTC(2000, 0, 1)
export const endMs = Date.UTC(2100, 0, 1)
export const dayMs = 86_400_000
export const hourMs = 3_600_000

/** Whole days since the epoch. */
export function dayOf(timeMs: number): number {
  return Math.floor((timeMs - epochMs) / dayMs)
}

/** Hour of the day, UTC, with its fraction. */
export function hourOfDay(timeMs: number): number {
  return (timeMs / hourMs) % 24
}

/** The key of one signal of one device. */
export function signalKey(seed: number, id: string, signal: string): number {
  return hash32(`${seed}/${id}/${signal}`)
}

export function round(value: number, digits: number): number {
  const scale = 10 ** digits
  return Math.round(value * scale) / scale
}
