import { randomAt, smoothNoise } from '../../lib/prng.ts'
import { type DeviceModel, dayMs, dayOf, epochMs, hourMs, round, signalKey } from './model.ts'

/** Effort as a share of the heart rate's reserve, and steps a minute. */
const activities = {
  sleep: { effort: -0.05, cadence: 0 },
  sit: { effort: 0.05, cadence: 0 },
  walk: { effort: 0.3, cadence: 110 },
  run: { effort: 0.75, cadence: 160 },
} as const
type Activity = keyof typeof activities

const wakesHour = 7
const sleepsHour = 23
const slotMs = 300_000
const slotsPerHour = 12
const runSlots = 4
/** The heart follows effort in 40 s, and rest in 80 s. */
const risingMs = 40_000
const fallingMs = 80_000

const slotMinutes = slotMs / 60_000
const walkSteps = activities.walk.cadence * slotMinutes
const runSteps = activities.run.cadence * slotMinutes * runSlots
const stepsPerDay = (sleepsHour - wakesHour) * walkSteps + runSteps

/** A person's day: in each waking hour five minutes of walking, in one of them a run; the body follows. */
export const wearable: DeviceModel = {
  name: 'wearable',
  type: 'wearable',
  description: 'wrist wearable with heart rate, SpO2 and activity',
  intervalMs: 10_000,
  faults: [],
  parameters: {},
  create: (seed, id) => {
    const key = (signal: string) => signalKey(seed, id, signal)
    const age = 25 + 40 * randomAt(key('age'), 0)
    const rest = 55 + 20 * randomAt(key('rest'), 0)
    const reserve = 208 - 0.7 * age - rest
    const keys = {
      activity: key('activity'),
      heart: key('heart'),
      spo2: key('spo2'),
      breath: key('breath'),
      pressure: key('pressure'),
      warmth: key('warmth'),
    }
    return {
      id,
      type: 'wearable',
      valuesAt: (timeMs) => {
        const slot = Math.floor((timeMs - epochMs) / slotMs)
        const activity = activityAt(keys.activity, slot)
        const share = effortShare(keys.activity, timeMs)
        const effort = Math.max(0, share)
        const spo2 = 97 + 0.7 * smoothNoise(keys.spo2, timeMs, 60_000) - (activity === 'sleep' ? 1 : 0)
        const breath = Math.max(12, 15 + smoothNoise(keys.breath, timeMs, 60_000))
        const warmth = smoothNoise(keys.warmth, timeMs, 6 * hourMs)
        return {
          heart_rate_bpm: round(rest + reserve * share + 2 * smoothNoise(keys.heart, timeMs, 20_000), 0),
          spo2_pct: round(Math.min(100, spo2), 1),
          respiration_rate_bpm: round(breath + 25 * effort, 0),
          systolic_mmhg: round(120 + 8 * smoothNoise(keys.pressure, timeMs, hourMs) + 40 * effort, 0),
          temperature_c: round(36.8 + 0.2 * warmth + 0.5 * effort, 1),
          skin_temperature_c: round(33 + 0.5 * warmth + effort, 1),
          activity,
          on_wrist: true,
          oxygen_given: false,
          alert: true,
          battery_pct: round(100 - 8 * ((timeMs / dayMs) % 10), 1),
          steps: stepsAt(keys.activity, timeMs),
        }
      },
    }
  },
}

/** Activity of five minutes, counted from the epoch. */
function activityAt(key: number, slot: number): Activity {
  const hour = Math.floor(slot / slotsPerHour)
  const hourOfDay = hour % 24
  if (hourOfDay < wakesHour || hourOfDay >= sleepsHour) return 'sleep'
  const inHour = slot % slotsPerHour
  const { runHour, runFrom } = runOf(key, Math.floor(hour / 24))
  const runs = hourOfDay === runHour ? runSlots : 0
  const isRun = inHour >= runFrom && inHour < runFrom + runs
  if (isRun) return 'run'
  // The walk is in one of the slots that the run leaves: every day has the same steps, so that the counter needs no sum.
  const walk = Math.floor((slotsPerHour - runs) * randomAt(key, hour))
  return inHour === (runs > 0 && walk >= runFrom ? walk + runs : walk) ? 'walk' : 'sit'
}

function runOf(key: number, day: number): { runHour: number; runFrom: number } {
  const draw = (index: number) => randomAt(key ^ 0x5bd1e995, day * 2 + index)
  return {
    runHour: wakesHour + Math.floor((sleepsHour - wakesHour) * draw(0)),
    runFrom: Math.floor((slotsPerHour - runSlots + 1) * draw(1)),
  }
}

/** dx/dt = (effort − x)/τ over the last quarter of an hour: what was before has faded to nothing. */
function effortShare(key: number, timeMs: number): number {
  const slot = Math.floor((timeMs - epochMs) / slotMs)
  let share: number = activities[activityAt(key, slot - 3)].effort
  for (let past = slot - 2; past <= slot; past++) {
    const { effort } = activities[activityAt(key, past)]
    const forMs = Math.min(slotMs, timeMs - epochMs - past * slotMs)
    share = effort + (share - effort) * Math.exp(-forMs / (effort > share ? risingMs : fallingMs))
  }
  return share
}

/** Steps since the epoch: whole days, whole hours, then the slots of this hour. */
function stepsAt(key: number, timeMs: number): number {
  const day = dayOf(timeMs)
  const sinceMidnightMs = timeMs - epochMs - day * dayMs
  const hour = Math.floor(sinceMidnightMs / hourMs)
  const { runHour } = runOf(key, day)
  const wakingHours = Math.min(Math.max(hour - wakesHour, 0), sleepsHour - wakesHour)
  let steps = day * stepsPerDay + wakingHours * walkSteps + (hour > runHour ? runSteps : 0)
  const firstSlot = (day * 24 + hour) * slotsPerHour
  for (let slot = firstSlot; slot * slotMs < timeMs - epochMs; slot++) {
    const forMs = Math.min(slotMs, timeMs - epochMs - slot * slotMs)
    steps += (activities[activityAt(key, slot)].cadence * forMs) / 60_000
  }
  return Math.floor(steps)
}
