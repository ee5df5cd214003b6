import { randomAt, smoothNoise } from '../../lib/prng.ts'
import { type DeviceModel, round, signalKey } from './model.ts'

const v0 = 1.2
const vFailure = 9

/** Velocity RMS in mm/s at a share `x` of the bearing's life: v0 (vF/v0)^(x²). */
export function velocityAtLife(x: number): number {
  return v0 * (vFailure / v0) ** (x * x)
}

/** A motor whose bearing is early in its life. */
export const vibrationSensor: DeviceModel = {
  type: 'vibration_sensor',
  description: 'motor with a bearing that wears',
  intervalMs: 10_000,
  create: (seed, id) => {
    const key = (signal: string) => signalKey(seed, id, signal)
    const life = 0.3 * randomAt(key('life'), 0)
    const keys = { velocity: key('velocity'), load: key('load') }
    return {
      id,
      type: 'vibration_sensor',
      valuesAt: (timeMs) => {
        const load = 0.8 + 0.05 * smoothNoise(keys.load, timeMs, 600_000)
        const velocity =
          velocityAtLife(life) * load * Math.exp(0.03 * smoothNoise(keys.velocity, timeMs, 10_000))
        return {
          velocity_rms_mm_s: round(velocity, 3),
          acceleration_peak_g: round(velocity * 0.4, 3),
          kurtosis: round(3 + 0.1 * smoothNoise(keys.velocity, timeMs + 5_000, 10_000), 2),
          bearing_temperature_c: round(45 + 20 * load + 15 * life ** 3, 1),
          motor_current_a: round(12 * load, 2),
          speed_rpm: round(1480 - 20 * load, 0),
        }
      },
    }
  },
}
