import { randomAt, smoothNoise } from '../../lib/prng.ts'
import { type DeviceModel, round, signalKey } from './model.ts'

/** The town, a square. */
const townKm = 10
/** He is within about so far of the middle of his district, and crosses it in this time. */
const districtKm = 1.5
const crossingMs = 1_800_000

/** Somebody on his rounds, and where he is. */
export const technician: DeviceModel = {
  name: 'technician',
  type: 'generic',
  description: 'technician on his rounds in a town of 10 km by 10 km: where he is',
  intervalMs: 60_000,
  faults: [],
  parameters: {},
  create: (seed, id) => {
    const middle = signalKey(seed, id, 'district')
    const keys = [signalKey(seed, id, 'x'), signalKey(seed, id, 'y')] as const
    const kmAt = (axis: 0 | 1, timeMs: number) => {
      const km = townKm * randomAt(middle, axis) + districtKm * smoothNoise(keys[axis], timeMs, crossingMs)
      return round(Math.min(townKm, Math.max(0, km)), 3)
    }
    return { id, type: 'generic', valuesAt: (timeMs) => ({ x_km: kmAt(0, timeMs), y_km: kmAt(1, timeMs) }) }
  },
}
