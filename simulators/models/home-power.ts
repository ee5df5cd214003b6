import type { Fault } from '../faults/fault.ts'
import type { EvCharging } from './ev-charging.ts'
import { FaultWindow, faultsOf, nextFaultChangeMs } from './fault-window.ts'
import type { Household, Load } from './household.ts'
import { hourMs } from './model.ts'

const evTangent = 0.02
const standbyTangent = 0.1

export interface HomeSettings {
  readonly household: Household
  readonly ev: EvCharging | undefined
  /** How the load spreads over the phases; their sum is 1. */
  readonly phaseShares: readonly number[]
  /** Of kinds standby_load and phase_loss. */
  readonly faults: readonly Fault[]
}

/** What a home draws, its PV apart: household, car, and what its faults add and take away. */
export class HomePower {
  readonly #household: Household
  readonly #ev: EvCharging | undefined
  readonly #shares: readonly number[]
  readonly #standby: readonly Fault[]
  readonly #lost: readonly FaultWindow[]
  readonly #changes: readonly FaultWindow[]

  constructor({ household, ev, phaseShares, faults }: HomeSettings) {
    this.#household = household
    this.#ev = ev
    this.#shares = phaseShares
    this.#standby = faultsOf(faults, 'standby_load')
    const window = (fault: Fault) => new FaultWindow(fault, (timeMs) => this.#wholeAt(timeMs).energyWh)
    this.#lost = faultsOf(faults, 'phase_loss').map(window)
    this.#changes = [...this.#lost, ...this.#standby.map(window)]
  }

  /** The load of all phases that are alive. */
  at(timeMs: number): Load {
    const whole = this.#wholeAt(timeMs)
    if (this.#lost.length === 0) return whole
    let { powerW, reactiveVar, energyWh } = whole
    for (const window of this.#lost) {
      const share = this.#shares[this.#phaseOf(window.fault)]!
      energyWh -= share * window.whUntil(timeMs, whole.energyWh)
      if (!window.isActive(timeMs)) continue
      powerW -= share * whole.powerW
      reactiveVar -= share * whole.reactiveVar
    }
    return { powerW, reactiveVar, energyWh }
  }

  /** Index of the phase that is dead. */
  lostPhase(timeMs: number): number | undefined {
    const window = this.#lost.find((one) => one.isActive(timeMs))
    return window === undefined ? undefined : this.#phaseOf(window.fault)
  }

  /** Share of the power of an array that reaches the phases that are alive: it feeds each with as much. */
  arrayShare(timeMs: number): number {
    return this.lostPhase(timeMs) === undefined ? 1 : 1 - 1 / this.#shares.length
  }

  nextFaultChangeMs(timeMs: number): number {
    return nextFaultChangeMs(this.#changes, timeMs)
  }

  /** When the power may change next. */
  nextChangeMs(timeMs: number): number {
    return Math.min(
      this.#household.nextChangeMs(timeMs),
      this.#ev?.nextChangeMs(timeMs) ?? Number.POSITIVE_INFINITY,
      this.nextFaultChangeMs(timeMs),
    )
  }

  #phaseOf({ parameters }: Fault): number {
    return Math.min(this.#shares.length, Math.max(1, Math.round(parameters.phase ?? 1))) - 1
  }

  #wholeAt(timeMs: number): Load {
    const household = this.#household.at(timeMs)
    if (this.#ev === undefined && this.#standby.length === 0) return household
    let { powerW, reactiveVar, energyWh } = household
    if (this.#ev !== undefined) {
      const evW = this.#ev.powerW(timeMs)
      powerW += evW
      reactiveVar += evW * evTangent
      energyWh += this.#ev.energyWh(timeMs)
    }
    for (const { onsetMs, endMs, severity, parameters } of this.#standby) {
      if (timeMs < onsetMs) continue
      const watts = (parameters.power_w ?? 250) * severity
      energyWh += (watts * (Math.min(timeMs, endMs) - onsetMs)) / hourMs
      if (timeMs >= endMs) continue
      powerW += watts
      reactiveVar += watts * standbyTangent
    }
    return { powerW, reactiveVar, energyWh }
  }
}
