import type { Value } from '../../domain/profile.ts'
import { hash32 } from '../../lib/prng.ts'
import type { Consequence, Fault } from '../faults/fault.ts'

/** One simulated device: its readings are a pure function of (seed, device id, settings, time), in whatever order they are asked for. */
export interface SimulatedDevice {
  readonly id: string
  readonly type: string
  /** Values at `timeMs` (Unix ms, from 2000 to 2099). Never null: what a sensor does not give is a sensor fault. */
  valuesAt(timeMs: number): Record<string, Value>
  /** When a process fault of this device shows, by the model's own physics without its noise. Only of kinds in `faults` of the model. */
  consequenceOf?(fault: Fault): Consequence
}

/** What a scenario says of one device beyond its name. */
export interface ModelSettings {
  /** Process faults, of kinds that the model knows, in order of onset; at most one at a time of each kind. */
  readonly faults?: readonly Fault[]
  /** Of those in `parameters` of the model; what is not given is drawn from the seed, or fixed, as its description says. */
  readonly parameters?: Readonly<Record<string, number | boolean | string>>
}

/** What a scenario can set of a device. */
export interface ModelParameter {
  /** What it means, its unit and its default. */
  readonly is: string
  readonly takes: NumberRange | readonly (number | boolean | string)[] | 'text'
}

/** Both ends included. */
export interface NumberRange {
  readonly from: number
  readonly to: number
  /** Whole numbers only. */
  readonly whole?: boolean
}

/** A kind of device that the simulator can make. Its hours are those of UTC. */
export interface DeviceModel {
  /** As scenarios name it; equal to `type` unless several models share a type. */
  readonly name: string
  /** Device type under which it registers. */
  readonly type: string
  readonly description: string
  /** Usual time between two readings. */
  readonly intervalMs: number
  /** Process faults that it can have. */
  readonly faults: readonly string[]
  /** Whether a device with these parameters can have a fault of one of these kinds; without it each can. */
  readonly canHave?: (kind: string, parameters: NonNullable<ModelSettings['parameters']>) => boolean
  /** Parameters by name. */
  readonly parameters: Readonly<Record<string, ModelParameter>>
  create(seed: number, id: string, settings?: ModelSettings): SimulatedDevice
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
