import { dayMs, epochMs } from './model.ts'

/**
 * Standard load profile H0 (BDEW, by demandlib's tables): W of a home that uses 1,000 kWh a year, mean of each hour, for a
 * workday, a Saturday and a Sunday of each season.
 */
const tables = {
  winter: {
    workday: [
      58, 43, 40, 39, 39, 47, 90, 129, 133, 123, 116, 118, 131, 130, 115, 105, 105, 129, 166, 187, 168, 141,
      117, 86,
    ],
    saturday: [
      67, 53, 42, 40, 38, 40, 53, 82, 120, 142, 148, 155, 167, 166, 153, 144, 145, 180, 209, 210, 172, 134,
      123, 104,
    ],
    sunday: [
      78, 56, 45, 41, 39, 39, 41, 50, 89, 139, 174, 203, 207, 173, 136, 117, 107, 126, 156, 176, 160, 136,
      115, 85,
    ],
  },
  summer: {
    workday: [
      74, 55, 50, 47, 49, 59, 98, 130, 142, 144, 139, 142, 158, 153, 132, 119, 115, 122, 142, 165, 167, 158,
      145, 112,
    ],
    saturday: [
      83, 64, 52, 50, 50, 52, 64, 93, 128, 156, 165, 171, 182, 176, 157, 148, 145, 149, 166, 180, 173, 154,
      149, 125,
    ],
    sunday: [
      90, 67, 54, 51, 50, 49, 51, 69, 112, 160, 187, 206, 209, 175, 144, 124, 108, 110, 127, 152, 159, 151,
      140, 108,
    ],
  },
  transition: {
    workday: [
      67, 49, 44, 43, 44, 53, 93, 130, 137, 136, 132, 133, 150, 146, 127, 113, 106, 116, 145, 172, 168, 156,
      136, 100,
    ],
    saturday: [
      73, 56, 46, 44, 43, 45, 59, 93, 130, 150, 163, 172, 181, 177, 161, 149, 147, 159, 183, 198, 180, 147,
      139, 117,
    ],
    sunday: [
      84, 62, 49, 44, 43, 43, 46, 66, 111, 160, 185, 205, 208, 169, 136, 121, 107, 112, 138, 161, 155, 144,
      128, 94,
    ],
  },
} as const

/** Winter from 1 November to 20 March, summer from 15 May to 14 September. */
function seasonOf(month: number, dayOfMonth: number): keyof typeof tables {
  const at = month * 100 + dayOfMonth
  if (at >= 1101 || at <= 320) return 'winter'
  return at >= 515 && at <= 914 ? 'summer' : 'transition'
}

/** The profile's own factor of the day of the year. */
function seasonFactor(d: number): number {
  return -3.92e-10 * d ** 4 + 3.2e-7 * d ** 3 - 7.02e-5 * d ** 2 + 2.1e-3 * d + 1.24
}

/** W in each hour of a day (counted from the epoch) for 1,000 kWh a year; over a day the sum is in Wh. */
export function loadProfile(day: number): readonly number[] {
  const date = new Date(epochMs + day * dayMs)
  const weekday = date.getUTCDay()
  const kind = weekday === 0 ? 'sunday' : weekday === 6 ? 'saturday' : 'workday'
  const dayOfYear = 1 + (date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / dayMs
  const factor = seasonFactor(dayOfYear)
  const table = tables[seasonOf(date.getUTCMonth() + 1, date.getUTCDate())][kind]
  return table.map((watts) => watts * factor)
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0)
}

/** Wh from the epoch to each midnight: kept, since every reading of a register needs it. */
const whBefore = [0]

/** Wh that 1,000 kWh a year come to from the epoch to the beginning of a day. */
export function energyBefore(day: number): number {
  for (let known = whBefore.length; known <= day; known++) {
    whBefore.push(whBefore[known - 1]! + sum(loadProfile(known - 1)))
  }
  return whBefore[day]!
}
