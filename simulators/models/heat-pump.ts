import { randomAt } from '../../lib/prng.ts'
import { LoadMeter } from './grid.ts'
import { type DeviceModel, dayMs, round, signalKey } from './model.ts'
import { numberSetting, textSetting } from './settings.ts'
import { TypicalYear } from './typical-year.ts'
import { weatherOf, yearTimeOf } from './weather.ts'

const slotMs = 900_000
const slots = dayMs / slotMs
/** Control and pumps. */
const standbyW = 15
const tangent = 0.2
/** Above it a house needs no heat. */
const heatingBelowC = 15

/**
 * An air-water heat pump that modulates: heat by the outdoor temperature, flow warmer the colder it is, electricity by the
 * coefficient of performance.
 */
export const heatPump: DeviceModel = {
  name: 'heat_pump',
  type: 'smart_meter',
  description: 'meter of an air-water heat pump: demand and COP by the outdoor temperature',
  intervalMs: 60_000,
  faults: [],
  parameters: {
    heat_loss_w_k: {
      is: 'W of heat for each kelvin below 15 °C; default drawn from 120 to 240',
      takes: { from: 0, to: 2_000 },
    },
    home: { is: 'name of the home, which draws the default; default the id', takes: 'text' },
    site: { is: 'name of the site: its devices share the weather; default `site`', takes: 'text' },
  },
  create: (seed, id, settings) => {
    const home = textSetting(settings, 'home', id)
    const drawn = 120 + 120 * randomAt(signalKey(seed, home, 'heat loss'), 0)
    const lossWPerK = numberSetting(settings, 'heat_loss_w_k', drawn)
    const weather = weatherOf(seed, textSetting(settings, 'site', 'site'))
    const year = new TypicalYear(slotMs, (dayOfYear) =>
      Float64Array.from({ length: slots }, (_, slot) => {
        const outdoorC = weather.temperatureC({ year: 0, dayOfYear, sinceMidnightMs: (slot + 0.5) * slotMs })
        return heatingW(lossWPerK, outdoorC)
      }),
    )
    const meter = new LoadMeter(seed, id, tangent)
    return {
      id,
      type: 'smart_meter',
      valuesAt: (timeMs) => ({
        ...meter.valuesAt(timeMs, year.powerW(timeMs)),
        energy_import_kwh: round(year.energyWh(timeMs) / 1000, 3),
        outdoor_temperature_c: round(weather.temperatureC(yearTimeOf(timeMs)), 2),
      }),
    }
  },
}

/** Electrical W at an outdoor temperature. */
export function heatingW(lossWPerK: number, outdoorC: number): number {
  const heatW = lossWPerK * Math.max(0, heatingBelowC - outdoorC)
  // Heating curve: 30 °C of flow at 15 °C outdoors, 50 at −10.
  const flowC = 30 + 0.8 * Math.max(0, heatingBelowC - outdoorC)
  return standbyW + heatW / coefficientOfPerformance(flowC - outdoorC)
}

/** Of an air heat pump, by the lift in kelvin from outdoors to the flow (Staffell et al. 2012, for 15–60 K). */
export function coefficientOfPerformance(liftK: number): number {
  const lift = Math.min(60, Math.max(15, liftK))
  return 6.81 - 0.121 * lift + 0.00063 * lift ** 2
}
