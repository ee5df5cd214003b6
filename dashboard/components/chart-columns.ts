import type { Value } from '../api/types.ts'

/** Times in Unix ms, rising, and a column of values for each series; null where there is nothing. */
export interface ChartColumns {
  readonly times: readonly number[]
  readonly columns: readonly (readonly (number | null)[])[]
}

/** A reading, or what else has values by name at a time (RFC 3339). */
interface Sample {
  readonly time: string
  readonly values: Readonly<Record<string, Value | null>>
}

/** A silence of more than so many usual intervals is a gap in the line. */
const gapIntervals = 5

/** Readings of one metric, a list for each series, on one axis of time; a true state is 1. Lines end where the device was silent. */
export function chartColumns(series: readonly (readonly Sample[])[], metric: string): ChartColumns {
  const maps = series.map(
    (readings) => new Map(readings.map(({ time, values }) => [Date.parse(time), numberOf(values[metric])])),
  )
  const times = [...new Set(maps.flatMap((map) => [...map.keys()]))].sort((a, b) => a - b)
  const gap = gapIntervals * medianInterval(times)
  const broken: number[] = []
  times.forEach((time, i) => {
    const before = times[i - 1]
    if (before !== undefined && time - before > gap) broken.push(before + 1)
    broken.push(time)
  })
  return { times: broken, columns: maps.map((map) => broken.map((time) => map.get(time) ?? null)) }
}

function medianInterval(times: readonly number[]): number {
  const intervals = times.slice(1).map((time, i) => time - times[i]!)
  intervals.sort((a, b) => a - b)
  return intervals[Math.floor(intervals.length / 2)] ?? Number.POSITIVE_INFINITY
}

function numberOf(value: unknown): number | null {
  if (typeof value === 'number') return value
  return typeof value === 'boolean' ? Number(value) : null
}
