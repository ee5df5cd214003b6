import { randomAt, smoothNoise } from '../../lib/prng.ts'
import { type DeviceModel, dayMs, hourOfDay, round, signalKey } from './model.ts'

const activities = { sleep: -0.05, sit: 0.05, walk: 0.3, run: 0.75 } as const
type Activity = keyof typeof activities

/** A person's day: heart rate follows activity; steps only rise within a day's count that never restarts. */
export const wearable: DeviceModel = {
  type: 'wearable',
  description: 'wrist wearable with heart rate, SpO2 and activity',
  intervalMs: 10_000,
  create: (seed, id) => {
    const key = (signal: string) => signalKey(seed, id, signal)
    const age = 25 + 40 * randomAt(key('age'), 0)
    const rest = 55 + 20 * randomAt(key('rest'), 0)
    const max = 208 - 0.7 * age
    const keys = { activity: key('activity'), heart: key('heart'), spo2: key('spo2') }
    return {
      id,
      type: 'wearable',
      valuesAt: (timeMs) => {
        const activity = activityAt(keys.activity, timeMs)
        const asleep = activity === 'sleep'
        const effort = Math.max(0, activities[activity])
        const heartRate =
          rest + (max - rest) * activities[activity] + 2 * smoothNoise(keys.heart, timeMs, 20_000)
        return {
          heart_rate_bpm: round(heartRate, 0),
          spo2_pct: round(
            Math.min(100, 97 + 0.7 * smoothNoise(keys.spo2, timeMs, 60_000) - (asleep ? 1 : 0)),
            1,
          ),
          respiration_rate_bpm: round(14 + 20 * effort, 0),
          systolic_mmhg: round(120 + 40 * effort, 0),
          temperature_c: round(36.8 + 0.5 * effort, 1),
          activity,
          on_wrist: true,
          alert: true,
          battery_pct: round(100 - 8 * ((timeMs / dayMs) % 10), 1),
          steps: Math.floor((timeMs / dayMs) * 8_000),
        }
      },
    }
  },
}

/** Asleep from eleven to seven; else drawn for each quarter of an hour. */
function activityAt(key: number, timeMs: number): Activity {
  const hour = hourOfDay(timeMs)
  if (hour < 7 || hour >= 23) return 'sleep'
  const draw = randomAt(key, Math.floor(timeMs / 900_000))
  return draw < 0.75 ? 'sit' : draw < 0.96 ? 'walk' : 'run'
}
