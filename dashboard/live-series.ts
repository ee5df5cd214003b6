import type { LiveFunction, LiveMinute, LiveMinuteEvent } from './api/types.ts'

/** A minute of a series. Values are in a map, for a group may have the name of what every object has. */
export interface SeriesMinute {
  /** Its start. */
  readonly time: string
  readonly values: ReadonlyMap<string, number>
  /** False while readings of it may still come. */
  readonly closed: boolean
}

/** The minutes with those that have changed in their places, oldest first, without what is before `from` (Unix ms). */
export function withMinutes(
  minutes: readonly SeriesMinute[],
  changed: readonly SeriesMinute[],
  from: number,
): SeriesMinute[] {
  const byTime = new Map([...minutes, ...changed].map((minute) => [Date.parse(minute.time), minute]))
  return [...byTime]
    .filter(([time]) => time >= from)
    .sort(([a], [b]) => a - b)
    .map(([, minute]) => minute)
}

export function readMinute({ time, values, closed }: LiveMinute): SeriesMinute {
  return { time, values: new Map(Object.entries(values)), closed }
}

/** One function's values of a minute of the stream. */
export function minuteOfEvent({ time, values, closed }: LiveMinuteEvent, fn: LiveFunction): SeriesMinute {
  return { time, values: new Map(Object.entries(values).map(([group, own]) => [group, own[fn]])), closed }
}

/**
 * The groups that are drawn: all, or where there are more than `max` those with the largest values of late, in order of their names so
 * that none changes its colour while it stays.
 */
export function drawnGroups(
  minutes: readonly SeriesMinute[],
  max: number,
): { drawn: string[]; others: number } {
  const newest = new Map(minutes.flatMap(({ values }) => [...values]))
  const largest = [...newest].sort(([, a], [, b]) => Math.abs(b) - Math.abs(a)).slice(0, max)
  return { drawn: largest.map(([group]) => group).sort(), others: newest.size - largest.length }
}

/** Quantities of which a fleet has a sum; of others it has a mean. */
const summed: ReadonlySet<string> = new Set(['W', 'kW', 'VA', 'var', 'A', 'kWh', 'm³', 'L', 'L/min'])

export function usualFunction(unit: string | undefined): LiveFunction {
  return unit !== undefined && summed.has(unit) ? 'sum' : 'mean'
}
