import type { Value } from '../../domain/profile.ts'
import { normalAt, smoothNoise } from '../../lib/prng.ts'
import { round, signalKey } from './model.ts'

const stepMs = 15_000
/** Over a minute the frequency forgets: correlation e^(−Δ/τ). */
const tauMs = 60_000
const decay = Math.exp(-stepMs / tauMs)
/** What is older than 5 τ weighs less than 1 % . */
const steps = Math.round((5 * tauMs) / stepMs)
const norm = Math.sqrt((1 - decay ** 2) / (1 - decay ** (2 * steps)))
const frequencySdHz = 0.02

/**
 * Frequency of the grid, one for all: an Ornstein–Uhlenbeck process as a function of time. At multiples of its step it is the
 * sum of the last normal numbers, weighted by e^(−age/τ): the solution of its equation, cut off at 5 τ. Between them a line,
 * scaled so that its standard deviation is the same everywhere.
 */
export class GridFrequency {
  readonly #key: number
  #step = Number.NaN
  #here = 0
  #next = 0

  constructor(seed: number) {
    this.#key = signalKey(seed, 'grid', 'frequency')
  }

  hz(timeMs: number): number {
    const step = Math.floor(timeMs / stepMs)
    if (step !== this.#step) {
      this.#here = this.#at(step)
      this.#next = this.#at(step + 1)
      this.#step = step
    }
    const share = timeMs / stepMs - step
    const sd = Math.sqrt(share ** 2 + (1 - share) ** 2 + 2 * share * (1 - share) * decay)
    return 50 + (frequencySdHz * (this.#here * (1 - share) + this.#next * share)) / sd
  }

  #at(step: number): number {
    let sum = 0
    let weight = norm
    for (let ago = 0; ago < steps; ago++) {
      sum += weight * normalAt(this.#key, step - ago)
      weight *= decay
    }
    return sum
  }
}

const grids = new Map<number, GridFrequency>()

/** The grid of a seed: one object for all meters, which mostly ask for the same time one after another. */
export function gridFrequencyHz(seed: number, timeMs: number): number {
  let grid = grids.get(seed)
  if (grid === undefined) {
    if (grids.size >= 64) grids.clear()
    grid = new GridFrequency(seed)
    grids.set(seed, grid)
  }
  return grid.hz(timeMs)
}

const sagVPerW = 0.0015

/** Voltage where a home is connected: 230 V, noise of 1.5 V that changes by the minute, and the sag of its own power. */
export function voltageV(key: number, timeMs: number, powerW: number): number {
  return 230 + 1.5 * smoothNoise(key, timeMs, 60_000) - sagVPerW * powerW
}

/** What the meter of one load on one phase shows beside its register; `tangent` is that of the load's phase angle. */
export class LoadMeter {
  readonly #seed: number
  readonly #voltageKey: number
  readonly #tangent: number

  constructor(seed: number, id: string, tangent: number) {
    this.#seed = seed
    this.#voltageKey = signalKey(seed, id, 'voltage')
    this.#tangent = tangent
  }

  valuesAt(timeMs: number, watts: number): Record<string, Value> {
    const reactive = watts * this.#tangent
    const apparent = Math.hypot(watts, reactive)
    const volts = voltageV(this.#voltageKey, timeMs, watts)
    return {
      active_power_w: round(watts, 1),
      reactive_power_var: round(reactive, 1),
      voltage_v: round(volts, 2),
      current_a: round(apparent / volts, 3),
      frequency_hz: round(gridFrequencyHz(this.#seed, timeMs), 3),
      power_factor: round(watts / apparent, 3),
      relay_closed: true,
    }
  }
}
