import { normalAt, randomAt, smoothNoise } from '../../lib/prng.ts'
import { energyBefore, loadProfile, sum } from './load-profile.ts'
import { type DeviceModel, dayMs, dayOf, epochMs, hourMs, round, signalKey } from './model.ts'

/** Base load for each 1,000 kWh a year, W: what stands by, below the profile's nights. */
const baseW = 18
const applianceW = [120, 500, 1_000, 2_000, 3_500]
/** Reactive for each active watt: motors and power supplies of the base load, mostly heaters among the appliances. */
const baseTangent = 0.5
const applianceTangent = 0.1

/** An hour of a home: its base load, and one appliance that runs for a part of it. */
interface Hour {
  readonly baseW: number
  readonly applianceW: number
  /** Shares of the hour. */
  readonly from: number
  readonly to: number
}

/**
 * A home on the H0 load profile. Each day uses what the profile gives the home, spread over its hours by the profile and by
 * chance; within the hour an appliance switches on and off. The register is the integral of the power. Voltage sags with power.
 */
export const smartMeter: DeviceModel = {
  name: 'smart_meter',
  type: 'smart_meter',
  description: 'household electricity meter on the H0 load profile',
  intervalMs: 60_000,
  faults: [],
  parameters: {},
  create: (seed, id) => {
    const key = (signal: string) => signalKey(seed, id, signal)
    const annualMwh = 2 + 4 * randomAt(key('size'), 0)
    const keys = {
      hours: key('hours'),
      appliance: key('appliance'),
      voltage: key('voltage'),
      // One grid for all.
      frequency: signalKey(seed, 'grid', 'frequency'),
    }
    return {
      id,
      type: 'smart_meter',
      valuesAt: (timeMs) => {
        const day = dayOf(timeMs)
        const hourShare = (timeMs - epochMs - day * dayMs) / hourMs
        const hour = Math.floor(hourShare)
        const share = hourShare - hour
        const hours = hourlyWh(keys.hours, annualMwh, day)
        const now = hourOf(keys.appliance, annualMwh, day * 24 + hour, hours[hour]!)
        const applianceW = share >= now.from && share < now.to ? now.applianceW : 0
        const ranFor = Math.min(Math.max(share - now.from, 0), now.to - now.from)
        const energyWh =
          annualMwh * energyBefore(day) +
          sum(hours.slice(0, hour)) +
          now.baseW * share +
          now.applianceW * ranFor

        const power = now.baseW + applianceW
        const reactive = now.baseW * baseTangent + applianceW * applianceTangent
        const apparent = Math.hypot(power, reactive)
        const voltage = 230 + 1.5 * smoothNoise(keys.voltage, timeMs, 60_000) - 0.0015 * power
        return {
          active_power_w: round(power, 1),
          reactive_power_var: round(reactive, 1),
          voltage_v: round(voltage, 2),
          current_a: round(apparent / voltage, 3),
          frequency_hz: round(50 + 0.02 * smoothNoise(keys.frequency, timeMs, 30_000), 3),
          power_factor: round(power / apparent, 3),
          relay_closed: true,
          energy_import_kwh: round(energyWh / 1000, 3),
        }
      },
    }
  },
}

/** Wh of each hour of a day. Their sum is the profile's, so that the register needs no sum over the days before. */
function hourlyWh(key: number, annualMwh: number, day: number): number[] {
  const profile = loadProfile(day)
  const weights = profile.map((watts, hour) => watts * Math.exp(0.5 * normalAt(key, day * 24 + hour)))
  const scale = (annualMwh * sum(profile)) / sum(weights)
  return weights.map((weight) => weight * scale)
}

/** How an hour (counted from the epoch) comes to use `wh`: the appliance is one that needs neither a moment for it nor longer. */
function hourOf(key: number, annualMwh: number, hour: number, wh: number): Hour {
  const base = Math.min(annualMwh * baseW, 0.7 * wh)
  const rest = wh - base
  const fitting = applianceW.filter((watts) => rest <= 0.95 * watts && rest >= 0.03 * watts)
  const watts = fitting[Math.floor(randomAt(key, hour * 2) * fitting.length)] ?? rest
  const length = rest / watts
  const from = (1 - length) * randomAt(key, hour * 2 + 1)
  return { baseW: base, applianceW: watts, from, to: from + length }
}
