import type { Schedule, Weekday } from '../../../rules/rule.ts'

const weekdays: readonly Weekday[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
const formats = new Map<string, Intl.DateTimeFormat>()

function localTime(ts: number, timezone: string): { day: Weekday; minute: number } {
  let format = formats.get(timezone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone: timezone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    })
    formats.set(timezone, format)
  }
  const parts = Object.fromEntries(format.formatToParts(ts).map(({ type, value }) => [type, value]))
  return {
    day: parts.weekday!.toLowerCase() as Weekday,
    minute: Number(parts.hour) * 60 + Number(parts.minute),
  }
}

function minuteOf(text: string): number {
  const [hours, minutes] = text.split(':').map(Number)
  return hours! * 60 + minutes!
}

/** By the clock on the wall in the zone; a window that runs into the next day belongs to the day on which it begins. */
export function isInSchedule({ timezone, weekly }: Schedule, ts: number): boolean {
  const { day, minute } = localTime(ts, timezone)
  const yesterday = weekdays[(weekdays.indexOf(day) + 6) % 7]!
  return weekly.some(({ days, from, to }) => {
    if (minuteOf(from) < minuteOf(to)) {
      return days.includes(day) && minute >= minuteOf(from) && minute < minuteOf(to)
    }
    return (
      (days.includes(day) && minute >= minuteOf(from)) || (days.includes(yesterday) && minute < minuteOf(to))
    )
  })
}
