import { randomAt } from '../../lib/prng.ts'
import type { Fault } from '../faults/fault.ts'
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

/** No house draws so much for half an hour on end: a longer shower ends before. */
const neverSoLongLH = 100
const neverSoLongMs = 30 * 60_000

/** What a home does with water on one day. */
interface Day {
  readonly day: number
  readonly litresBefore: number
  readonly drawn: readonly { readonly startMs: number; readonly forMs: number; readonly litres: number }[]
}

/**
 * Water flows while it is used, exactly none at night; the register is the integral of the flow. A leak adds its flow from its
 * onset to its end.
 */
export const waterMeter: DeviceModel = {
  name: 'water_meter',
  type: 'water_meter',
  description: 'household water meter, no flow at night',
  intervalMs: 900_000,
  faults: ['water_leak'],
  parameters: {
    people: {
      is: 'people in the home, from 1 to 20; drawn from 1 to 4',
      takes: { from: 1, to: 20, whole: true },
    },
  },
  create: (seed, id, { faults = [], parameters = {} } = {}) => {
    const people =
      (parameters.people as number | undefined) ??
      1 + Math.floor(4 * randomAt(signalKey(seed, id, 'people'), 0))
    const keys = uses.map(({ name }) => signalKey(seed, id, name))
    const leaks = faults.filter(({ kind }) => kind === 'water_leak')
    let known = dayOfHome(keys, people, 0)
    const dayAt = (timeMs: number) => {
      const day = dayOf(timeMs)
      if (known.day !== day) known = dayOfHome(keys, people, day)
      return known
    }
    return {
      id,
      type: 'water_meter',
      valuesAt: (timeMs) => {
        const day = dayAt(timeMs)
        let litres = day.litresBefore
        let litresPerHour = 0
        for (const use of day.drawn) {
          const sinceMs = timeMs - use.startMs
          if (sinceMs < 0) continue
          litres += use.litres * Math.min(1, sinceMs / use.forMs)
          if (sinceMs < use.forMs) litresPerHour += (use.litres * hourMs) / use.forMs
        }
        for (const leak of leaks) {
          if (timeMs < leak.onsetMs) continue
          litres += (leakLH(leak) * (Math.min(timeMs, leak.endMs) - leak.onsetMs)) / hourMs
          if (timeMs < leak.endMs) litresPerHour += leakLH(leak)
        }
        return {
          flow_l_h: round(litresPerHour, 1),
          water_temperature_c: 12,
          battery_pct: 98,
          volume_m3: round(litres / 1000, 4),
        }
      },
      consequenceOf: (fault) => {
        const quietMs = endOfQuietHour(dayAt, fault.onsetMs, fault.endMs)
        const isHuge = leakLH(fault) >= neverSoLongLH
        const shownMs = isHuge ? Math.min(quietMs, fault.onsetMs + neverSoLongMs) : quietMs
        return { detectableFromMs: Math.min(shownMs, fault.endMs) }
      },
    }
  },
}

function leakLH({ parameters, severity }: Fault): number {
  return parameters.flow_l_h! * severity
}

/**
 * How often each use has been is known for every midnight, so that the register needs no sum over the days before: only those
 * of the day need be looked at.
 */
function dayOfHome(keys: readonly number[], people: number, day: number): Day {
  const midnightMs = epochMs + day * dayMs
  const drawn: { startMs: number; forMs: number; litres: number }[] = []
  let litresBefore = 0
  for (const [i, { timesADay, litres, forMs }] of uses.entries()) {
    const phase = randomAt(keys[i]!, 0)
    const timesBefore = (days: number) => Math.floor(days * people * timesADay + phase)
    const first = timesBefore(day)
    litresBefore += first * litres
    for (let n = first; n < timesBefore(day + 1); n++) {
      drawn.push({ startMs: midnightMs + startsAtMs(randomAt(keys[i]!, n + 1)), forMs, litres })
    }
  }
  return { day, litresBefore, drawn }
}

/** The time of day below which the share `u` of all uses begin. */
function startsAtMs(u: number): number {
  let left = u * weightSum
  let hour = 0
  while (left >= hourWeights[hour]!) left -= hourWeights[hour++]!
  return (firstHour + hour + left / hourWeights[hour]!) * hourMs
}

/** The end of the first hour from `fromMs` on in which the home itself uses nothing: what flows then is no use. `toMs` if none ends before. */
function endOfQuietHour(dayAt: (timeMs: number) => Day, fromMs: number, toMs: number): number {
  let quietSinceMs = fromMs
  for (let dayMsAt = epochMs + dayOf(fromMs) * dayMs; dayMsAt < toMs; dayMsAt += dayMs) {
    const inOrder = [...dayAt(dayMsAt).drawn].sort((a, b) => a.startMs - b.startMs)
    for (const { startMs, forMs } of inOrder) {
      if (startMs >= quietSinceMs + hourMs) return Math.min(quietSinceMs + hourMs, toMs)
      quietSinceMs = Math.max(quietSinceMs, startMs + forMs)
    }
  }
  return Math.min(quietSinceMs + hourMs, toMs)
}
