import { randomAt, smoothNoise } from '../../lib/prng.ts'
import { type DeviceModel, dayMs, hourOfDay, round, signalKey } from './model.ts'

/** Standard load profile H0 (BDEW), transition season, workday: W for each 1,000 kWh a year, hourly means. */
const h0 = [
  67, 49, 44, 43, 44, 53, 93, 130, 137, 136, 132, 133, 150, 146, 127, 113, 106, 116, 145, 172, 168, 156, 136,
  100,
]
const dailyWh = h0.reduce((sum, watts) => sum + watts, 0)
const epochMs = Date.UTC(2020, 0, 1)

/** A home on the H0 profile: power follows the hour, voltage sags with power, the register only rises. */
export const smartMeter: DeviceModel = {
  type: 'smart_meter',
  description: 'household electricity meter on the H0 load profile',
  intervalMs: 60_000,
  create: (seed, id) => {
    const key = (signal: string) => signalKey(seed, id, signal)
    const annualMwh = 2 + 4 * randomAt(key('size'), 0)
    const keys = {
      power: key('power'),
      voltage: key('voltage'),
      frequency: signalKey(seed, 'grid', 'frequency'),
    }
    return {
      id,
      type: 'smart_meter',
      valuesAt: (timeMs) => {
        const share = Math.exp(0.35 * smoothNoise(keys.power, timeMs, 300_000) - 0.06)
        const power = annualMwh * interpolate(hourOfDay(timeMs)) * share
        const voltage = 230 + 1.5 * smoothNoise(keys.voltage, timeMs, 60_000) - 0.0015 * power
        return {
          active_power_w: round(power, 1),
          voltage_v: round(voltage, 2),
          current_a: round(power / voltage, 3),
          frequency_hz: round(50 + 0.02 * smoothNoise(keys.frequency, timeMs, 30_000), 3),
          power_factor: 0.97,
          relay_closed: true,
          energy_import_kwh: round((annualMwh * energyWh(timeMs)) / 1000, 3),
        }
      },
    }
  },
}

/** Watts for each 1,000 kWh a year: the profile's hourly mean. */
function interpolate(hour: number): number {
  return h0[Math.floor(hour)]!
}

/** Energy since 2020 for each 1,000 kWh a year, by the profile without its noise. */
function energyWh(timeMs: number): number {
  const days = Math.floor((timeMs - epochMs) / dayMs)
  const hour = hourOfDay(timeMs)
  const whole = Math.floor(hour)
  const today = h0.slice(0, whole).reduce((sum, watts) => sum + watts, 0) + h0[whole]! * (hour - whole)
  return days * dailyWh + today
}
