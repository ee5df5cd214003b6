import { normalAt, randomAt, smoothNoise } from '../../lib/prng.ts'
import { type DeviceModel, dayMs, hourMs, round, signalKey } from './model.ts'
import { onOrOff } from './settings.ts'
import { activityName, bodyOf } from './wearable-body.ts'
import { cadences, personDays, run, slotBeganMs, slotMs, walk } from './wearable-day.ts'

/** Noise of the heart rate: an AR(1) process, its last innovations weighted by powers of what it keeps. */
const stepMs = 10_000
const keeps = 0.7
const weights = Array.from({ length: 16 }, (_, age) => Math.sqrt(1 - keeps ** 2) * keeps ** age)

/** How often in five minutes of it the device takes the steps for the heart, and for how long. */
const lockChance: Readonly<Record<number, number>> = { [walk]: 0.05, [run]: 0.15 }
const lockMs = { least: 60_000, most: 240_000 }

/** A person's day: a Markov chain of sleeping, sitting, walking and running; the body follows, the device mostly sees it. */
export const wearable: DeviceModel = {
  name: 'wearable',
  type: 'wearable',
  description: 'wrist wearable with heart rate, SpO2 and activity',
  intervalMs: stepMs,
  faults: ['tachycardia_at_rest', 'desaturation', 'no_motion'],
  parameters: {
    age: { is: 'years; drawn from 25 to 65', takes: { from: 10, to: 100 } },
    rest_bpm: {
      is: 'heart rate at rest, beats a minute; drawn from 55 to 75. Below 52 a sleeping heart has points of NEWS2',
      takes: { from: 35, to: 110 },
    },
    off_wrist: {
      is: 'true, the default: taken off once or twice a day for 10 to 60 minutes; false: never',
      takes: onOrOff,
    },
    cadence_lock: {
      is: 'true, the default: while walking or running it sometimes shows the steps a minute as heart rate; false: never',
      takes: onOrOff,
    },
  },
  create: (seed, id, { faults = [], parameters = {} } = {}) => {
    const key = (signal: string) => signalKey(seed, id, signal)
    const drawn = (signal: string, least: number, spread: number) => least + spread * randomAt(key(signal), 0)
    const age = Number(parameters.age ?? drawn('age', 25, 40))
    const restBpm = Number(parameters.rest_bpm ?? drawn('rest', 55, 20))
    const isOn = (name: string) => String(parameters[name] ?? true) === 'true'
    const isLocking = isOn('cadence_lock')
    const days = personDays({
      activityKey: key('activity'),
      wristKey: key('wrist'),
      isTakenOff: isOn('off_wrist'),
      vigour: drawn('vigour', 0.93, 0.14),
    })
    const body = bodyOf(days, { restBpm, maxBpm: 208 - 0.7 * age }, faults)
    const keys = {
      lock: key('lock'),
      off: key('off'),
      spo2: key('spo2'),
      breath: key('breath'),
      pressure: key('pressure'),
      warmth: key('warmth'),
    }
    const heartNoise = autoregressive(key('heart'))
    const chargedDays = drawn('battery', 0, 10)
    /** What is shown off the wrist: no pulse, or what it takes for one. */
    const offWrist = (timeMs: number) => {
      const draw = (index: number) => randomAt(keys.off, Math.floor(timeMs / stepMs) * 3 + index)
      return { bpm: draw(0) < 0.6 ? 0 : 40 + 140 * draw(1), spo2Pct: 80 + 9 * draw(2) }
    }
    return {
      id,
      type: 'wearable',
      valuesAt: (timeMs) => {
        const isWorn = body.isWornAt(timeMs)
        const effort = body.effortAt(timeMs)
        const strain = Math.max(0, effort)
        const isLocked = isLocking && isLockedAt(keys.lock, body.activityAt(timeMs), timeMs)
        const bpm = isLocked
          ? cadences[body.activityAt(timeMs) as 0] * days.cadenceScaleAt(timeMs)
          : body.heartBpmAt(timeMs)
        const noise = (signal: 'spo2' | 'breath' | 'pressure', overMs: number, most: number) =>
          Math.min(most, Math.max(-most, smoothNoise(keys[signal], timeMs, overMs)))
        const spo2Pct = Math.min(100, body.spo2PctAt(timeMs) + 0.7 * noise('spo2', 60_000, 3))
        const shown = isWorn ? { bpm: bpm + 2 * heartNoise(timeMs), spo2Pct } : offWrist(timeMs)
        const warmth = Math.min(2.5, Math.max(-2.5, smoothNoise(keys.warmth, timeMs, 6 * hourMs)))
        return {
          heart_rate_bpm: round(Math.max(0, shown.bpm), 0),
          spo2_pct: round(shown.spo2Pct, 1),
          respiration_rate_bpm: round(15 + 1.2 * noise('breath', 60_000, 2.5) + 25 * strain, 0),
          systolic_mmhg: round(120 + 8 * noise('pressure', hourMs, 2.4) + 40 * strain, 0),
          temperature_c: round(36.8 + 0.2 * warmth + 0.5 * strain, 1),
          skin_temperature_c: round(body.skinCAt(timeMs) + 0.5 * warmth + strain, 1),
          activity: activityName(body, timeMs),
          on_wrist: isWorn,
          oxygen_given: false,
          alert: !body.isMotionlessAt(timeMs),
          battery_pct: round(100 - 8 * ((timeMs / dayMs + chargedDays) % 10), 1),
          steps: body.stepsAt(timeMs),
        }
      },
      consequenceOf: (fault) => ({ detectableFromMs: body.detectableFromMs(fault) }),
    }
  },
}

function isLockedAt(key: number, activity: number, timeMs: number): boolean {
  const chance = lockChance[activity]
  if (chance === undefined) return false
  const beganMs = slotBeganMs(timeMs)
  const draw = (index: number) => randomAt(key, (beganMs / slotMs) * 3 + index)
  if (draw(0) >= chance) return false
  const forMs = lockMs.least + (lockMs.most - lockMs.least) * draw(1)
  const fromMs = beganMs + (slotMs - forMs) * draw(2)
  return timeMs >= fromMs && timeMs < fromMs + forMs
}

/** Standard deviation 1, at most 3, constant for 10 s; innovations are kept as the next step needs nearly all of them again. */
function autoregressive(key: number): (timeMs: number) => number {
  const steps = new Float64Array(weights.length).fill(Number.NaN)
  const innovations = new Float64Array(weights.length)
  return (timeMs) => {
    const step = Math.floor(timeMs / stepMs)
    let x = 0
    for (const [age, weight] of weights.entries()) {
      const at = (step - age) % weights.length
      if (steps[at] !== step - age) {
        steps[at] = step - age
        innovations[at] = normalAt(key, step - age)
      }
      x += weight * innovations[at]!
    }
    return Math.min(3, Math.max(-3, x))
  }
}
