import { IANAZone } from 'luxon'
import { z } from 'zod'
import type { Schedule, Weekday } from './rule.ts'

const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const satisfies readonly Weekday[]

/** Windows of one schedule. */
const windowsMax = 50

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs
const weekMs = 7 * dayMs
/** 1970-01-01 was a Thursday; weeks here begin on Monday. */
const firstMondayMs = 4 * dayMs

const clockTime = (pattern: RegExp, expected: string) => z.string(expected).regex(pattern, expected)

/** Shape of a rule's schedule; paths are below it. */
export const scheduleSchema: z.ZodType<Schedule> = z.strictObject({
  // A bare offset is a zone to some versions of Node.js, but none of IANA's.
  timezone: z
    .string()
    .refine((name) => /^[A-Za-z]/.test(name) && IANAZone.isValidZone(name), 'not an IANA time zone'),
  weekly: z
    .array(
      z.strictObject({
        days: z
          .array(z.enum(weekdays))
          .min(1)
          .superRefine((days, context) => {
            for (const [i, day] of days.entries()) {
              if (days.indexOf(day) === i) continue
              context.addIssue({ code: 'custom', path: [i], message: `${day} is there already` })
            }
          }),
        from: clockTime(/^([01]\d|2[0-3]):[0-5]\d$/, 'expected HH:MM, 00:00 to 23:59'),
        to: clockTime(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, 'expected HH:MM, 00:00 to 24:00'),
      }),
    )
    .min(1)
    .max(windowsMax),
})

/** A schedule made ready to be asked of each reading. */
export interface CompiledSchedule {
  /** Whether a rule is in force at an event time, Unix ms. Quick where times rise: the answer is kept until it may change. */
  isInForce(timeMs: number): boolean
  /** The first time from `timeMs` on at which it is. */
  nextInForce(timeMs: number): number
}

/** Edges of windows, and changes of the offset, that are looked past for one that begins: in a week there are at most 700. */
const edgesMax = 1_000

/** Part of the local week, from Monday 00:00; may run into the next. */
interface WeekWindow {
  readonly fromMs: number
  readonly lengthMs: number
}

/** Of a schedule that `scheduleSchema` has let through: docs/RULES.md, "Schedule". */
export function compileSchedule({ timezone, weekly }: Schedule): CompiledSchedule {
  const zone = IANAZone.create(timezone)
  const windows = weekly.flatMap(({ days, from, to }) => {
    const [fromMs, toMs] = [timeOfDayMs(from), timeOfDayMs(to)]
    const lengthMs = toMs > fromMs ? toMs - fromMs : toMs - fromMs + dayMs
    return days.map((day) => ({ fromMs: weekdays.indexOf(day) * dayMs + fromMs, lengthMs }))
  })
  let isIn = false
  let keptFromMs = 0
  let keptUntilMs = 0
  const isInForce = (timeMs: number): boolean => {
    if (timeMs >= keptFromMs && timeMs < keptUntilMs) return isIn
    const offsetMs = offsetAtMs(zone, timeMs)
    const inWeekMs = modulo(timeMs + offsetMs - firstMondayMs, weekMs)
    isIn = windows.some((window) => isWithin(window, inWeekMs))
    keptFromMs = timeMs
    keptUntilMs = firstOtherOffsetMs(zone, timeMs, timeMs + nextBoundaryMs(windows, inWeekMs))
    return isIn
  }
  return {
    isInForce,
    nextInForce: (timeMs) => {
      let atMs = timeMs
      for (let edges = 0; edges < edgesMax && !isInForce(atMs); edges++) atMs = keptUntilMs
      return atMs
    },
  }
}

function timeOfDayMs(text: string): number {
  return (Number(text.slice(0, 2)) * 60 + Number(text.slice(3))) * minuteMs
}

/** By the local time alone: so an hour that comes twice is in force twice, and one that is skipped never. */
function isWithin({ fromMs, lengthMs }: WeekWindow, inWeekMs: number): boolean {
  return modulo(inWeekMs - fromMs, weekMs) < lengthMs
}

/** Time until the next beginning or end of a window, a week at most. */
function nextBoundaryMs(windows: readonly WeekWindow[], inWeekMs: number): number {
  let nextMs = weekMs
  for (const { fromMs, lengthMs } of windows) {
    const sinceMs = modulo(inWeekMs - fromMs, weekMs)
    nextMs = Math.min(nextMs, sinceMs < lengthMs ? lengthMs - sinceMs : weekMs - sinceMs)
  }
  return nextMs
}

/**
 * The first time after `fromMs` with another offset than there; `toMs` where that is later. They are at most a week apart, and
 * no zone has changed twice in less since 2000 (in exactly one: America/Boa_Vista, October 2000).
 */
function firstOtherOffsetMs(zone: IANAZone, fromMs: number, toMs: number): number {
  const offsetMs = offsetAtMs(zone, fromMs)
  if (offsetAtMs(zone, toMs) === offsetMs) return toMs
  let [sameMs, otherMs] = [fromMs, toMs]
  while (otherMs - sameMs > 1) {
    const middleMs = Math.floor((sameMs + otherMs) / 2)
    if (offsetAtMs(zone, middleMs) === offsetMs) sameMs = middleMs
    else otherMs = middleMs
  }
  return otherMs
}

function offsetAtMs(zone: IANAZone, timeMs: number): number {
  return zone.offset(timeMs) * minuteMs
}

function modulo(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor
}
