import { medianOf } from './conditions/median.ts'

/** When the readings of a series came: the newest, and the gaps between the last of them, oldest first. Ms of event time. */
export interface Arrivals {
  last: number
  readonly gaps: number[]
}

/** How many gaps are kept. */
export const gapsMax = 16
const silenceFactor = 3
const scratch = new Float64Array(gapsMax)

/** Median of at most `gapsMax` gaps, of an even number the mean of the middle two; undefined while there is none. */
export function usualInterval(gaps: readonly number[]): number | undefined {
  if (gaps.length === 0) return undefined
  for (let i = 0; i < gaps.length; i++) scratch[i] = gaps[i]!
  return medianOf(scratch, gaps.length)
}

/**
 * Notes a reading at `time` and tells whether it ends a silence: a gap over 3 × the usual interval of the 16 gaps before
 * it. Before the first gap no interval is usual, so nothing is a silence. A second reading of the same time is no gap.
 */
export function endsSilence(arrivals: Arrivals, time: number): boolean {
  const gapMs = time - arrivals.last
  if (gapMs <= 0) return false
  const usualMs = usualInterval(arrivals.gaps)
  arrivals.last = time
  arrivals.gaps.push(gapMs)
  if (arrivals.gaps.length > gapsMax) arrivals.gaps.shift()
  return usualMs !== undefined && gapMs > silenceFactor * usualMs
}
