import type { Reading } from './api/types.ts'

/** What a meter took and gave in one hour or day. */
export interface EnergyWindow {
  /** Its start, Unix ms. */
  readonly at: number
  /** Undefined where the register was not read before, or went back. */
  readonly importKwh: number | undefined
  readonly exportKwh: number | undefined
}

export const importMetric = 'energy_import_kwh'
export const exportMetric = 'energy_export_kwh'

/**
 * Energy of each window from the last register readings of each, oldest first: the difference to the one before. What was used in windows
 * without a reading is in the next one that has one.
 */
export function energyWindows(lasts: readonly Reading[]): EnergyWindow[] {
  const steps = (metric: string) => {
    let before: number | undefined
    return lasts.map(({ values }) => {
      const register = values[metric]
      if (typeof register !== 'number') return undefined
      const step = before === undefined || register < before ? undefined : register - before
      before = register
      return step
    })
  }
  const [imports, exports] = [steps(importMetric), steps(exportMetric)]
  return lasts
    .map(({ time }, i) => ({ at: Date.parse(time), importKwh: imports[i], exportKwh: exports[i] }))
    .slice(1)
}

export function totalKwh(windows: readonly EnergyWindow[], of: 'importKwh' | 'exportKwh'): number {
  return windows.reduce((sum, window) => sum + (window[of] ?? 0), 0)
}
