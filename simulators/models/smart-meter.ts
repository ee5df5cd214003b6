import type { Value } from '../../domain/profile.ts'
import { randomAt, smoothNoise } from '../../lib/prng.ts'
import type { Consequence, Fault } from '../faults/fault.ts'
import { EvCharging } from './ev-charging.ts'
import { FaultWindow, faultsOf } from './fault-window.ts'
import { gridFrequencyHz, voltageV } from './grid.ts'
import { HomePower } from './home-power.ts'
import { Household } from './household.ts'
import {
  type DeviceModel,
  dayMs,
  epochMs,
  hourMs,
  type ModelSettings,
  round,
  type SimulatedDevice,
  signalKey,
} from './model.ts'
import { NetRegister } from './net-register.ts'
import type { PvArray } from './pv.ts'
import { arrayOf, arrayParameters } from './pv-settings.ts'
import { numberSetting, textSetting } from './settings.ts'

/**
 * A home on the H0 load profile, with a car and PV where it is given them: its power is load + car − PV, its registers the
 * integrals of the positive and the negative part.
 */
export const smartMeter: DeviceModel = {
  name: 'smart_meter',
  type: 'smart_meter',
  description: 'electricity meter of a home on the H0 load profile, with a car and PV if wanted',
  intervalMs: 60_000,
  faults: ['phase_loss', 'meter_tamper', 'standby_load'],
  canHave: (kind, { phases }) => kind !== 'phase_loss' || phases === 3,
  parameters: {
    annual_kwh: {
      is: 'kWh a year of the household, car and PV apart; default drawn from 2,000 to 5,000',
      takes: { from: 0, to: 100_000 },
    },
    phases: { is: '1 or 3; default 1. With 3 also power, voltage and current of each', takes: [1, 3] },
    ev_kw: {
      is: 'kW at which a car is charged (3.7, 7.4, 11); default 0: there is none',
      takes: { from: 0, to: 50 },
    },
    pv_kwp: { is: 'peak power of the PV array, kW; default 0: there is none', takes: { from: 0, to: 100 } },
    ...arrayParameters,
    home: {
      is: 'name of the home: devices of one home share its car and its array; default the id',
      takes: 'text',
    },
    site: { is: 'name of the site: its devices share the weather; default `site`', takes: 'text' },
  },
  create: (seed, id, settings) => new Meter(seed, id, settings),
}

class Meter implements SimulatedDevice {
  readonly id: string
  readonly type = 'smart_meter'
  readonly #seed: number
  readonly #voltageKeys: readonly number[]
  readonly #home: HomePower
  readonly #phaseShares: readonly number[]
  readonly #pv: PvArray | undefined
  readonly #net: NetRegister | undefined
  readonly #imports: readonly FaultWindow[]
  readonly #exports: readonly FaultWindow[]

