import { randomAt } from '../../lib/prng.ts'
import { gridFrequencyHz, voltageV } from './grid.ts'
import { type DeviceModel, round, signalKey } from './model.ts'
import { arrayOf, arrayParameters } from './pv-settings.ts'
import { numberSetting, textSetting } from './settings.ts'

/** The meter of a PV inverter. Power is negative when it generates; what it takes at night is not measured. */
export const pvMeter: DeviceModel = {
  name: 'pv_meter',
  type: 'smart_meter',
  description: 'meter of a PV array: sun, clouds and cells that warm',
  intervalMs: 60_000,
  faults: ['pv_string_loss'],
  parameters: {
    pv_kwp: { is: 'peak power of the array, kW; default drawn from 4 to 10', takes: { from: 0.1, to: 100 } },
    ...arrayParameters,
    home: { is: 'name of the home: its smart_meter shows the same array; default the id', takes: 'text' },
    site: { is: 'name of the site: its devices share the weather; default `site`', takes: 'text' },
  },
  create: (seed, id, settings) => {
    const home = textSetting(settings, 'home', id)
    const drawnKwp = round(4 + 6 * randomAt(signalKey(seed, home, 'pv size'), 0), 1)
    const kwp = numberSetting(settings, 'pv_kwp', drawnKwp)
    const array = arrayOf(seed, id, kwp, settings)
    const voltageKey = signalKey(seed, id, 'voltage')
    return {
      id,
      type: 'smart_meter',
      valuesAt: (timeMs) => {
        const watts = array.powerW(timeMs)
        const volts = voltageV(voltageKey, timeMs, -watts)
        return {
          active_power_w: round(-watts, 1),
          reactive_power_var: 0,
          voltage_v: round(volts, 2),
          current_a: round(watts / volts, 3),
          frequency_hz: round(gridFrequencyHz(seed, timeMs), 3),
          power_factor: watts > 0 ? -1 : 1,
          relay_closed: true,
          energy_export_kwh: round(array.energyWh(timeMs) / 1000, 3),
          yield_w_kwp: round(watts / kwp, 1),
        }
      },
      consequenceOf: ({ onsetMs }) => ({ detectableFromMs: array.clearAboveMs(onsetMs, 0.2) ?? onsetMs }),
    }
  },
}
