import { describe, expect, test } from 'vitest'
import type { Condition, Rule } from '../../../rules/rule.ts'
import { minuteMs, perMinute, type Row } from './judged.ts'
import { reference } from './reference.ts'
import { ruleOf } from './rule-of.ts'
import { isInSchedule } from './schedule.ts'
import type { World } from './world.ts'

const over: Condition = { kind: 'threshold', metric: 'm', above: 3, clear: 1 }

/** Transitions of one device, as `raised 2 since 0` in minutes, with the severity where it is not minor. */
function told(rule: Rule, rows: readonly Row[], world: World = {}): string[] {
  const readings = rows.map(([minute, values]) => ({
    ts: minute * minuteMs,
    values: typeof values === 'object' ? values : { m: values },
  }))
  return reference(rule, readings, world).map(({ transition, time, since, severity }) => {
    const text = `${transition} ${time / minuteMs} since ${since / minuteMs}`
    return severity === 'minor' ? text : `${text} ${severity}`
  })
}

describe('the alarm', () => {
  test('is raised when it has held for exactly `for`; any other outcome ends pending', () => {
    const rule = ruleOf(over, { for: '2m' })
    expect(told(rule, perMinute(4, 4, 4))).toEqual(['raised 2 since 0'])
    expect(told(rule, perMinute(4, 2, 4, 4, 4))).toEqual(['raised 4 since 2'])
  })
  test('is cleared when it has been normal for exactly `keepFor`; any other outcome cancels recovering', () => {
    const rule = ruleOf(over, { keepFor: '2m' })
    expect(told(rule, perMinute(4, 1, 1, 1))).toEqual(['raised 0 since 0', 'cleared 3 since 0'])
    expect(told(rule, perMinute(4, 1, 1, 2, 1, 1, 1))).toEqual(['raised 0 since 0', 'cleared 6 since 0'])
  })
  test('silence interrupts nothing, unless gaps reset: then over three times the usual interval does', () => {
    const rows: Row[] = [
      [0, 0],
      [1, 0],
      [2, 4],
      [5.1, 4],
      [5.2, 4],
    ]
    expect(told(ruleOf(over, { for: '3m' }), rows)).toEqual(['raised 5.1 since 2'])
    expect(told(ruleOf(over, { for: '3m', gaps: 'reset' }), rows)).toEqual([])
    const edge: Row[] = [
      [0, 0],
      [1, 0],
      [2, 4],
      [5, 4],
    ]
    expect(told(ruleOf(over, { for: '3m', gaps: 'reset' }), edge)).toEqual(['raised 5 since 2'])
  })
  test('escalates to the last step reached, not at the reading that clears it', () => {
    const rule = ruleOf(over, {
      escalate: [
        { after: '2m', severity: 'major' },
        { after: '3m', severity: 'critical' },
      ],
    })
    expect(told(rule, perMinute(4, 4, 4, 4, 0))).toEqual([
      'raised 0 since 0',
      'escalated 2 since 0 major',
      'escalated 3 since 0 critical',
      'cleared 4 since 0 critical',
    ])
    expect(
      told(rule, [
        [0, 4],
        [9, 4],
        [10, 0],
      ]),
    ).toEqual(['raised 0 since 0', 'escalated 9 since 0 critical', 'cleared 10 since 0 critical'])
    expect(
      told(rule, [
        [0, 4],
        [2, 0],
      ]),
    ).toEqual(['raised 0 since 0', 'cleared 2 since 0'])
  })
  test('raised in silence is announced at the first reading after it, with the severity reached', () => {
    const world: World = { maintenance: [{ from: 0, to: 3 * minuteMs }] }
    const rule = ruleOf(over, { escalate: [{ after: '1m', severity: 'major' }] })
    expect(told(rule, perMinute(4, 4, 4, 4, 0), world)).toEqual([
      'raised 3 since 0 major',
      'cleared 4 since 0 major',
    ])
    expect(told(rule, perMinute(4, 4, 4, 0), world)).toEqual([])
  })
  test('is not announced while a rule of suppressedBy is active, as it stands after the same reading', () => {
    const other = ruleOf({ kind: 'threshold', metric: 'power', equals: false }, { id: 'other' })
    const rule = ruleOf(over, { suppressedBy: ['other'] })
    const rows: Row[] = [
      [0, { m: 4, power: false }],
      [1, { m: 4 }],
      [2, { m: 4, power: true }],
    ]
    expect(told(rule, rows, { otherRules: [other] })).toEqual(['raised 2 since 0'])
  })
  test('a reading outside the schedule counts as cleared', () => {
    const schedule = { timezone: 'UTC', weekly: [{ days: ['thu'] as const, from: '00:00', to: '00:02' }] }
    expect(told(ruleOf(over, { schedule }), perMinute(4, 4, 4))).toEqual([
      'raised 0 since 0',
      'cleared 2 since 0',
    ])
  })
})