  constructor(seed: number, id: string, settings: ModelSettings | undefined) {
    this.id = id
    this.#seed = seed
    const home = textSetting(settings, 'home', id)
    const drawnKwh = 2_000 + 3_000 * randomAt(signalKey(seed, home, 'size'), 0)
    const evKw = numberSetting(settings, 'ev_kw', 0)
    const kwp = numberSetting(settings, 'pv_kwp', 0)
    const isThreePhase = numberSetting(settings, 'phases', 1) === 3
    const phases = isThreePhase ? ['l1', 'l2', 'l3'] : ['l1']
    this.#voltageKeys = phases.map((phase) => signalKey(seed, id, `voltage ${phase}`))
    this.#phaseShares = sharesOf(signalKey(seed, home, 'phases'), phases.length)
    this.#home = new HomePower({
      household: new Household(seed, home, numberSetting(settings, 'annual_kwh', drawnKwh)),
      ev: evKw > 0 ? new EvCharging(seed, home, evKw) : undefined,
      phaseShares: this.#phaseShares,
      faults: settings?.faults ?? [],
    })
    if (kwp > 0) {
      this.#pv = arrayOf(seed, id, kwp, settings)
      this.#net = new NetRegister(this.#home, this.#pv)
    }
    const tampers = faultsOf(settings?.faults, 'meter_tamper')
    this.#imports = tampers.map((fault) => new FaultWindow(fault, (at) => this.#registers(at).importWh))
    this.#exports = tampers.map((fault) => new FaultWindow(fault, (at) => this.#registers(at).exportWh))
  }

  valuesAt(timeMs: number): Record<string, Value> {
    const load = this.#home.at(timeMs)
    const lost = this.#home.lostPhase(timeMs)
    const arrayW = this.#pv?.powerW(timeMs) ?? 0
    const isTampered = this.#imports.some((window) => window.isActive(timeMs))
    const sign = isTampered ? -1 : 1
    const netW = load.powerW - arrayW * this.#home.arrayShare(timeMs)
    const power = sign * netW
    const apparent = Math.hypot(power, load.reactiveVar)
    const phases = this.#phasesAt(timeMs, load.powerW, arrayW)
    const voltage = phases.reduce((sum, { volts }) => sum + volts, 0) / phases.length
    const { importWh, exportWh } = this.#net?.at(timeMs) ?? { importWh: load.energyWh, exportWh: 0 }
    const values: Record<string, Value> = {
      active_power_w: round(power, 1),
      reactive_power_var: round(load.reactiveVar, 1),
      voltage_v: round(voltage, 2),
      current_a: round(voltage > 50 ? apparent / voltage : 0, 3),
      frequency_hz: round(gridFrequencyHz(this.#seed, timeMs), 3),
      power_factor: apparent === 0 ? 1 : round(power / apparent, 3),
      relay_closed: true,
      energy_import_kwh: kwh(importWh - 2 * sumUntil(this.#imports, timeMs, importWh)),
    }
    if (this.#pv !== undefined) {
      values.energy_export_kwh = kwh(exportWh - 2 * sumUntil(this.#exports, timeMs, exportWh))
    }
    if (phases.length === 1) return values
    for (const [i, { watts, volts }] of phases.entries()) {
      const phase = `l${i + 1}`
      const reactive = (load.reactiveVar * watts) / (netW || 1)
      values[`active_power_${phase}_w`] = round(sign * watts, 1)
      values[`voltage_${phase}_v`] = round(volts, 2)
      values[`current_${phase}_a`] = round(i === lost ? 0 : Math.hypot(watts, reactive) / volts, 3)
    }
    return values
  }

  consequenceOf({ kind, onsetMs }: Fault): Consequence {
    if (kind === 'standby_load') return { detectableFromMs: nightMs(onsetMs) }
    if (kind === 'pv_string_loss') {
      return { detectableFromMs: this.#pv?.clearAboveMs(onsetMs, 0.2) ?? onsetMs }
    }
    return { detectableFromMs: onsetMs }
  }

  #phasesAt(timeMs: number, loadW: number, arrayW: number) {
    const lost = this.#home.lostPhase(timeMs)
    // What is left is what the phases that are alive draw.
    const alive = lost === undefined ? 1 : 1 - this.#phaseShares[lost]!
    return this.#phaseShares.map((share, i) => {
      if (i === lost) {
        return {
          watts: 0,
          volts: Math.min(20, Math.abs(5 * smoothNoise(this.#voltageKeys[i]!, timeMs, 60_000))),
        }
      }
      const watts = (loadW * share) / alive - arrayW / this.#phaseShares.length
      return { watts, volts: voltageV(this.#voltageKeys[i]!, timeMs, watts) }
    })
  }

  /** Without tampering. */
  #registers(timeMs: number) {
    return this.#net?.at(timeMs) ?? { importWh: this.#home.at(timeMs).energyWh, exportWh: 0 }
  }
}

/** Each a third, more or less; one phase has all. */
function sharesOf(key: number, phases: number): number[] {
  const weights = Array.from({ length: phases }, (_, i) => 0.8 + 0.4 * randomAt(key, i))
  const sum = weights.reduce((total, weight) => total + weight, 0)
  return weights.map((weight) => weight / sum)
}

/** While it is connected the wrong way round, what would have been added is taken off instead. */
function sumUntil(windows: readonly FaultWindow[], timeMs: number, nowWh: number): number {
  return windows.reduce((sum, window) => sum + window.whUntil(timeMs, nowWh), 0)
}

function kwh(wh: number): number {
  return round(Math.max(0, wh) / 1000, 3)
}

/** Four in the morning of the first night that was wholly with it, from one o'clock on: when nobody uses anything. */
function nightMs(onsetMs: number): number {
  const night = Math.ceil((onsetMs - epochMs - hourMs) / dayMs)
  return epochMs + night * dayMs + 4 * hourMs
}
