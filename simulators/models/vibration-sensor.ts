import { randomAt, smoothNoise } from '../../lib/prng.ts'
import { type DeviceModel, round, signalKey } from './model.ts'

const v0 = 1.2
const vFailure = 9

/** Velocity RMS in mm/s at full load and a share `x` of the bearing's life since the onset of wear: v0 (vF/v0)^(x²). */
export function velocityAtLife(x: number): number {
  return v0 * (vFailure / v0) ** (x * x)
}

/** Kurtosis of the acceleration: 3 when healthy, 8 near x = 0.6 when single impacts stand out, 4 when they merge. */
export function kurtosisAtLife(x: number): number {
  return 3 + 5 * Math.exp(-(((x - 0.6) / 0.15) ** 2)) + x ** 4
}

/** A motor whose bearing is early in its life; all that it shows goes with its load. */
export const vibrationSensor: DeviceModel = {
  name: 'vibration_sensor',
  type: 'vibration_sensor',
  description: 'motor with a bearing early in its life',
  intervalMs: 10_000,
  faults: [],
  parameters: {},
  create: (seed, id) => {
    const key = (signal: string) => signalKey(seed, id, signal)
    const life = 0.3 * randomAt(key('life'), 0)
    const keys = { velocity: key('velocity'), kurtosis: key('kurtosis'), load: key('load') }
    return {
      id,
      type: 'vibration_sensor',
      valuesAt: (timeMs) => {
        const load = 0.8 + 0.05 * smoothNoise(keys.load, timeMs, 600_000)
        const noise = Math.exp(0.03 * smoothNoise(keys.velocity, timeMs, 10_000))
        const velocity = velocityAtLife(life) * load * noise
        return {
          velocity_rms_mm_s: round(velocity, 3),
          // A peak of 0.4 g for each mm/s: the impacts of a rolling bearing lie near 1 kHz.
          acceleration_peak_g: round(velocity * 0.4, 3),
          kurtosis: round(kurtosisAtLife(life) + 0.1 * smoothNoise(keys.kurtosis, timeMs, 10_000), 2),
          bearing_temperature_c: round(45 + (20 + 15 * life ** 3) * load, 1),
          motor_current_a: round(12 * load, 2),
          speed_rpm: round(1_500 - 40 * load, 0),
        }
      },
    }
  },
}
