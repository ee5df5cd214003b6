import { describe, expect, test } from 'vitest'
import type { Schedule, Weekday } from '../../rules/rule.ts'
import { compileSchedule, scheduleSchema } from '../../rules/schedule.ts'

const weekdays: readonly Weekday[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
const minuteMs = 60_000
const dayMs = 1_440 * minuteMs

type Window = Schedule['weekly'][number]

function inForce(timezone: string, weekly: readonly Window[]) {
  const schedule = compileSchedule(scheduleSchema.parse({ timezone, weekly }))
  return (time: string) => schedule.isInForce(Date.parse(time))
}

/** 2026-11-23 is a Monday. */
describe('a weekly window', () => {
  const on = (days: Weekday[], from: string, to: string) => inForce('UTC', [{ days, from, to }])

  test.each<[string, Weekday[], string, string, string, boolean]>([
    ['is in force at its beginning', ['mon'], '08:00', '17:00', '2026-11-23T08:00:00.000Z', true],
    ['is not in force a millisecond before', ['mon'], '08:00', '17:00', '2026-11-23T07:59:59.999Z', false],
    ['is in force a millisecond before its end', ['mon'], '08:00', '17:00', '2026-11-23T16:59:59.999Z', true],
    ['is not in force at its end', ['mon'], '08:00', '17:00', '2026-11-23T17:00:00.000Z', false],
    ['is not in force on another day', ['mon'], '08:00', '17:00', '2026-11-24T08:00:00.000Z', false],
    ['24:00 is the end of the day', ['mon'], '08:00', '24:00', '2026-11-23T23:59:59.999Z', true],
    ['24:00 is not in the next day', ['mon'], '08:00', '24:00', '2026-11-24T00:00:00.000Z', false],
    ['to 00:00 is the end of the day too', ['mon'], '08:00', '00:00', '2026-11-23T23:59:59.999Z', true],
    ['runs into the next day', ['mon'], '22:00', '06:00', '2026-11-24T05:59:59.999Z', true],
    ['ends in the next day', ['mon'], '22:00', '06:00', '2026-11-24T06:00:00.000Z', false],
    ['belongs to the day on which it begins', ['mon'], '22:00', '06:00', '2026-11-23T05:00:00.000Z', false],
    ['runs from Sunday into Monday', ['sun'], '22:00', '06:00', '2026-11-23T05:59:59.999Z', true],
    ['ends on Monday', ['sun'], '22:00', '06:00', '2026-11-23T06:00:00.000Z', false],
    [
      'equal from and to is a whole day: its beginning',
      ['mon'],
      '06:00',
      '06:00',
      '2026-11-23T06:00:00.000Z',
      true,
    ],
    [
      'equal from and to is a whole day: its end',
      ['mon'],
      '06:00',
      '06:00',
      '2026-11-24T05:59:59.999Z',
      true,
    ],
    [
      'equal from and to is a whole day: before',
      ['mon'],
      '06:00',
      '06:00',
      '2026-11-23T05:59:59.999Z',
      false,
    ],
    ['equal from and to is a whole day: after', ['mon'], '06:00', '06:00', '2026-11-24T06:00:00.000Z', false],
    ['00:00 to 24:00 is a whole day', ['mon'], '00:00', '24:00', '2026-11-23T00:00:00.000Z', true],
    [
      'every day from 00:00 to 24:00 is always',
      [...weekdays],
      '00:00',
      '24:00',
      '2026-11-29T23:59:59.999Z',
      true,
    ],
  ])('%s', (_name, days, from, to, time, expected) => {
    expect(on(days, from, to)(time)).toBe(expected)
  })

  test('of several, any is in force, also where they overlap', () => {
    const isIn = inForce('UTC', [
      { days: ['mon'], from: '08:00', to: '12:00' },
      { days: ['mon', 'tue'], from: '10:00', to: '14:00' },
    ])
    const hours = ['07', '08', '11', '12', '13', '14'].map((hour) => isIn(`2026-11-23T${hour}:00:00Z`))
    expect(hours).toEqual([false, true, true, true, true, false])
    expect(isIn('2026-11-24T09:00:00Z')).toBe(false)
  })

  test('is in local time', () => {
    const isIn = inForce('America/New_York', [{ days: ['sun'], from: '20:00', to: '24:00' }])
    expect(isIn('2026-11-23T01:00:00Z')).toBe(true)
    expect(isIn('2026-11-23T00:59:59Z')).toBe(false)
    expect(isIn('2026-11-23T05:00:00Z')).toBe(false)
  })

  test('holds for times before 1970-01-05 and in any order', () => {
    const isIn = on(['wed'], '08:00', '17:00')
    expect(isIn('1969-12-31T16:59:00Z')).toBe(true)
    expect(isIn('1969-12-31T17:00:00Z')).toBe(false)
    expect(isIn('1969-12-31T08:00:00Z')).toBe(true)
    expect(isIn('1969-12-31T07:59:00Z')).toBe(false)
  })
})

describe('when clocks change in Europe/Berlin', () => {
  const sunday = (from: string, to: string) => inForce('Europe/Berlin', [{ days: ['sun'], from, to }])

  test('a window that begins in the hour that is skipped begins at the next moment that exists', () => {
    const isIn = sunday('02:30', '04:00')
    expect(isIn('2026-03-29T00:59:59.999Z')).toBe(false)
    expect(isIn('2026-03-29T01:00:00.000Z')).toBe(true)
    expect(isIn('2026-03-29T01:59:59.999Z')).toBe(true)
    expect(isIn('2026-03-29T02:00:00.000Z')).toBe(false)
  })

  test('a window that ends in the hour that is skipped ends where that begins', () => {
    const isIn = sunday('01:00', '02:30')
    expect(isIn('2026-03-29T00:59:59.999Z')).toBe(true)
    expect(isIn('2026-03-29T01:00:00.000Z')).toBe(false)
  })

  test('a window within the hour that is skipped is in force at no time', () => {
    const isIn = sunday('02:15', '02:45')
    for (let minute = 0; minute < 240; minute++) {
      expect(isIn(new Date(Date.parse('2026-03-29T00:00:00Z') + minute * minuteMs).toISOString())).toBe(false)
    }
  })

  test('a window within the hour that comes twice is in force twice', () => {
    const isIn = sunday('02:15', '02:45')
    const at = ['00:14', '00:15', '00:44', '00:45', '01:14', '01:15', '01:44', '01:45']
    const expected = [false, true, true, false, false, true, true, false]
    expect(at.map((time) => isIn(`2026-10-25T${time}:00Z`))).toEqual(expected)
  })

  test('a window that begins in the hour that comes twice is interrupted by its second coming', () => {
    const isIn = sunday('02:30', '03:30')
    const at = ['00:29', '00:30', '00:59', '01:00', '01:29', '01:30', '02:29', '02:30']
    const expected = [false, true, true, false, false, true, true, false]
    expect(at.map((time) => isIn(`2026-10-25T${time}:00Z`))).toEqual(expected)
  })
})

/** Local weekday and time of day by the platform's own calendar, and the windows as docs/RULES.md says them. */
function byCalendar({ timezone, weekly }: Schedule): (timeMs: number) => boolean {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: timezone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  return (timeMs) => {
    const parts = Object.fromEntries(format.formatToParts(timeMs).map(({ type, value }) => [type, value]))
    const today = parts.weekday!.toLowerCase() as Weekday
    const yesterday = weekdays[(weekdays.indexOf(today) + 6) % 7]!
    const now = `${parts.hour}:${parts.minute}`
    return weekly.some(({ days, from, to }) => {
      if (from < to) return days.includes(today) && now >= from && now < to
      return (days.includes(today) && now >= from) || (days.includes(yesterday) && now < to)
    })
  }
}

const windows: readonly (readonly Window[])[] = [
  [{ days: ['sun'], from: '02:30', to: '03:30' }],
  [{ days: ['sat', 'mon'], from: '22:15', to: '02:45' }],
  [
    { days: ['sat'], from: '01:00', to: '01:00' },
    { days: ['sun', 'wed'], from: '00:00', to: '24:00' },
  ],
  [
    { days: [...weekdays], from: '01:59', to: '02:01' },
    { days: ['sun'], from: '03:00', to: '00:30' },
  ],
]

/** The day before each change of 2026, at 12:00 UTC; a year without change for Kolkata. */
const changes: readonly [timezone: string, from: string][] = [
  ['Europe/Berlin', '2026-03-28'],
  ['Europe/Berlin', '2026-10-24'],
  ['America/New_York', '2026-03-07'],
  ['America/New_York', '2026-10-31'],
  ['Asia/Kolkata', '2026-03-28'],
  ['Pacific/Auckland', '2026-04-03'],
  ['Pacific/Auckland', '2026-09-25'],
  // By half an hour.
  ['Australia/Lord_Howe', '2026-04-03'],
  // At midnight: the day begins at 01:00.
  ['Africa/Cairo', '2026-04-22'],
]

describe('agrees with the calendar at every minute of three days', () => {
  test.each(changes)('%s from %s', (timezone, from) => {
    const startMs = Date.parse(`${from}T12:00:00Z`)
    for (const weekly of windows) {
      const schedule: Schedule = { timezone, weekly }
      const { isInForce } = compileSchedule(schedule)
      const expected = byCalendar(schedule)
      const wrong: string[] = []
      for (let timeMs = startMs; timeMs < startMs + 3 * dayMs; timeMs += minuteMs) {
        if (isInForce(timeMs) !== expected(timeMs)) wrong.push(new Date(timeMs).toISOString())
      }
      expect(wrong).toEqual([])
    }
  })

  test('and for times that jump about a year', () => {
    const schedule: Schedule = { timezone: 'Europe/Berlin', weekly: windows[3]! }
    const { isInForce } = compileSchedule(schedule)
    const expected = byCalendar(schedule)
    let seed = 1
    for (let i = 0; i < 5_000; i++) {
      seed = (seed * 48_271) % 2_147_483_647
      const timeMs = Date.parse('2026-01-01T00:00:00Z') + (seed % (365 * 1_440)) * minuteMs
      expect(isInForce(timeMs), new Date(timeMs).toISOString()).toBe(expected(timeMs))
    }
  })
})

describe('the schema', () => {
  const night = { days: ['mon', 'tue'], from: '22:00', to: '06:00' }

  function paths(given: object): string[] {
    const schedule = { timezone: 'Europe/Berlin', weekly: [night], ...given }
    const { error } = scheduleSchema.safeParse(schedule)
    return (error?.issues ?? []).map(({ path }) => path.join('/'))
  }

  test('takes a schedule as it is', () => {
    const schedule = { timezone: 'Europe/Berlin', weekly: [night, { ...night, from: '00:00', to: '24:00' }] }
    expect(scheduleSchema.parse(schedule)).toEqual(schedule)
  })

  test.each<[string, object, string[]]>([
    ['an unknown zone', { timezone: 'Europe/Berlyn' }, ['timezone']],
    ['an offset for a zone', { timezone: '+01:00' }, ['timezone']],
    ['no zone', { timezone: undefined }, ['timezone']],
    ['an empty zone', { timezone: '' }, ['timezone']],
    ['no windows', { weekly: [] }, ['weekly']],
    ['more than 50 windows', { weekly: Array.from({ length: 51 }, () => night) }, ['weekly']],
    ['a window without days', { weekly: [{ ...night, days: [] }] }, ['weekly/0/days']],
    ['a day that does not exist', { weekly: [{ ...night, days: ['mon', 'Tue'] }] }, ['weekly/0/days/1']],
    ['a day twice', { weekly: [night, { ...night, days: ['mon', 'tue', 'mon'] }] }, ['weekly/1/days/2']],
    ['an hour without zero', { weekly: [{ ...night, from: '8:00' }] }, ['weekly/0/from']],
    ['a from of 24:00', { weekly: [{ ...night, from: '24:00' }] }, ['weekly/0/from']],
    ['an hour 25', { weekly: [{ ...night, to: '25:00' }] }, ['weekly/0/to']],
    ['a minute 60', { weekly: [{ ...night, to: '06:60' }] }, ['weekly/0/to']],
    ['24:01', { weekly: [{ ...night, to: '24:01' }] }, ['weekly/0/to']],
    ['a time with seconds', { weekly: [{ ...night, to: '06:00:00' }] }, ['weekly/0/to']],
    ['a time that is no text', { weekly: [{ ...night, from: 22 }] }, ['weekly/0/from']],
    ['an unknown field', { weekly: [{ ...night, until: '06:00' }] }, ['weekly/0']],
  ])('refuses %s', (_name, given, expected) => {
    expect(paths(given)).toEqual(expected)
  })
})
