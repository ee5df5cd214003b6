import { normalAt, smoothNoise } from '../../lib/prng.ts'
import { type DeviceModel, dayMs, round, signalKey } from './model.ts'
import { daylightAt, outdoorPpm, roomClimate } from './room-climate.ts'
import { roomUse } from './room-use.ts'
import { onOrOff } from './settings.ts'
import { weatherOf } from './weather.ts'

/** An airing lasts less; and by so much a room's temperature differs from day to day without an open window. */
const longerThanAiringMs = 600_000
const unusualK = 2
const isHeatingPct = 10

/** Climate of a room that is used: CO2 and warmth by balances of mass and heat, with people who air it and a radiator with a thermostat. */
export const roomSensor: DeviceModel = {
  name: 'room_sensor',
  type: 'room_sensor',
  description: 'room climate with occupancy, CO2 and the valve of the radiator',
  intervalMs: 60_000,
  faults: ['window_left_open'],
  parameters: {
    use: {
      is: 'home: people are there in mornings, evenings and nights; office, the default: in office hours',
      takes: ['home', 'office'],
    },
    site: { is: 'name of the site: its devices share the weather; default `site`', takes: 'text' },
    people_max: {
      is: 'most people at a time, from 1 to 6; each day has 1 to so many; 3',
      takes: { from: 1, to: 6, whole: true },
    },
    airing: {
      is: 'true, the default: people open the window for 5 to 8 minutes when CO2 is at 850 to 950 ppm; false: never',
      takes: onOrOff,
    },
  },
  create: (seed, id, { faults = [], parameters = {} } = {}) => {
    const key = (signal: string) => signalKey(seed, id, signal)
    const keys = {
      temperature: key('temperature'),
      trembling: key('trembling'),
      co2: key('co2'),
      humidity: key('humidity'),
    }
    const { use = 'office', site = 'site', people_max: peopleMax = 3, airing = true } = parameters
    const presenceAt = roomUse(key('stay'), use === 'home', Number(peopleMax))
    const climateWith = (of: typeof faults) =>
      roomClimate({
        weather: weatherOf(seed, String(site)),
        airingKey: key('airing'),
        presenceAt,
        areAiring: airing === true || airing === 'true',
        faults: of.filter(({ kind }) => kind === 'window_left_open'),
      })
    const climateAt = climateWith(faults)
    const batteryDays = 700 * ((keys.co2 % 1000) / 1000)
    return {
      id,
      type: 'room_sensor',
      valuesAt: (timeMs) => {
        const { temperatureC, co2Ppm, heatingPct } = climateAt(timeMs)
        const { people, areAsleep } = presenceAt(timeMs)
        const draughtK = 0.05 * smoothNoise(keys.temperature, timeMs, 900_000)
        const tremblingK = 0.02 * normalAt(keys.trembling, Math.floor(timeMs / 1000))
        const humid = 38 + (co2Ppm - outdoorPpm) / 150 + 3 * smoothNoise(keys.humidity, timeMs, 3_600_000)
        return {
          temperature_c: round(temperatureC + draughtK + tremblingK, 2),
          humidity_pct: round(humid, 1),
          co2_ppm: round(Math.max(400, co2Ppm + 8 * smoothNoise(keys.co2, timeMs, 120_000)), 0),
          light_lx: round(300 * daylightAt(timeMs) + (people > 0 && !areAsleep ? 350 : 0), 0),
          occupied: people > 0 ? 1 : 0,
          heating_pct: round(heatingPct, 1),
          // Changed in time, at 40 %.
          battery_pct: round(100 - 60 * (((timeMs / dayMs + batteryDays) % 700) / 700), 1),
        }
      },
      consequenceOf: ({ onsetMs, endMs }) => {
        const shutAt = climateWith([])
        for (let timeMs = onsetMs + longerThanAiringMs; timeMs < endMs; timeMs += 60_000) {
          const open = climateAt(timeMs)
          const isCold = open.temperatureC < shutAt(timeMs).temperatureC - unusualK
          if (isCold && open.heatingPct > isHeatingPct) return { detectableFromMs: timeMs }
        }
        // In mild weather nothing shows.
        return { detectableFromMs: endMs }
      },
    }
  },
}