describe('a schedule', () => {
  const at = (text: string) => Date.parse(text)
  test('includes its beginning and not its end', () => {
    const day = {
      timezone: 'Europe/Berlin',
      weekly: [{ days: ['tue'] as const, from: '08:00', to: '24:00' }],
    }
    expect(isInSchedule(day, at('2024-10-01T05:59:59Z'))).toBe(false)
    expect(isInSchedule(day, at('2024-10-01T06:00:00Z'))).toBe(true)
    expect(isInSchedule(day, at('2024-10-01T21:59:59Z'))).toBe(true)
    expect(isInSchedule(day, at('2024-10-01T22:00:00Z'))).toBe(false)
  })
  test('over midnight belongs to the day on which it begins', () => {
    const night = { timezone: 'UTC', weekly: [{ days: ['mon'] as const, from: '22:00', to: '06:00' }] }
    expect(isInSchedule(night, at('2024-10-01T05:59:00Z'))).toBe(true)
    expect(isInSchedule(night, at('2024-09-30T05:59:00Z'))).toBe(false)
    expect(isInSchedule(night, at('2024-10-01T22:00:00Z'))).toBe(false)
  })
  test('holds both times an hour comes when clocks are put back', () => {
    const hour = {
      timezone: 'Europe/Berlin',
      weekly: [{ days: ['sun'] as const, from: '02:00', to: '03:00' }],
    }
    const times = [
      '2024-10-26T23:59:00Z',
      '2024-10-27T00:30:00Z',
      '2024-10-27T01:30:00Z',
      '2024-10-27T02:00:00Z',
    ]
    expect(times.map((time) => isInSchedule(hour, at(time)))).toEqual([false, true, true, false])
  })
})

describe('absence', () => {
  const absence: Condition = { kind: 'absence', metric: 'm', longerThan: '2m' }
  const until = (minute: number): World => ({ until: minute * minuteMs })
  test('is raised at last + limit, shown by the clock at that very time or by a later reading, which clears it', () => {
    expect(told(ruleOf(absence), [[0, 1]], until(2))).toEqual(['raised 2 since 2'])
    expect(told(ruleOf(absence), [[0, 1]], until(1.9))).toEqual([])
    expect(
      told(ruleOf(absence), [
        [0, 1],
        [5, 1],
      ]),
    ).toEqual(['raised 2 since 2', 'cleared 5 since 2'])
    expect(
      told(ruleOf(absence), [
        [0, 1],
        [2, 1],
      ]),
    ).toEqual([])
  })
  test('for and escalate run on the clock', () => {
    const rule = ruleOf(absence, { for: '3m', escalate: [{ after: '10m', severity: 'major' }] })
    expect(told(rule, [[0, 1]], until(5))).toEqual(['raised 5 since 2'])
    expect(
      told(rule, [
        [0, 1],
        [5, 1],
      ]),
    ).toEqual([])
    expect(
      told(rule, [
        [0, 1],
        [20, 1],
      ]),
    ).toEqual(['raised 5 since 2', 'escalated 15 since 2 major', 'cleared 20 since 2 major'])
  })
  test('readings of other metrics move the clock; without a metric they end the silence', () => {
    const rows: Row[] = [
      [0, 1],
      [1, { n: 1 }],
      [3, { n: 1 }],
    ]
    expect(told(ruleOf(absence), rows)).toEqual(['raised 2 since 2'])
    expect(told(ruleOf({ kind: 'absence', longerThan: '2m' }), rows)).toEqual([])
  })
  test('intervals are the usual one, before the first gap that of the profile, without it nothing is missing', () => {
    const rule = ruleOf({ kind: 'absence', longerThan: { intervals: 3 } })
    expect(
      told(
        rule,
        [
          [0, 1],
          [2, 1],
          [4, 1],
          [7, 1],
        ],
        until(99),
      ),
    ).toEqual(['raised 13 since 13'])
    expect(told(rule, [[0, 1]], until(99))).toEqual([])
    const meter: World = { ...until(99), deviceTypes: { 'device-1': 'smart_meter' } }
    expect(told(rule, [[0, 1]], meter)).toEqual(['raised 3 since 3'])
  })
  test('a device never heard counts from its registration', () => {
    const world: World = { ...until(10), registeredAt: { 'device-1': minuteMs } }
    expect(told(ruleOf(absence), [], world)).toEqual(['raised 3 since 3'])
    expect(told(ruleOf(absence), [[3, 1]], { registeredAt: { 'device-1': minuteMs } })).toEqual([])
  })
  test('under wait the clock runs behind, and its silence lets go what is held', () => {
    expect(told(ruleOf(absence, { wait: '1m' }), [[0, 1]], until(2.9))).toEqual([])
    expect(told(ruleOf(absence, { wait: '1m' }), [[0, 1]], until(3))).toEqual(['raised 2 since 2'])
  })
  test('the value is the seconds of silence', () => {
    const readings = [0, 5].map((minute) => ({ ts: minute * minuteMs, values: { m: 1 } }))
    expect(reference(ruleOf(absence), readings).map(({ value }) => value)).toEqual([120, 300])
  })
})

