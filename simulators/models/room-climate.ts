import { randomAt } from '../../lib/prng.ts'
import { type Fault, isActive } from '../faults/fault.ts'
import { epochMs, hourOfDay } from './model.ts'
import type { Presence } from './room-use.ts'
import { type Weather, yearTimeOf } from './weather.ts'

/** Air outdoors, ppm of CO2. */
export const outdoorPpm = 420
/** A person adds some 20 L/h of CO2 to 60 m³, asleep two thirds of it (EN 16798-1). */
const ppmPerPersonHour = 330
const asleepShare = 0.65
/** Air changes an hour: of the closed room, what its fan adds for each person, and a window wide open. */
const closedChanges = 0.5
const changesPerPerson = 0.35
const windowChanges = 6
/** People air for so long when the air is so bad as they notice. */
const noticedPpm = { least: 850, spread: 100 }
const airingMinutes = { least: 5, spread: 4 }

/** K an hour from a radiator that is wide open, a person, the sun at noon. */
const radiatorKPerH = 4
const personKPerH = 0.25
const sunKPerH = 0.3
/** Time constants of the way to the outdoor temperature, hours. A short airing changes the air, not the walls. */
const closedHours = 20
const airingHours = 100 / 60
const windowHours = 40 / 60
/** The valve is wide open at so many K below what is set, by day and from ten to six. */
const bandK = 1.5
const setC = { day: 20, night: 18 }
/** No heating when a day's mean is above this. */
const heatingLimitC = 15

const minuteMs = 60_000
const dayMinutes = 1440
/** The state is worked out from a fixed one in the week before the last, which it has forgotten by then. */
const anchorMinutes = 7 * dayMinutes

/** A room without the noise of its sensor. */
export interface RoomState {
  readonly temperatureC: number
  readonly co2Ppm: number
  /** Opening of the radiator's valve. */
  readonly heatingPct: number
}

interface Step extends RoomState {
  /** The window is still open for so many minutes. */
  readonly airingMinutes: number
}

export interface RoomSettings {
  readonly weather: Weather
  readonly airingKey: number
  readonly presenceAt: (timeMs: number) => Presence
  /** People open the window when the air is bad. */
  readonly areAiring: boolean
  readonly faults: readonly Fault[]
}

/**
 * Mass balance of CO2, dC/dt = people · g − a (C − outdoor), and balance of heat, dT/dt = gains − (T − outdoor)/τ, in steps of
 * a minute. Asked in rising order it goes on from the last step; else from the midnight before, as far as that is known.
 */
export function roomClimate(settings: RoomSettings): (timeMs: number) => RoomState {
  const forecast = (minute: number, state: Step) => stepped(settings, minute, state)
  let anchor = Number.NaN
  let midnights: Step[] = []
  let at = 0
  let state = atAnchor(settings, 0)
  let next = state
  const goTo = (minute: number) => {
    const from = (Math.floor(minute / anchorMinutes) - 1) * anchorMinutes
    if (from !== anchor) {
      anchor = from
      // What was reached from another anchor would be another state.
      at = anchor
      state = atAnchor(settings, anchor)
      midnights = [state]
    }
    const day = Math.min(Math.floor((minute - anchor) / dayMinutes), midnights.length - 1)
    const midnight = anchor + day * dayMinutes
    if (at < midnight || at > minute) {
      at = midnight
      state = midnights[day]!
    }
    for (; at < minute; at++) {
      state = forecast(at, state)
      const isNewMidnight = at + 1 - anchor === midnights.length * dayMinutes
      if (isNewMidnight) midnights.push(state)
    }
    next = forecast(at, state)
  }
  return (timeMs) => {
    const exact = (timeMs - epochMs) / minuteMs
    const minute = Math.floor(exact)
    if (minute !== at || Number.isNaN(anchor)) goTo(minute)
    const share = exact - minute
    const between = (a: number, b: number) => a + (b - a) * share
    return {
      temperatureC: between(state.temperatureC, next.temperatureC),
      co2Ppm: between(state.co2Ppm, next.co2Ppm),
      heatingPct: between(state.heatingPct, next.heatingPct),
    }
  }
}

function atAnchor(settings: RoomSettings, minute: number): Step {
  const temperatureC = 20
  return {
    temperatureC,
    co2Ppm: outdoorPpm,
    heatingPct: valveAt(settings.weather, epochMs + minute * minuteMs, temperatureC),
    airingMinutes: 0,
  }
}

function stepped(settings: RoomSettings, minute: number, before: Step): Step {
  const timeMs = epochMs + minute * minuteMs
  const { people, areAsleep } = settings.presenceAt(timeMs)
  const isLeftOpen = settings.faults.some((fault) => isActive(fault, timeMs))
  const airing =
    people === 0 || areAsleep || !settings.areAiring ? 0 : airingAt(settings.airingKey, minute, before)
  const isAiring = airing > 0

  const changes = closedChanges + changesPerPerson * people + (isAiring || isLeftOpen ? windowChanges : 0)
  const finalPpm = outdoorPpm + (people * ppmPerPersonHour * (areAsleep ? asleepShare : 1)) / changes
  const co2Ppm = finalPpm + (before.co2Ppm - finalPpm) * Math.exp(-changes / 60)

  const opening = isLeftOpen ? 1 / windowHours : isAiring ? 1 / airingHours : 0
  const gainKPerH =
    (radiatorKPerH * before.heatingPct) / 100 + personKPerH * people + sunKPerH * daylightAt(timeMs)
  const lossKPerH =
    (before.temperatureC - settings.weather.temperatureC(yearTimeOf(timeMs))) * (1 / closedHours + opening)
  const temperatureC = before.temperatureC + (gainKPerH - lossKPerH) / 60
  return {
    temperatureC,
    co2Ppm,
    heatingPct: valveAt(settings.weather, timeMs + minuteMs, temperatureC),
    airingMinutes: Math.max(0, airing - 1),
  }
}

/** For how many minutes the window stays open, from now on. */
function airingAt(key: number, minute: number, { co2Ppm, airingMinutes: left }: Step): number {
  if (left > 0) return left
  const hour = Math.floor(minute / 60)
  if (co2Ppm < noticedPpm.least + noticedPpm.spread * randomAt(key, hour * 2)) return 0
  return airingMinutes.least + Math.floor(airingMinutes.spread * randomAt(key, hour * 2 + 1))
}

function valveAt(weather: Weather, timeMs: number, temperatureC: number): number {
  if (weather.dailyTemperatureC(yearTimeOf(timeMs)) > heatingLimitC) return 0
  const hour = hourOfDay(timeMs)
  const wantedC = hour >= 6 && hour < 22 ? setC.day : setC.night
  return Math.min(100, Math.max(0, (100 * (wantedC - temperatureC)) / bandK))
}

/** 0 at night, 1 at noon. */
export function daylightAt(timeMs: number): number {
  return Math.max(0, Math.sin((Math.PI * (hourOfDay(timeMs) - 6)) / 12))
}
