import type { ScoreRows } from '../rule.ts'

/** An input of a score: its metric, its points, and to how many decimals it is rounded first. */
export interface ScoreInput {
  readonly metric: string
  readonly rows: ScoreRows
  readonly decimals?: 0 | 1
}

/**
 * National Early Warning Score 2 (Royal College of Physicians, 2017), SpO2 scale 1, chart 1. Values are rounded first, or its bands
 * have gaps. Not under 16 years, not in pregnancy. Not a medical device.
 */
export const news2: readonly ScoreInput[] = [
  { metric: 'respiration_rate_bpm', decimals: 0, rows: bands([8, 3], [11, 1], [20, 0], [24, 2], 3) },
  { metric: 'spo2_pct', decimals: 0, rows: bands([91, 3], [93, 2], [95, 1], 0) },
  { metric: 'oxygen_given', decimals: 0, rows: bands([0, 0], 2) },
  { metric: 'systolic_mmhg', decimals: 0, rows: bands([90, 3], [100, 2], [110, 1], [219, 0], 3) },
  {
    metric: 'heart_rate_bpm',
    decimals: 0,
    rows: bands([40, 3], [50, 1], [90, 0], [110, 1], [130, 2], 3),
  },
  { metric: 'alert', decimals: 0, rows: bands([0, 3], 0) },
  { metric: 'temperature_c', decimals: 1, rows: bands([35, 3], [36, 1], [38, 0], [39, 1], 2) },
]

/** Pairs of highest value and points, then the points above them all. */
function bands(...given: readonly [...(readonly [upTo: number, points: number])[], number]): ScoreRows {
  return given.map((band) =>
    typeof band === 'number' ? { points: band } : { upTo: band[0], points: band[1] },
  )
}

/** Half away from zero, of the decimal number as it is written: 38.05 is 38.1, though its double is below. */
export function rounded(value: number, decimals: 0 | 1): number {
  const size = Math.abs(value)
  const sign = value < 0 ? -1 : 1
  // From 2^53 on numbers are whole; below 1e-6 and from 1e21 on they are written with an exponent.
  if (size >= 2 ** 53) return value
  if (decimals === 0) return sign * Math.round(size)
  // Writing and reading takes a microsecond. Here tenfold is off by less than 1e-6: only close to a half that may matter.
  const tenfold = size * 10
  if (size < 1e8 && Math.abs(tenfold - Math.floor(tenfold) - 0.5) > 1e-6)
    return (sign * Math.round(tenfold)) / 10
  return size < 1e-6 ? 0 : (sign * Math.round(Number(`${size}e1`))) / 10
}
