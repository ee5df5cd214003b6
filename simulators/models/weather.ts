import { normalAt } from '../../lib/prng.ts'
import { dayMs, hourMs, hourOfDay, signalKey } from './model.ts'

/** Days of the typical year. */
export const yearDays = 365
const yearMs = yearDays * dayMs

/** Where a time lies in the typical year. */
export interface YearTime {
  readonly year: number
  /** 0 on 1 January; the last day of a leap year repeats the day before. */
  readonly dayOfYear: number
  /** Since its midnight. */
  readonly sinceMidnightMs: number
}

let lastYear = 2000
let lastYearStartMs = Date.UTC(2000, 0, 1)
let lastYearEndMs = Date.UTC(2001, 0, 1)

export function yearTimeOf(timeMs: number): YearTime {
  if (timeMs < lastYearStartMs || timeMs >= lastYearEndMs) {
    lastYear = new Date(timeMs).getUTCFullYear()
    lastYearStartMs = Date.UTC(lastYear, 0, 1)
    lastYearEndMs = Date.UTC(lastYear + 1, 0, 1)
  }
  const sinceMs = timeMs - lastYearStartMs
  const day = Math.floor(sinceMs / dayMs)
  return {
    year: lastYear,
    dayOfYear: Math.min(day, yearDays - 1),
    sinceMidnightMs: sinceMs - day * dayMs,
  }
}

/** Normal numbers at multiples of `stepMs` of the typical year, joined by straight lines; the year's end joins its beginning. */
export class YearlyNoise {
  readonly #key: number
  readonly #stepMs: number
  // The pair that was used last: neighbouring times mostly ask for it again.
  #step = -2
  #here = 0
  #next = 0

  /** `stepMs` divides the year. */
  constructor(key: number, stepMs: number) {
    this.#key = key
    this.#stepMs = stepMs
  }

  at(inYearMs: number): number {
    const step = Math.floor(inYearMs / this.#stepMs)
    if (step !== this.#step) {
      this.#here = step === this.#step + 1 ? this.#next : normalAt(this.#key, step)
      this.#next = normalAt(this.#key, (step + 1) % (yearMs / this.#stepMs))
      this.#step = step
    }
    const share = inYearMs / this.#stepMs - step
    return this.#here * (1 - share) + this.#next * share
  }
}

/**
 * Weather of a site in central Europe. It is that of one typical year, again each year, as is usual in simulations of
 * buildings and PV (typical meteorological year): so the energy of a year is the same each year, and registers need no sum over
 * years.
 */
export class Weather {
  readonly #days: YearlyNoise
  readonly #hours: YearlyNoise
  readonly #fronts: YearlyNoise
  readonly #fields: YearlyNoise
  readonly #clouds: YearlyNoise

  constructor(seed: number, site: string) {
    const key = (signal: string) => signalKey(seed, site, signal)
    this.#days = new YearlyNoise(key('weather days'), 2.5 * dayMs)
    this.#hours = new YearlyNoise(key('weather hours'), 6 * hourMs)
    this.#fronts = new YearlyNoise(key('weather fronts'), dayMs)
    this.#fields = new YearlyNoise(key('weather fields'), 3 * hourMs)
    this.#clouds = new YearlyNoise(key('weather clouds'), hourMs / 3)
  }

  /** °C outdoors: coldest in the middle of January and before sunrise. */
  temperatureC(time: YearTime): number {
    const { dayOfYear, sinceMidnightMs } = time
    const inYearMs = dayOfYear * dayMs + sinceMidnightMs
    const season = seasonAt(inYearMs)
    const daily = (3.25 - 1.25 * season) * Math.cos((2 * Math.PI * (hourOfDay(sinceMidnightMs) - 15)) / 24)
    return this.dailyTemperatureC(time) + daily + this.#hours.at(inYearMs)
  }

  /** °C outdoors without the hours: the mean of the 24 hours around. */
  dailyTemperatureC({ dayOfYear, sinceMidnightMs }: YearTime): number {
    const inYearMs = dayOfYear * dayMs + sinceMidnightMs
    return 9.5 - 9.5 * seasonAt(inYearMs) + 3 * this.#days.at(inYearMs)
  }

  /** Share of the clear sky's radiation that arrives, 0.1–1.05: above 1 when clouds beside the sun reflect. */
  cloudIndex({ dayOfYear, sinceMidnightMs }: YearTime): number {
    const inYearMs = dayOfYear * dayMs + sinceMidnightMs
    const sky =
      0.9 * this.#fronts.at(inYearMs) + 0.6 * this.#fields.at(inYearMs) + 0.4 * this.#clouds.at(inYearMs)
    return 0.1 + 0.95 / (1 + Math.exp(-2 * sky - 0.1))
  }
}

/** 1 in the middle of January, −1 in July. */
function seasonAt(inYearMs: number): number {
  return Math.cos((2 * Math.PI * (inYearMs / dayMs - 15)) / yearDays)
}

const weathers = new Map<string, Weather>()
const weathersMax = 256

/** The weather of a site: one object for all who ask. */
export function weatherOf(seed: number, site: string): Weather {
  const name = `${seed}/${site}`
  let weather = weathers.get(name)
  if (weather === undefined) {
    if (weathers.size >= weathersMax) weathers.clear()
    weather = new Weather(seed, site)
    weathers.set(name, weather)
  }
  return weather
}

/** °C outdoors at a site. */
export function outdoorTemperatureC(seed: number, site: string, timeMs: number): number {
  return weatherOf(seed, site).temperatureC(yearTimeOf(timeMs))
}
