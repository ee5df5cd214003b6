import { randomAt } from '../../lib/prng.ts'
import { dayMs, epochMs, hourMs } from './model.ts'

export const activities = ['sleep', 'sit', 'walk', 'run'] as const
export const [sleep, sit, walk, run] = [0, 1, 2, 3] as const
/** Steps a minute of each. */
export const cadences = [0, 0, 110, 160] as const

/** What somebody does changes every five minutes, if at all. */
export const slotMs = 300_000
const slotsPerDay = dayMs / slotMs
const slotMinutes = slotMs / 60_000
/** Days begin at four in the morning, when everybody sleeps: a chain is known without the days before. */
const dayBeginsHour = 4
const originMs = epochMs - dayMs + dayBeginsHour * hourMs

/**
 * All steps of so many days come to the same, so that the counter needs only the days of its own block: cadence is slower in a
 * block with more walking, by some per cent. Steps of a day: the mean of the chain.
 */
const blockDays = 256
const stepsPerDay = 11_200

/** Off the wrist once or twice between seven and ten, for 10 to 60 minutes. */
const takenOff = { fromHour: 7, hours: 15, leastSlots: 2, mostSlots: 12 }

interface Day {
  readonly day: number
  /** Activity of each slot, an index of `activities`. */
  readonly activity: Uint8Array
  /** 1 where it is worn. */
  readonly worn: Uint8Array
  /** Steps counted before each slot, at the nominal cadence. */
  readonly stepsBefore: Float64Array
}

/** What a person does, slot by slot. */
export interface PersonDays {
  activityAt(timeMs: number): number
  isWornAt(timeMs: number): boolean
  /** Steps that it has counted since the epoch, exact, never falling. */
  stepsAt(timeMs: number): number
  /** By how much the person's steps are faster than the nominal ones. */
  cadenceScaleAt(timeMs: number): number
}

export interface PersonSettings {
  readonly activityKey: number
  readonly wristKey: number
  readonly isTakenOff: boolean
  /** Of this person's cadence, about 1. */
  readonly vigour: number
}

/** A Markov chain over the slots of each day, from asleep at four in the morning on. */
export function personDays(settings: PersonSettings): PersonDays {
  // Of today and yesterday, and of the block of today.
  const days: Day[] = []
  let block = Number.NaN
  let scale = 1
  const stepsBeforeDay = new Float64Array(blockDays)

  const dayAt = (timeMs: number): Day => {
    const day = Math.floor((timeMs - originMs) / dayMs)
    if (days[day & 1]?.day !== day) days[day & 1] = dayOfPerson(settings, day)
    return days[day & 1]!
  }
  const enterBlock = (day: number) => {
    if (Math.floor(day / blockDays) === block) return
    block = Math.floor(day / blockDays)
    let steps = 0
    for (let i = 0; i < blockDays; i++) {
      stepsBeforeDay[i] = steps
      steps += dayOfPerson(settings, block * blockDays + i).stepsBefore[slotsPerDay]!
    }
    scale = (blockDays * stepsPerDay) / Math.max(1, steps)
  }
  return {
    activityAt: (timeMs) => dayAt(timeMs).activity[slotOfDay(timeMs)]!,
    isWornAt: (timeMs) => dayAt(timeMs).worn[slotOfDay(timeMs)] === 1,
    stepsAt: (timeMs) => {
      const { day, activity, worn, stepsBefore } = dayAt(timeMs)
      enterBlock(day)
      const slot = slotOfDay(timeMs)
      const minutes = ((timeMs - originMs) % slotMs) / 60_000
      const now = cadences[activity[slot] as 0]! * worn[slot]! * minutes
      const nominal = stepsBeforeDay[day % blockDays]! + stepsBefore[slot]! + now
      return Math.floor(settings.vigour * (block * blockDays * stepsPerDay + nominal * scale))
    },
    cadenceScaleAt: (timeMs) => {
      enterBlock(dayAt(timeMs).day)
      return settings.vigour * scale
    },
  }
}

/** The beginning of the slot of a time. */
export function slotBeganMs(timeMs: number): number {
  return timeMs - ((timeMs - originMs) % slotMs)
}

function slotOfDay(timeMs: number): number {
  return Math.floor(((timeMs - originMs) % dayMs) / slotMs)
}

function dayOfPerson({ activityKey, wristKey, isTakenOff }: PersonSettings, day: number): Day {
  const activity = new Uint8Array(slotsPerDay)
  const worn = new Uint8Array(slotsPerDay).fill(1)
  const stepsBefore = new Float64Array(slotsPerDay + 1)
  if (isTakenOff) {
    const drawn = (index: number) => randomAt(wristKey, day * 8 + index)
    for (let n = 0; n < 1 + Math.floor(2 * drawn(0)); n++) {
      const slotsPerHour = hourMs / slotMs
      const from = Math.floor(
        (takenOff.fromHour - dayBeginsHour + takenOff.hours * drawn(1 + n)) * slotsPerHour,
      )
      const more = takenOff.mostSlots - takenOff.leastSlots + 1
      worn.fill(0, from, from + takenOff.leastSlots + Math.floor(more * drawn(3 + n)))
    }
  }
  let now: number = sleep
  for (let slot = 0; slot < slotsPerDay; slot++) {
    if (slot > 0) {
      const hour = (dayBeginsHour + Math.floor((slot * slotMs) / hourMs)) % 24
      now = nextActivity(now, hour, randomAt(activityKey, day * slotsPerDay + slot))
    }
    activity[slot] = now
    stepsBefore[slot + 1] = stepsBefore[slot]! + cadences[now as 0]! * slotMinutes * worn[slot]!
  }
  return { day, activity, worn, stepsBefore }
}

/** Chance of waking up in the hours from six on; of falling asleep from ten on. */
const wakes = [0.06, 0.15, 0.25]
const fallsAsleep = [0.08, 0.25]

/** One step of the chain, by the hour: people get up from six to nine, go to bed from ten on, and run by day. */
function nextActivity(now: number, hour: number, u: number): number {
  const isDay = hour >= 6 && hour < 22
  switch (now) {
    case sleep:
      return u < (isDay ? (wakes[hour - 6] ?? 0.5) : 0.006) ? sit : sleep
    case sit: {
      const toSleep = isDay ? 0 : (fallsAsleep[hour - 22] ?? 0.4)
      if (u < toSleep) return sleep
      if (u < toSleep + (isDay ? 0.05 : 0.02)) return walk
      return isDay && u > 0.998 ? run : sit
    }
    case walk:
      if (u < (isDay ? 0.5 : 0.8)) return sit
      return isDay && u > 0.98 ? run : walk
    default:
      // A run of 25 minutes in the mean.
      if (u < 0.05) return sit
      return u < 0.2 ? walk : run
  }
}
