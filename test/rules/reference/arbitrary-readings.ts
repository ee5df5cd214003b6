import fc from 'fast-check'
import type { Value } from '../../../domain/profile.ts'
import type { GivenReading } from './world.ts'

/** A whole number of days, so that windows cut at the epoch begin with the series. */
export const epochMs = 20_000 * 86_400_000
/** Four minutes before Berlin sets its clocks back from 03:00 to 02:00. */
export const autumnMs = Date.UTC(2024, 9, 27, 0, 56)

/** How a series is drawn: few steps and few values, so that limits and durations are hit exactly, often. */
export interface SeriesShape {
  /** Steps between two readings; 0 is one of the same time. */
  readonly stepsMs: readonly number[]
  /** Values by metric; a reading holds some of them, now and then another metric `z` alone. */
  readonly values: Readonly<Record<string, readonly Value[]>>
  readonly readingsMax: number
  readonly devices: readonly string[]
  readonly startsMs: readonly number[]
}

/** Mostly one step of 15 s; same times, the double, and gaps of 2.5 and 15 minutes now and then. */
export const usualStepsMs = [15, 15, 15, 15, 15, 15, 15, 0, 0, 30, 30, 45, 150, 900].map((s) => s * 1000)

/** 0 … 6, many near 3, with a boolean and a text now and then. */
export const usualValues: readonly Value[] = [
  2,
  3,
  4,
  2,
  3,
  4,
  2,
  3,
  4,
  0,
  1,
  2,
  5,
  6,
  3.5,
  true,
  false,
  'on',
]

export const usualShape: SeriesShape = {
  stepsMs: usualStepsMs,
  values: { m: usualValues },
  readingsMax: 40,
  devices: ['device-1'],
  startsMs: [epochMs, epochMs, epochMs + 7000, autumnMs],
}

/** Readings in order of time. */
export function arbitrarySeries(shape: SeriesShape): fc.Arbitrary<GivenReading[]> {
  const metrics = Object.keys(shape.values)
  const step = fc.record({
    stepMs: fc.constantFrom(...shape.stepsMs),
    device: fc.constantFrom(...shape.devices),
    shown: fc.nat(2 ** metrics.length * 2 - 1),
    isOther: fc.nat(29),
    picks: fc.tuple(...metrics.map((metric) => fc.constantFrom(...shape.values[metric]!))),
  })
  const steps = fc.array(step, { minLength: 1, maxLength: shape.readingsMax, size: 'max' })
  return fc.tuple(fc.constantFrom(...shape.startsMs), steps).map(([start, drawn]) => {
    let ts = start
    return drawn.map(({ stepMs, device, shown, isOther, picks }) => {
      ts += stepMs
      if (isOther === 0) return { ts, device, values: { z: 1 } }
      // Twice as many masks as there are subsets: with half of them the reading holds everything.
      const isShown = (i: number) => shown >= 2 ** metrics.length || shown === 0 || (shown & (1 << i)) !== 0
      const held = metrics.flatMap((metric, i) => (isShown(i) ? [[metric, picks[i]!] as const] : []))
      return { ts, device, values: Object.fromEntries(held) }
    })
  })
}

/**
 * Orders in which the readings, given in order of time, may arrive so that none comes after one that is more than `withinMs`
 * newer. (With a rule's `wait` above `withinMs` they give what the order of time gives. At exactly `wait` they do too, unless two
 * readings of one device have one time.)
 */
export function arrivals(readings: readonly GivenReading[], withinMs: number): fc.Arbitrary<GivenReading[]> {
  const delays = fc.array(fc.nat(withinMs), { minLength: readings.length, maxLength: readings.length })
  return delays.map((delay) =>
    readings
      .map((reading, i) => ({ reading, arrival: reading.ts + delay[i]! }))
      .sort((a, b) => a.arrival - b.arrival)
      .map(({ reading }) => reading),
  )
}
