import { loadProfile } from './load-profile.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs

/** A stretch of a run at one power. */
export interface Stretch {
  readonly watts: number
  readonly fromMs: number
  readonly untilMs: number
  /** Of the run before it. */
  readonly whBefore: number
}

/** What runs in a home now and then. */
export interface Appliance {
  readonly name: string
  readonly stretches: readonly Stretch[]
  readonly lengthMs: number
  /** Of a whole run: a whole number, so that sums of runs are exact. */
  readonly wh: number
  /** How much of what runs in each hour of a day is this, against the others. */
  readonly weights: readonly number[]
}

/** Weight in the hours of a day: [from, to, weight] each, elsewhere none. */
function byHour(...spans: readonly (readonly [number, number, number])[]): number[] {
  return Array.from(
    { length: 24 },
    (_, hour) => spans.find(([from, to]) => hour >= from && hour < to)?.[2] ?? 0,
  )
}

/** `parts` are W and minutes in turn. */
function appliance(
  name: string,
  parts: readonly (readonly [number, number])[],
  weights: number[],
): Appliance {
  const stretches: Stretch[] = []
  let fromMs = 0
  let whBefore = 0
  for (const [watts, minutes] of parts) {
    const untilMs = fromMs + minutes * minuteMs
    stretches.push({ watts, fromMs, untilMs, whBefore })
    whBefore += (watts * minutes) / 60
    fromMs = untilMs
  }
  return { name, stretches, lengthMs: fromMs, wh: Math.round(whBefore), weights }
}

/** Ten minutes to heat up, then the thermostat keeps it. */
const ovenParts = [
  [2_200, 10] as const,
  ...Array.from(
    { length: 5 },
    () =>
      [
        [0, 2.5],
        [2_200, 2.5],
      ] as const,
  ).flat(),
]

/** Nothing that heats runs at night: a mean of homes needs few of them then to be that of the profile. */
export const appliances: readonly Appliance[] = [
  appliance('kettle', [[2_000, 3]], byHour([6, 9, 3], [9, 22, 1.2])),
  appliance('oven', ovenParts, byHour([11, 14, 2], [14, 17, 0.7], [17, 20, 2])),
  appliance('hob', [[1_200, 15]], byHour([7, 9, 0.6], [11, 14, 2], [17, 20, 2])),
  appliance(
    'washing machine',
    [
      [2_000, 15],
      [200, 60],
    ],
    byHour([8, 19, 1]),
  ),
  appliance(
    'dishwasher',
    [
      [2_000, 15],
      [120, 40],
      [2_000, 15],
    ],
    byHour([9, 22, 0.9]),
  ),
  appliance('television', [[150, 100]], byHour([0, 1, 0.6], [14, 18, 0.6], [18, 22, 1.6], [22, 24, 0.8])),
  appliance('light', [[60, 45]], byHour([0, 6, 0.1], [6, 8, 1.5], [8, 16, 0.5], [16, 24, 1.8])),
  appliance('small', [[800, 6]], byHour([0, 6, 1], [6, 24, 1.5])),
]

export const longestRunMs = Math.max(...appliances.map(({ lengthMs }) => lengthMs))

/** Wh of a run that began so long ago. */
export function runWh({ stretches, wh, lengthMs }: Appliance, elapsedMs: number): number {
  if (elapsedMs >= lengthMs) return wh
  let at = 0
  while (elapsedMs >= stretches[at]!.untilMs) at++
  const { whBefore, watts, fromMs } = stretches[at]!
  return whBefore + (watts * (elapsedMs - fromMs)) / hourMs
}

/** W of base load and of the fridge on average, for each 1,000 kWh a year: below the profile's nights all year. */
export const baseWPerMwh = 20
export const fridgeWPerMwh = 7.5

/**
 * Shares of a run's energy in the hour in which it begins, the next, …: of starts that are evenly spread over an hour.
 */
const hourShares = appliances.map((one) => {
  const hours = Math.ceil(one.lengthMs / hourMs) + 1
  const shares = Array.from({ length: hours }, () => 0)
  for (let startMs = minuteMs / 2; startMs < hourMs; startMs += minuteMs) {
    shares.forEach((_, hour) => {
      const until = (h: number) => Math.max(0, h * hourMs - startMs)
      shares[hour]! += (runWh(one, until(hour + 1)) - runWh(one, until(hour))) / one.wh / 60
    })
  }
  return shares
})

export const weekHours = 168
const leadHours = 24

/**
 * For each appliance, how many runs of a home of 1,000 kWh a year are expected to begin from the start of the week to that of
 * each of its hours: [appliance * (weekHours + 1) + hour]. What runs on from hours before is taken off what the profile
 * leaves for an hour, so that it is the consumption, and not the starts, that follows the profile.
 */
function startsOf(week: number): Float64Array {
  const wh = appliances.map(() => new Float64Array(leadHours + weekHours))
  for (let hour = 0; hour < leadHours + weekHours; hour++) {
    const day = week * 7 + Math.floor(hour / 24) - 1
    // Before 2000 there is nothing; the first week begins like the second.
    const profileW = profileOf(Math.max(day, 0))[hour % 24]!
    let left = profileW - baseWPerMwh - fridgeWPerMwh
    let weight = 0
    for (const [i, { weights }] of appliances.entries()) {
      const shares = hourShares[i]!
      weight += weights[hour % 24]! * shares[0]!
      for (let ago = 1; ago < shares.length && ago <= hour; ago++) left -= shares[ago]! * wh[i]![hour - ago]!
    }
    for (const [i, { weights }] of appliances.entries()) {
      wh[i]![hour] = (Math.max(0, left) * weights[hour % 24]!) / weight
    }
  }
  const starts = new Float64Array(appliances.length * (weekHours + 1))
  for (const [i, one] of appliances.entries()) {
    for (let hour = 0; hour < weekHours; hour++) {
      const at = i * (weekHours + 1) + hour
      starts[at + 1] = starts[at]! + wh[i]![leadHours + hour]! / one.wh
    }
  }
  return starts
}

let lastDay = -1
let lastProfile: readonly number[] = []

function profileOf(day: number): readonly number[] {
  if (day !== lastDay) {
    lastProfile = loadProfile(day)
    lastDay = day
  }
  return lastProfile
}

const weeks = new Map<number, Float64Array>()
const weeksMax = 60

/** See startsOf; weeks are of seven days from the epoch on. */
export function expectedStarts(week: number): Float64Array {
  let starts = weeks.get(week)
  if (starts === undefined) {
    if (weeks.size >= weeksMax) weeks.clear()
    starts = startsOf(week)
    weeks.set(week, starts)
  }
  return starts
}

/** Runs expected before each week, of each appliance: [week * appliances + appliance]. Kept, since every home needs them. */
const before: number[] = appliances.map(() => 0)

/** Runs of an appliance that a home of 1,000 kWh a year is expected to have had from 2000 to the beginning of a week. */
export function expectedStartsBefore(applianceIndex: number, week: number): number {
  const kinds = appliances.length
  for (let known = before.length / kinds; known <= week; known++) {
    const starts = known - 1 < week - 1 ? startsOf(known - 1) : expectedStarts(known - 1)
    for (let i = 0; i < kinds; i++) {
      before.push(before[(known - 1) * kinds + i]! + starts[i * (weekHours + 1) + weekHours]!)
    }
  }
  return before[week * kinds + applianceIndex]!
}
