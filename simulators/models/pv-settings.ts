import { faultsOf } from './fault-window.ts'
import type { ModelSettings } from './model.ts'
import { PvArray } from './pv.ts'
import { numberSetting, textSetting } from './settings.ts'

/** Of models that have an array. */
export const arrayParameters = {
  pv_tilt_deg: {
    is: 'tilt of the array, degrees from the horizontal; default 35',
    takes: { from: 0, to: 90 },
  },
  pv_azimuth_deg: {
    is: 'where it looks, degrees from north, clockwise; default 180',
    takes: { from: 0, to: 360 },
  },
  pv_since_year: {
    is: 'year at whose beginning the array was connected; default 2026',
    takes: { from: 2000, to: 2099, whole: true },
  },
  latitude_deg: { is: 'degrees north; default 52.5', takes: { from: -90, to: 90 } },
} as const

/** The array of a home: the same for each device that names the home and gives it the same parameters. */
export function arrayOf(seed: number, id: string, kwp: number, settings: ModelSettings | undefined): PvArray {
  return new PvArray({
    seed,
    home: textSetting(settings, 'home', id),
    site: textSetting(settings, 'site', 'site'),
    kwp,
    tiltDeg: numberSetting(settings, 'pv_tilt_deg', 35),
    azimuthDeg: numberSetting(settings, 'pv_azimuth_deg', 180),
    latitudeDeg: numberSetting(settings, 'latitude_deg', 52.5),
    sinceYear: numberSetting(settings, 'pv_since_year', 2026),
    faults: faultsOf(settings?.faults, 'pv_string_loss'),
  })
}
