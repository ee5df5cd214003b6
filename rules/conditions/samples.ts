/** Readings kept to stand for many, in order of time; two arrays, for they are read in loops and kept as JSON. */
export interface Samples {
  times: number[]
  values: number[]
}

export function noSamples(): Samples {
  return { times: [], values: [] }
}

/**
 * Whether a reading is the first of its part of time (parts of `partMs`, counted from the epoch), which makes it a sample. The
 * newest part seen is noted in `seen.part`; it begins at −1.
 */
export function isFirstOfPart(seen: { part: number }, partMs: number, time: number): boolean {
  const part = Math.floor(time / partMs)
  if (part <= seen.part) return false
  seen.part = part
  return true
}

export function addSample(samples: Samples, time: number, value: number): void {
  samples.times.push(time)
  samples.values.push(value)
}

/** Drops the samples with time ≤ `time`; whether there were any. */
export function dropUntil(samples: Samples, time: number): boolean {
  const { times, values } = samples
  let count = 0
  while (count < times.length && times[count]! <= time) count++
  if (count === 0) return false
  times.splice(0, count)
  values.splice(0, count)
  return true
}

/** Length of one of `count` parts of a window, in whole ms. */
export function partLengthMs(windowMs: number, count: number): number {
  return Math.max(1, Math.ceil(windowMs / count))
}

/** Sums and differences of large numbers may be infinite, and JSON, as which state is kept, has no infinite numbers. */
export function finite(value: number): number {
  return Math.min(Math.max(value, -Number.MAX_VALUE), Number.MAX_VALUE)
}
