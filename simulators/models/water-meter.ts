import { randomAt } from '../../lib/prng.ts'
import { type DeviceModel, dayMs, dayOf, epochMs, hourMs, round, signalKey } from './model.ts'

/** What a person does with water on a day. All are done by ten at night and begin after six. */
const uses = [
  { name: 'toilet', timesADay: 5, litres: 6, forMs: 40_000 },
  { name: 'shower', timesADay: 0.7, litres: 50, forMs: 330_000 },
  { name: 'tap', timesADay: 20, litres: 1.5, forMs: 15_000 },
] as const

/** How the uses spread over the hours from six to ten: morning and evening peaks. */
const firstHour = 6
const hourWeights = [4, 6, 5, 3, 2, 2, 3, 2, 2, 2, 2, 3, 5, 5, 4, 2]
const weightSum = hourWeights.reduce((sum, weight) => sum + weight, 0)

/** A home without a leak: water flows while it is used, exactly none at night; the register is the integral of the flow. */
export const waterMeter: DeviceModel = {
  name: 'water_meter',
  type: 'water_meter',
  description: 'household water meter, no flow at night',
  intervalMs: 900_000,
  faults: [],
  parameters: {},
  create: (seed, id) => {
    const people = 1 + Math.floor(4 * randomAt(signalKey(seed, id, 'people'), 0))
    const keys = uses.map(({ name }) => signalKey(seed, id, name))
    return {
      id,
      type: 'water_meter',
      valuesAt: (timeMs) => {
        const { litres, litresPerHour } = drawn(keys, people, timeMs)
        return {
          flow_l_h: round(litresPerHour, 1),
          water_temperature_c: 12,
          battery_pct: 98,
          volume_m3: round(litres / 1000, 4),
        }
      },
    }
  },
}

/**
 * Litres since the epoch and the flow of now. How often each use has been is known for every midnight, so that only those
 * of today need be looked at.
 */
function drawn(keys: readonly number[], people: number, timeMs: number) {
  const day = dayOf(timeMs)
  const midnightMs = epochMs + day * dayMs
  let litres = 0
  let litresPerHour = 0
  for (const [i, use] of uses.entries()) {
    const phase = randomAt(keys[i]!, 0)
    const timesBefore = (days: number) => Math.floor(days * people * use.timesADay + phase)
    const first = timesBefore(day)
    litres += first * use.litres
    for (let n = first; n < timesBefore(day + 1); n++) {
      const sinceMs = timeMs - midnightMs - startsAtMs(randomAt(keys[i]!, n + 1))
      if (sinceMs < 0) continue
      litres += use.litres * Math.min(1, sinceMs / use.forMs)
      if (sinceMs < use.forMs) litresPerHour += (use.litres * hourMs) / use.forMs
    }
  }
  return { litres, litresPerHour }
}

/** The time of day below which the share `u` of all uses begin. */
function startsAtMs(u: number): number {
  let left = u * weightSum
  let hour = 0
  while (left >= hourWeights[hour]!) left -= hourWeights[hour++]!
  return (firstHour + hour + left / hourWeights[hour]!) * hourMs
}
