import { randomAt } from '../../lib/prng.ts'
import type { Fault } from '../faults/fault.ts'
import { FaultWindow, nextFaultChangeMs } from './fault-window.ts'
import { dayMs, hourMs, signalKey } from './model.ts'
import { TypicalYear } from './typical-year.ts'
import { type Weather, weatherOf, YearlyNoise, yearTimeOf } from './weather.ts'

/** Power is constant for so long. */
const slotMs = 300_000
const slots = dayMs / slotMs

export interface ArraySettings {
  readonly seed: number
  readonly home: string
  readonly site: string
  /** Peak power at 1,000 W/m² and cells of 25 °C. */
  readonly kwp: number
  /** Degrees from the horizontal; degrees from north, clockwise. */
  readonly tiltDeg: number
  readonly azimuthDeg: number
  readonly latitudeDeg: number
  /** The year at whose beginning it was connected: before it there is no power, and registers count from there. */
  readonly sinceYear: number
  /** Of kind pv_string_loss. */
  readonly faults: readonly Fault[]
}

/** Numbers of the sky in each slot of a day. */
const skyFields = 6

/**
 * A PV array. Declination and elevation of the sun, clear sky by Haurwitz, the site's clouds, a simple transposition onto the
 * plane (the diffuse share rises with the clouds, direct radiation by the angle of incidence), and cells that lose 0.35 % a
 * kelvin above 25 °C.
 */
export class PvArray {
  readonly #settings: ArraySettings
  readonly #weather: Weather
  readonly #clouds: YearlyNoise
  readonly #cleanness: number
  readonly #year: TypicalYear
  readonly #sinceMs: number
  readonly #sinceWh: number
  readonly #faults: readonly FaultWindow[]
  /** Of the panel: up, south, west. */
  readonly #normal: readonly [number, number, number]

  constructor(settings: ArraySettings) {
    this.#settings = settings
    this.#weather = weatherOf(settings.seed, settings.site)
    this.#clouds = new YearlyNoise(signalKey(settings.seed, settings.home, 'pv clouds'), hourMs / 2)
    this.#cleanness = 0.97 + 0.03 * randomAt(signalKey(settings.seed, settings.home, 'pv cleanness'), 0)
    const tilt = radians(settings.tiltDeg)
    const azimuth = radians(settings.azimuthDeg)
    this.#normal = [Math.cos(tilt), -Math.cos(azimuth) * Math.sin(tilt), -Math.sin(azimuth) * Math.sin(tilt)]
    this.#year = new TypicalYear(slotMs, (dayOfYear) => this.#powersOf(dayOfYear))
    this.#sinceMs = Date.UTC(settings.sinceYear, 0, 1)
    this.#sinceWh = this.#year.energyWh(this.#sinceMs)
    this.#faults = settings.faults.map((fault) => new FaultWindow(fault, (timeMs) => this.#healthyWh(timeMs)))
  }

  /** When it was connected, Unix ms. */
  get sinceMs(): number {
    return this.#sinceMs
  }

