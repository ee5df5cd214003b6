import { randomAt, smoothNoise } from '../../lib/prng.ts'
import { type DeviceModel, dayMs, hourOfDay, round, signalKey } from './model.ts'

const outdoorPpm = 420
/** Air changes of a closed room, per hour; a person adds some 20 L/h of CO2 to 60 m³. */
const airChangesPerHour = 0.5
const ppmPerPersonHour = 330

/** An office: people from nine to five on workdays, CO2 as the mass balance of people and ventilation gives it. */
export const roomSensor: DeviceModel = {
  type: 'room_sensor',
  description: 'room climate with occupancy and CO2',
  intervalMs: 60_000,
  create: (seed, id) => {
    const key = (signal: string) => signalKey(seed, id, signal)
    const people = 1 + Math.floor(3 * randomAt(key('people'), 0))
    const keys = { temperature: key('temperature'), co2: key('co2'), humidity: key('humidity') }
    return {
      id,
      type: 'room_sensor',
      valuesAt: (timeMs) => {
        const occupied = isOccupied(timeMs)
        const hour = hourOfDay(timeMs)
        const daylight = Math.max(0, Math.sin((Math.PI * (hour - 6)) / 12))
        return {
          temperature_c: round(
            20 + 1.5 * daylight + (occupied ? 0.8 : 0) + 0.2 * smoothNoise(keys.temperature, timeMs, 900_000),
            2,
          ),
          humidity_pct: round(42 + 3 * smoothNoise(keys.humidity, timeMs, 3_600_000), 1),
          co2_ppm: round(
            Math.max(400, co2At(timeMs, people) + 8 * smoothNoise(keys.co2, timeMs, 120_000)),
            0,
          ),
          light_lx: round(300 * daylight + (occupied ? 350 : 0), 0),
          occupied: occupied ? 1 : 0,
          battery_pct: round(100 - ((timeMs / dayMs) % 700) / 7, 1),
        }
      },
    }
  },
}

function isOccupied(timeMs: number): boolean {
  const weekday = new Date(timeMs).getUTCDay()
  const hour = hourOfDay(timeMs)
  return weekday >= 1 && weekday <= 5 && hour >= 9 && hour < 17
}

/** dC/dt = people · g − a (C − outdoor), solved for the presence of nine to five; what a night leaves is under 1 %. */
function co2At(timeMs: number, people: number): number {
  const weekday = new Date(timeMs).getUTCDay()
  if (weekday === 0 || weekday === 6) return outdoorPpm
  const rise = (people * ppmPerPersonHour) / airChangesPerHour
  const hour = hourOfDay(timeMs)
  if (hour < 9) return outdoorPpm
  if (hour < 17) return outdoorPpm + rise * (1 - Math.exp(-airChangesPerHour * (hour - 9)))
  return (
    outdoorPpm + rise * (1 - Math.exp(-airChangesPerHour * 8)) * Math.exp(-airChangesPerHour * (hour - 17))
  )
}
