import { randomAt, smoothNoise } from '../../lib/prng.ts'
import { type Consequence, type Fault, isActive } from '../faults/fault.ts'
import { type DeviceModel, dayMs, round, signalKey } from './model.ts'

const v0 = 1.2
const vFailure = 9
/** ISO 20816-3: above this, machines of up to 300 kW on a rigid foundation may be damaged. */
const vWarning = 4.5
/** Load moves the velocity by some 7 % and noise by 3 %: a rise by a quarter is neither. */
const conspicuousRise = 1.25
const fullSpeedRpm = 1_500
const usualLoad = 0.8
const gravityMmS2 = 9_806.65

/** Velocity RMS in mm/s at full load and a share `x` of the bearing's life since the onset of wear: v0 (vF/v0)^(x²). */
export function velocityAtLife(x: number): number {
  return v0 * (vFailure / v0) ** (x * x)
}

/** The share of life at which a bearing shows a velocity at full load, mm/s. */
export function lifeAtVelocity(velocity: number): number {
  return Math.sqrt(Math.log(velocity / v0) / Math.log(vFailure / v0))
}

/** Kurtosis of the acceleration: 3 when healthy, 8 near x = 0.6 when single impacts stand out, 4 when they merge. */
export function kurtosisAtLife(x: number): number {
  return 3 + 5 * Math.exp(-(((x - 0.6) / 0.15) ** 2)) + x ** 4
}

/**
 * A motor whose bearing is early in its life; all that it shows goes with its load. From the onset of wear on, life passes
 * in `life_days`; what it shows begins to move when it has worn beyond what it was before. After its failure it stays as it is
 * until somebody repairs it, which is the end of the fault.
 */
export const vibrationSensor: DeviceModel = {
  name: 'vibration_sensor',
  type: 'vibration_sensor',
  description: 'motor with a bearing early in its life',
  intervalMs: 10_000,
  faults: ['bearing_wear', 'imbalance'],
  parameters: {
    load: {
      is: 'mean share of full load, 0.1 to 1; 0.8. It varies by some 0.05',
      takes: { from: 0.1, to: 1 },
    },
  },
  create: (seed, id, { faults = [], parameters = {} } = {}) => {
    const key = (signal: string) => signalKey(seed, id, signal)
    const healthyLife = 0.3 * randomAt(key('life'), 0)
    const meanLoad = Number(parameters.load ?? usualLoad)
    const keys = { velocity: key('velocity'), kurtosis: key('kurtosis'), load: key('load') }
    return {
      id,
      type: 'vibration_sensor',
      valuesAt: (timeMs) => {
        const life = lifeAt(faults, timeMs, healthyLife)
        const load = Math.max(0, meanLoad + 0.05 * smoothNoise(keys.load, timeMs, 600_000))
        const noise = Math.exp(0.03 * smoothNoise(keys.velocity, timeMs, 10_000))
        const speedRpm = fullSpeedRpm - 40 * load
        const bearing = velocityAtLife(life) * load
        const rotor = imbalanceAt(faults, timeMs) * (speedRpm / fullSpeedRpm) ** 2
        return {
          // Of different frequencies: their powers add up.
          velocity_rms_mm_s: round(Math.hypot(bearing, rotor) * noise, 3),
          acceleration_peak_g: round((0.4 * bearing + rotorPeakG(rotor, speedRpm)) * noise, 3),
          kurtosis: round(kurtosisAtLife(life) + 0.1 * smoothNoise(keys.kurtosis, timeMs, 10_000), 2),
          bearing_temperature_c: round(45 + (20 + 15 * life ** 3) * load, 1),
          motor_current_a: round(12 * load, 2),
          speed_rpm: round(speedRpm, 0),
        }
      },
      consequenceOf: (fault) => consequenceOf(fault, healthyLife),
    }
  },
}

/** Share of its life that the bearing is through. */
function lifeAt(faults: readonly Fault[], timeMs: number, healthyLife: number): number {
  let life = healthyLife
  for (const fault of faults) {
    if (fault.kind !== 'bearing_wear' || !isActive(fault, timeMs)) continue
    life = Math.max(life, Math.min(1, (timeMs - fault.onsetMs) / lifeMs(fault)))
  }
  return life
}

function lifeMs({ parameters, severity }: Fault): number {
  return (parameters.life_days! * dayMs) / severity
}

/** mm/s RMS that rotors out of balance add at full speed. */
function imbalanceAt(faults: readonly Fault[], timeMs: number): number {
  let added = 0
  for (const fault of faults) {
    if (fault.kind !== 'imbalance' || !isActive(fault, timeMs)) continue
    added = Math.hypot(added, fault.parameters.velocity_mm_s! * fault.severity)
  }
  return added
}

/**
 * A bearing's impacts lie near 1 kHz, 0.4 g of peak for each mm/s; imbalance turns with the shaft, a sine whose peak is √2 · 2πf
 * times its velocity.
 */
function rotorPeakG(velocityMmS: number, speedRpm: number): number {
  return (Math.SQRT2 * 2 * Math.PI * (speedRpm / 60) * velocityMmS) / gravityMmS2
}

/** Of wear: when it shows a quarter more than before, at whatever load; what lies after its repair does not happen. */
function consequenceOf(fault: Fault, healthyLife: number): Consequence {
  if (fault.kind === 'imbalance') return { detectableFromMs: fault.onsetMs }
  const timeAt = (life: number) => Math.ceil(fault.onsetMs + life * lifeMs(fault))
  const warnByMs = timeAt(lifeAtVelocity(vWarning))
  const failureMs = timeAt(1)
  return {
    detectableFromMs: timeAt(lifeAtVelocity(conspicuousRise * velocityAtLife(healthyLife))),
    ...(warnByMs < fault.endMs ? { warnByMs } : {}),
    ...(failureMs < fault.endMs ? { failureMs } : {}),
  }
}
