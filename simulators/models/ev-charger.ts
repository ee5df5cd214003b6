import { randomAt } from '../../lib/prng.ts'
import { EvCharging } from './ev-charging.ts'
import { LoadMeter } from './grid.ts'
import { type DeviceModel, epochMs, hourMs, round, signalKey } from './model.ts'
import { numberSetting, textSetting } from './settings.ts'

/** Of the charger itself. */
const standbyW = 3
const tangent = 0.02
const chargersKw = [3.7, 7.4, 11]

/** The meter of a charger: one car, plugged in on arrival on some evenings of the week. */
export const evCharger: DeviceModel = {
  name: 'ev_charger',
  type: 'smart_meter',
  description: 'charger of an electric car: evenings, 3.7 to 11 kW, less above 80 %',
  intervalMs: 60_000,
  faults: [],
  parameters: {
    ev_kw: { is: 'kW of the charger; default one of 3.7, 7.4 and 11', takes: { from: 0, to: 50 } },
    home: {
      is: 'name of the home: its smart_meter shows the same car when it has the same ev_kw; default the id',
      takes: 'text',
    },
  },
  create: (seed, id, settings) => {
    const home = textSetting(settings, 'home', id)
    const drawnKw = chargersKw[Math.floor(3 * randomAt(signalKey(seed, home, 'ev charger'), 0))]!
    const charging = new EvCharging(seed, home, numberSetting(settings, 'ev_kw', drawnKw))
    const meter = new LoadMeter(seed, id, tangent)
    return {
      id,
      type: 'smart_meter',
      valuesAt: (timeMs) => {
        const watts = charging.powerW(timeMs) + standbyW
        const wh = charging.energyWh(timeMs) + (standbyW * (timeMs - epochMs)) / hourMs
        return { ...meter.valuesAt(timeMs, watts), energy_import_kwh: round(wh / 1000, 3) }
      },
    }
  },
}
