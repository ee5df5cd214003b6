import { randomAt } from '../../lib/prng.ts'
import { EvCharging } from './ev-charging.ts'
import { gridFrequencyHz, voltageV } from './grid.ts'
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
    const voltageKey = signalKey(seed, id, 'voltage')
    return {
      id,
      type: 'smart_meter',
      valuesAt: (timeMs) => {
        const watts = charging.powerW(timeMs) + standbyW
        const reactive = watts * tangent
        const apparent = Math.hypot(watts, reactive)
        const volts = voltageV(voltageKey, timeMs, watts)
        const wh = charging.energyWh(timeMs) + (standbyW * (timeMs - epochMs)) / hourMs
        return {
          active_power_w: round(watts, 1),
          reactive_power_var: round(reactive, 1),
          voltage_v: round(volts, 2),
          current_a: round(apparent / volts, 3),
          frequency_hz: round(gridFrequencyHz(seed, timeMs), 3),
          power_factor: round(watts / apparent, 3),
          relay_closed: true,
          energy_import_kwh: round(wh / 1000, 3),
        }
      },
    }
  },
}