describe('flapping of the connection', () => {
  test('a state is noted at each connect, disconnect and reading', () => {
    const connections = [1, 3, 5].map((minute) => ({
      device: 'device-1',
      ts: minute * minuteMs,
      online: false,
    }))
    const flapping: Condition = { kind: 'flapping', of: 'connection', above: 0.3, clear: 0.25 }
    // on off on off on off: five changes weigh 5.79, with the sixth 6.86 of 20.
    const rule = ruleOf(flapping)
    expect(
      told(
        rule,
        [
          [0, 1],
          [2, 1],
          [4, 1],
        ],
        { connections },
      ),
    ).toEqual([])
    expect(
      told(
        rule,
        [
          [0, 1],
          [2, 1],
          [4, 1],
          [6, 1],
        ],
        { connections },
      ),
    ).toEqual(['raised 6 since 6'])
  })
})

describe('the order of evaluation', () => {
  test('without a wait what is older than the newest evaluated changes nothing, what is as old is evaluated', () => {
    expect(
      told(ruleOf(over), [
        [1, 0],
        [0.5, 4],
        [1, 4],
      ]),
    ).toEqual(['raised 1 since 1'])
    expect(
      told(ruleOf(over), [
        [1, 0],
        [0.5, 4],
      ]),
    ).toEqual([])
  })
  test('with a wait readings are put in order, and let go at exactly wait', () => {
    const rule = ruleOf(over, { wait: '2m', for: '1m' })
    const rows: Row[] = [
      [1, 4],
      [0, 4],
      [2, 0],
    ]
    expect(told(rule, [...rows, [3, 0]])).toEqual(['raised 1 since 0'])
    expect(told(rule, [...rows, [2.9, 0]])).toEqual([])
  })
  test('readings of one time become one, the later arrival taking the place of the earlier', () => {
    const both: Condition = { kind: 'all', of: [over, { kind: 'threshold', metric: 'n', above: 3 }] }
    const rows: Row[] = [
      [0, { m: 0, n: 4 }],
      [0, { m: 4 }],
      [5, { z: 1 }],
    ]
    expect(told(ruleOf(both, { wait: '1m' }), rows)).toEqual(['raised 0 since 0'])
    const counted: Condition = {
      kind: 'aggregate',
      metric: 'm',
      fn: 'count',
      window: '1m',
      above: 1,
      minCount: 1,
    }
    expect(
      told(ruleOf(counted), [
        [0, 1],
        [0, 1],
      ]),
    ).toEqual(['raised 0 since 0'])
    expect(
      told(ruleOf(counted, { wait: '1m' }), [
        [0, 1],
        [0, 1],
        [5, { z: 1 }],
      ]),
    ).toEqual([])
  })
  test('what arrives after a later one was evaluated changes nothing', () => {
    expect(
      told(ruleOf(over, { wait: '1m' }), [
        [0, 0],
        [3, 0],
        [1, 0],
        [0.5, 0],
        [4, 0],
        [2, 4],
        [9, 0],
      ]),
    ).toEqual([])
  })
})