  powerW(timeMs: number): number {
    if (timeMs < this.#sinceMs) return 0
    let watts = this.#year.powerW(timeMs)
    for (const window of this.#faults) {
      if (window.isActive(timeMs)) watts *= 1 - lostShare(window.fault)
    }
    return watts
  }

  /** Wh since it was connected. */
  energyWh(timeMs: number): number {
    const healthyWh = this.#healthyWh(timeMs)
    let wh = healthyWh
    for (const window of this.#faults) wh -= lostShare(window.fault) * window.whUntil(timeMs, healthyWh)
    return wh
  }

  nextChangeMs(timeMs: number): number {
    return Math.min(this.#year.nextChangeMs(timeMs), nextFaultChangeMs(this.#faults, timeMs))
  }

  #healthyWh(timeMs: number): number {
    return timeMs <= this.#sinceMs ? 0 : this.#year.energyWh(timeMs) - this.#sinceWh
  }

  /** The first time from `fromMs` on at which a clear sky would give more than a share of the peak power; within a year. */
  clearAboveMs(fromMs: number, share: number): number | undefined {
    const firstMs = Math.max(fromMs, this.#sinceMs)
    for (let timeMs = firstMs; timeMs < firstMs + 366 * dayMs; timeMs = this.#year.nextChangeMs(timeMs)) {
      const { dayOfYear, sinceMidnightMs } = yearTimeOf(timeMs)
      const sky = skyOf(this.#weather, this.#settings.latitudeDeg, dayOfYear)
      const slot = Math.floor(sinceMidnightMs / slotMs)
      if (this.#slotW(sky, slot, 1) > share * this.#settings.kwp * 1000) return timeMs
    }
    return undefined
  }

  #powersOf(dayOfYear: number): Float64Array {
    const sky = skyOf(this.#weather, this.#settings.latitudeDeg, dayOfYear)
    const powersW = new Float64Array(slots)
    for (let slot = 0; slot < slots; slot++) {
      if (sky[slot * skyFields] === 0) continue
      const own = 0.02 * this.#clouds.at(dayOfYear * dayMs + slot * slotMs)
      const cloud = Math.min(1.05, Math.max(0.1, sky[slot * skyFields + 4]! + own))
      powersW[slot] = this.#slotW(sky, slot, cloud)
    }
    return powersW
  }

  /** P = P_stc · G/1000 · (1 − 0.0035 (Tc − 25)), Tc = Ta + G · 25/800. */
  #slotW(sky: Float32Array, slot: number, cloud: number): number {
    const at = slot * skyFields
    const clearWm2 = sky[at]!
    if (clearWm2 === 0) return 0
    const [up, south, west] = [sky[at + 1]!, sky[at + 2]!, sky[at + 3]!]
    const incidence = Math.max(0, up * this.#normal[0] + south * this.#normal[1] + west * this.#normal[2])
    const diffuse = Math.min(1, Math.max(0.15, 1.1 - 0.95 * cloud))
    // Near the horizon the quotient would be anything.
    const direct = Math.min(3, incidence / Math.max(up, 0.05))
    const wm2 = clearWm2 * cloud * ((1 - diffuse) * direct + (diffuse * (1 + this.#normal[0])) / 2)
    const cellC = sky[at + 5]! + (wm2 * 25) / 800
    return this.#settings.kwp * wm2 * (1 - 0.0035 * (cellC - 25)) * this.#cleanness
  }
}

function lostShare({ parameters, severity }: Fault): number {
  return Math.min(1, (parameters.share ?? 0.5) * severity)
}

const skies = new WeakMap<Weather, Map<number, (Float32Array | undefined)[]>>()

/** For each slot of a day: clear sky W/m² on the horizontal, direction of the sun (up, south, west), cloud index, °C. Kept: all arrays of a site need it. */
function skyOf(weather: Weather, latitudeDeg: number, dayOfYear: number): Float32Array {
  const ofWeather = skies.get(weather) ?? new Map<number, (Float32Array | undefined)[]>()
  skies.set(weather, ofWeather)
  const days = ofWeather.get(latitudeDeg) ?? []
  ofWeather.set(latitudeDeg, days)
  days[dayOfYear] ??= skyOfDay(weather, latitudeDeg, dayOfYear)
  return days[dayOfYear]
}

function skyOfDay(weather: Weather, latitudeDeg: number, dayOfYear: number): Float32Array {
  const sky = new Float32Array(slots * skyFields)
  const latitude = radians(latitudeDeg)
  // Cooper 1969; n counts from 1.
  const declination = radians(23.45) * Math.sin((2 * Math.PI * (284 + dayOfYear + 1)) / 365)
  for (let slot = 0; slot < slots; slot++) {
    // The sun of the slot's middle.
    const sinceMidnightMs = (slot + 0.5) * slotMs
    const hourAngle = (2 * Math.PI * (sinceMidnightMs / hourMs - 12)) / 24
    const up =
      Math.sin(latitude) * Math.sin(declination) +
      Math.cos(latitude) * Math.cos(declination) * Math.cos(hourAngle)
    if (up <= 0.01) continue
    const time = { year: 0, dayOfYear, sinceMidnightMs }
    sky.set(
      [
        clearSkyWm2(up),
        up,
        Math.sin(latitude) * Math.cos(declination) * Math.cos(hourAngle) -
          Math.cos(latitude) * Math.sin(declination),
        Math.cos(declination) * Math.sin(hourAngle),
        weather.cloudIndex(time),
        weather.temperatureC(time),
      ],
      slot * skyFields,
    )
  }
  return sky
}

/** W/m² on the horizontal under a clear sky, by the cosine of the zenith angle (Haurwitz 1945). */
export function clearSkyWm2(cosZenith: number): number {
  return cosZenith <= 0 ? 0 : 1098 * cosZenith * Math.exp(-0.059 / cosZenith)
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180
}
