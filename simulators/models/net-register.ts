import type { HomePower } from './home-power.ts'
import { dayMs, dayOf, epochMs, hourMs } from './model.ts'
import type { PvArray } from './pv.ts'

/** What a home takes from the grid and gives to it, Wh since 2000. */
export interface Registers {
  readonly importWh: number
  readonly exportWh: number
}

/** A stretch in which all powers are constant, or the array gives none. */
interface Stretch {
  fromMs: number
  untilMs: number
  /** Import is positive. Undefined at night: then the home's own register says what it used. */
  netW: number | undefined
  loadWh: number
}

/**
 * Registers of a home with PV: the integrals of the positive and of the negative part of its power, exact, from one change of any
 * of its powers to the next. Up to the day on which the array was connected the home's own register is the import; from there on
 * the days are summed once, and kept (some 0.1 ms a day; so an array connected long ago costs a moment when it is first read).
 */
export class NetRegister {
  readonly #home: HomePower
  readonly #pv: PvArray
  readonly #sinceDay: number
  readonly #dayImportWh: number[]
  readonly #dayExportWh = [0]
  #day = -1
  // Of the stretches of the day that are over; the last is the one that the last reading was in.
  #importWh = 0
  #exportWh = 0
  #stretch: Stretch = { fromMs: 0, untilMs: 0, netW: 0, loadWh: 0 }

  constructor(home: HomePower, pv: PvArray) {
    this.#home = home
    this.#pv = pv
    this.#sinceDay = dayOf(pv.sinceMs)
    this.#dayImportWh = [home.at(pv.sinceMs).energyWh]
  }

  at(timeMs: number): Registers {
    if (timeMs < this.#pv.sinceMs) return { importWh: this.#home.at(timeMs).energyWh, exportWh: 0 }
    const day = dayOf(timeMs)
    for (let known = this.#dayImportWh.length; known <= day - this.#sinceDay; known++) {
      const nextMidnightMs = epochMs + (this.#sinceDay + known) * dayMs
      const { importWh, exportWh } = this.#within(this.#sinceDay + known - 1, nextMidnightMs)
      this.#dayImportWh.push(this.#dayImportWh[known - 1]! + importWh)
      this.#dayExportWh.push(this.#dayExportWh[known - 1]! + exportWh)
    }
    const today = this.#within(day, timeMs)
    return {
      importWh: this.#dayImportWh[day - this.#sinceDay]! + today.importWh,
      exportWh: this.#dayExportWh[day - this.#sinceDay]! + today.exportWh,
    }
  }

  /** From the midnight of a day to a time of it, or to its end. */
  #within(day: number, timeMs: number): Registers {
    if (day !== this.#day || timeMs < this.#stretch.fromMs) {
      this.#day = day
      this.#importWh = 0
      this.#exportWh = 0
      this.#stretch = this.#stretchFrom(epochMs + day * dayMs, epochMs + (day + 1) * dayMs)
    }
    const endMs = epochMs + (day + 1) * dayMs
    while (this.#stretch.untilMs <= timeMs) {
      const { importWh, exportWh } = this.#during(this.#stretch, this.#stretch.untilMs)
      this.#importWh += importWh
      this.#exportWh += exportWh
      this.#stretch = this.#stretchFrom(this.#stretch.untilMs, endMs)
      if (this.#stretch.fromMs >= endMs) break
    }
    const { importWh, exportWh } = this.#during(this.#stretch, timeMs)
    return { importWh: this.#importWh + importWh, exportWh: this.#exportWh + exportWh }
  }

  #during({ fromMs, netW, loadWh }: Stretch, untilMs: number): Registers {
    if (untilMs <= fromMs) return { importWh: 0, exportWh: 0 }
    if (netW === undefined) return { importWh: this.#home.at(untilMs).energyWh - loadWh, exportWh: 0 }
    const wh = (netW * (untilMs - fromMs)) / hourMs
    return wh > 0 ? { importWh: wh, exportWh: 0 } : { importWh: 0, exportWh: -wh }
  }

  #stretchFrom(fromMs: number, endMs: number): Stretch {
    const { powerW, energyWh } = this.#home.at(fromMs)
    const pvW = this.#arrayW(fromMs)
    let untilMs = this.#arrayChangeMs(fromMs)
    if (pvW > 0) {
      untilMs = Math.min(untilMs, this.#home.nextChangeMs(fromMs), endMs)
      return { fromMs, untilMs, netW: powerW - pvW, loadWh: energyWh }
    }
    while (untilMs < endMs && this.#arrayW(untilMs) === 0) untilMs = this.#arrayChangeMs(untilMs)
    return { fromMs, untilMs: Math.min(untilMs, endMs), netW: undefined, loadWh: energyWh }
  }

  #arrayW(timeMs: number): number {
    return this.#pv.powerW(timeMs) * this.#home.arrayShare(timeMs)
  }

  #arrayChangeMs(timeMs: number): number {
    return Math.min(this.#pv.nextChangeMs(timeMs), this.#home.nextFaultChangeMs(timeMs))
  }
}
