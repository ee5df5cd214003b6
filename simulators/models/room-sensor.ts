import { randomAt, smoothNoise } from '../../lib/prng.ts'
import { type DeviceModel, dayMs, dayOf, epochMs, hourMs, hourOfDay, round, signalKey } from './model.ts'

const outdoorPpm = 420
/** Air changes of a closed room, per hour; a person adds some 20 L/h of CO2 to 60 m³. */
const airChangesPerHour = 0.5
const ppmPerPersonHour = 330
/** A person warms the room by so much, given time. */
const kelvinPerPerson = 0.5
const warmingPerHour = 0.7

/** When and by how many the room is used on a day. */
interface Stay {
  readonly people: number
  readonly fromMs: number
  readonly toMs: number
}

/** An office on workdays: CO2 as the mass balance of people and ventilation gives it, warmth likewise. */
export const roomSensor: DeviceModel = {
  name: 'room_sensor',
  type: 'room_sensor',
  description: 'room climate with occupancy and CO2',
  intervalMs: 60_000,
  faults: [],
  parameters: {},
  create: (seed, id) => {
    const key = (signal: string) => signalKey(seed, id, signal)
    const keys = {
      stay: key('stay'),
      temperature: key('temperature'),
      co2: key('co2'),
      humidity: key('humidity'),
    }
    return {
      id,
      type: 'room_sensor',
      valuesAt: (timeMs) => {
        const day = dayOf(timeMs)
        // What was the day before yesterday has left the room.
        const stays = [stayOf(keys.stay, day - 1), stayOf(keys.stay, day)]
        const occupied = stays.some((stay) => stay && timeMs >= stay.fromMs && timeMs < stay.toMs)
        const daylight = Math.max(0, Math.sin((Math.PI * (hourOfDay(timeMs) - 6)) / 12))
        const warmth = 1.5 * daylight + kelvinPerPerson * response(stays, timeMs, warmingPerHour)
        const people = response(stays, timeMs, airChangesPerHour)
        const co2 = outdoorPpm + (people * ppmPerPersonHour) / airChangesPerHour
        return {
          temperature_c: round(20 + warmth + 0.2 * smoothNoise(keys.temperature, timeMs, 900_000), 2),
          humidity_pct: round(42 + people + 3 * smoothNoise(keys.humidity, timeMs, 3_600_000), 1),
          co2_ppm: round(Math.max(400, co2 + 8 * smoothNoise(keys.co2, timeMs, 120_000)), 0),
          light_lx: round(300 * daylight + (occupied ? 350 : 0), 0),
          occupied: occupied ? 1 : 0,
          battery_pct: round(100 - ((timeMs / dayMs) % 700) / 7, 1),
        }
      },
    }
  },
}

/** On workdays one to three people from between eight and half past nine to between half past four and six. */
function stayOf(key: number, day: number): Stay | undefined {
  const midnightMs = epochMs + day * dayMs
  const weekday = new Date(midnightMs).getUTCDay()
  if (weekday === 0 || weekday === 6) return undefined
  const drawn = (index: number) => randomAt(key, day * 4 + index)
  return {
    people: 1 + Math.floor(3 * drawn(0)),
    fromMs: midnightMs + Math.round((8 + 1.5 * drawn(1)) * hourMs),
    toMs: midnightMs + Math.round((16.5 + 1.5 * drawn(2)) * hourMs),
  }
}

/**
 * People as they are felt with inertia: dx/dt = rate · (people present − x), in closed form. With the ventilation's rate
 * it is the mass balance of CO2, dC/dt = people · g − a (C − outdoor).
 */
function response(stays: readonly (Stay | undefined)[], timeMs: number, ratePerHour: number): number {
  let felt = 0
  for (const stay of stays) {
    if (stay === undefined || timeMs < stay.fromMs) continue
    const fading = (sinceMs: number) => Math.exp((-ratePerHour * Math.max(0, timeMs - sinceMs)) / hourMs)
    felt += stay.people * (fading(stay.toMs) - fading(stay.fromMs))
  }
  return felt
}
