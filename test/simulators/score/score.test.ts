import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RaisedEvent } from '../../../simulators/score/events.ts'
import { score } from '../../../simulators/score/score.ts'
import type { Truth } from '../../../simulators/truth.ts'
import { slowScore } from './score-oracle.ts'

const minuteMs = 60_000
const dayMs = 86_400_000
const startMs = Date.UTC(2026, 10, 1)
const span = { startMs, endMs: startMs + dayMs, devices: ['a', 'b'] }
const at = (minutes: number) => startMs + minutes * minuteMs

/** A fault of device `a` from minute 90 to 200, told of from 100 on, with 10 minutes of grace. */
function truth(change: Partial<Truth> = {}): Truth {
  return {
    id: 'leak-1',
    device: 'a',
    kind: 'leak',
    class: 'process',
    severity: 1,
    onset: at(90),
    detectable_from: at(100),
    failure: null,
    warn_by: null,
    end: at(200),
    grace: 10 * minuteMs,
    expect: ['leak-rule', 'other-rule'],
    ...change,
  }
}

let told = 0
function event(minutes: number, change: Partial<RaisedEvent> = {}): RaisedEvent {
  const sequence = String(++told).padStart(20, '0')
  return {
    id: `event-${sequence}`,
    sequence,
    type: 'tidemark.maintenance.raised.v1',
    rule: 'leak-rule',
    device: 'a',
    timeMs: at(minutes),
    evidence: [],
    ...change,
  }
}

describe('an event tells of a truth', () => {
  test.each([
    ['exactly when it can be told of', at(100), true],
    ['a millisecond before it can be told of', at(100) - 1, false],
    ['exactly at the end of its grace', at(210), true],
    ['a millisecond after its grace', at(210) + 1, false],
    ['after its onset but before it can be told of', at(95), false],
  ])('%s: %s', (_case, timeMs, isMatch) => {
    const { total } = score([truth()], [event(0, { timeMs })], span)
    expect(total).toMatchObject({
      detected: isMatch ? 1 : 0,
      falseAlarms: isMatch ? 0 : 1,
      recall: isMatch ? 1 : 0,
      precision: isMatch ? 1 : 0,
      f1: isMatch ? 1 : 0,
    })
  })

  test('only when its rule is expected, or its type', () => {
    const byType = truth({ expect: ['tidemark.maintenance.raised.v1'] })
    const health = event(120, { type: 'tidemark.health.raised.v1' })
    expect(score([byType], [event(120, { rule: 'any' })], span).total.detected).toBe(1)
    expect(score([byType], [health], span).total).toMatchObject({ detected: 0, falseAlarms: 1 })
    expect(score([truth()], [event(120, { rule: 'any' })], span).total).toMatchObject({ detected: 0 })
  })

  test('only of its own device', () => {
    expect(score([truth()], [event(120, { device: 'b' })], span).total).toMatchObject({
      detected: 0,
      falseAlarms: 1,
    })
  })

  test('of a group when the truth is of that group; groups need not be among the devices', () => {
    const group = truth({ device: 'site=berlin' })
    expect(score([group], [event(120, { device: 'site=berlin' })], span).total.detected).toBe(1)
    expect(score([group], [event(120, { device: 'site=bonn' })], span).total).toMatchObject({
      detected: 0,
      falseAlarms: 1,
    })
    expect(score([truth()], [event(120, { device: 'site=berlin' })], span).total.detected).toBe(0)
  })

  test('the first by onset where two of a device could be meant, whatever their order in the file', () => {
    const first = truth({ id: 'first', onset: at(80) })
    const second = truth({ id: 'second' })
    for (const truths of [
      [first, second],
      [second, first],
    ]) {
      const { truths: told } = score(truths, [event(150)], span)
      expect(told.filter(({ detection }) => detection !== undefined)).toMatchObject([
        { truth: { id: 'first' } },
      ])
    }
  })

  test('the second of two that overlap once the first is over', () => {
    const second = truth({ id: 'second', onset: at(150), detectable_from: at(160), end: at(400) })
    const { total, truths } = score([truth(), second], [event(150), event(211)], span)
    expect(total).toMatchObject({ detected: 2, duplicates: 0, recall: 1 })
    expect(truths.map(({ detection }) => detection?.timeMs)).toEqual([at(150), at(211)])
  })
})

describe('after the first to tell', () => {
  test('another rule confirms, the same rule again is a duplicate; both match', () => {
    const events = [
      event(150, { rule: 'other-rule' }),
      event(140),
      event(160),
      event(170, { rule: 'other-rule' }),
    ]
    const { total, rules } = score([truth()], events, span)
    expect(total).toMatchObject({ detected: 1, matched: 4, duplicates: 2, falseAlarms: 0, precision: 1 })
    expect(rules).toMatchObject([
      { rule: 'leak-rule', events: 2, matched: 2, duplicates: 1, falseAlarms: 0 },
      { rule: 'other-rule', events: 2, matched: 2, duplicates: 1, falseAlarms: 0 },
    ])
  })

  test('the delay is of the earliest in event time, though it was told of later', () => {
    const { kinds } = score([truth()], [event(150), event(130)], span)
    expect(kinds).toMatchObject([{ delayMedianS: 30 * 60, delayP95S: 30 * 60 }])
  })
})

describe('the span', () => {
  test.each([
    ['a millisecond before its start', startMs - 1, 0],
    ['at its start', startMs, 1],
    ['at its end', span.endMs, 1],
    ['a millisecond after its end', span.endMs + 1, 0],
  ])('an event that tells of nothing, %s, is false: %s', (_case, timeMs, falseAlarms) => {
    expect(score([], [event(0, { timeMs })], span).total).toMatchObject({ falseAlarms })
  })

  test('an event after its end counts when it tells of a truth in its grace', () => {
    const last = truth({ end: span.endMs, grace: minuteMs })
    expect(score([last], [event(0, { timeMs: span.endMs + minuteMs })], span).total.detected).toBe(1)
  })

  test('events of devices that are not of the run are not counted', () => {
    expect(score([], [event(100, { device: 'stranger' })], span).total.falseAlarms).toBe(0)
  })

  test.each([
    ['could be told of only after its end', { detectable_from: span.endMs, end: span.endMs + dayMs }],
    [
      'was over, grace and all, before its start',
      { onset: 0, detectable_from: 0, end: startMs - 10 * minuteMs - 1 },
    ],
  ])('a truth that %s is left out', (_case, change) => {
    expect(score([truth(change)], [], span)).toMatchObject({
      truths: [],
      kinds: [],
      total: { truths: 0, recall: null },
    })
  })
})

describe('false alarms', () => {
  const stuck = truth({ id: 'stuck-1', kind: 'stuck_at', class: 'sensor', expect: [], grace: 0 })

  test.each([
    ['at its onset', at(90), 'stuck_at', 'stuck-1'],
    ['before its onset', at(90) - 1, 'none', null],
    ['at its end', at(200), 'none', null],
  ])('%s of a sensor fault are counted under %s', (_case, timeMs, during, fault) => {
    const { kinds, falseAlarms, total } = score([stuck], [event(0, { timeMs })], span)
    expect(falseAlarms).toMatchObject([{ rule: 'leak-rule', device: 'a', timeMs, during, fault }])
    expect(kinds).toMatchObject([
      { kind: 'stuck_at', falseAlarms: fault === null ? 0 : 1, expecting: 0, recall: null },
    ])
    expect(total.falseAlarms).toBe(1)
  })

  test('during a process fault that they do not tell of are under none', () => {
    const { falseAlarms } = score([truth()], [event(150, { rule: 'wrong' })], span)
    expect(falseAlarms).toMatchObject([{ rule: 'wrong', during: 'none' }])
  })

  test('are a rate of devices and days, and no rate without either', () => {
    const alarms = [event(10), event(20), event(30)]
    expect(score([], alarms, span)).toMatchObject({
      deviceDays: 2,
      total: { falseAlarmsPerDeviceDay: 1.5 },
      rules: [{ falseAlarmsPerDeviceDay: 1.5 }],
    })
    for (const none of [
      { ...span, devices: [] },
      { ...span, endMs: startMs },
    ])
      expect(score([], alarms, none).total.falseAlarmsPerDeviceDay).toBeNull()
  })

  test('are held against each kind that their rule could have told of, and no other', () => {
    const other = truth({ id: 'door-1', device: 'b', kind: 'door', expect: ['door-rule'] })
    const events = [event(150), event(10), event(150, { device: 'b', rule: 'door-rule' })]
    const { kinds, total } = score([truth(), other], events, span)
    expect(kinds).toMatchObject([
      { kind: 'door', precision: 1, f1: 1 },
      { kind: 'leak', precision: 0.5, recall: 1, f1: 2 / 3 },
    ])
    expect(total.precision).toBe(2 / 3)
  })
})

describe('lead', () => {
  const wears = (id: string, device: string, change: Partial<Truth> = {}) =>
    truth({ id, device, onset: at(0), detectable_from: at(0), failure: at(200), warn_by: at(150), ...change })

  test('is before the failure, its share of the life since onset; in time is before warn_by and not at it', () => {
    const truths = [wears('1', 'a'), wears('2', 'b')]
    const { kinds } = score(truths, [event(50), event(150, { device: 'b' })], span)
    expect(kinds).toMatchObject([
      {
        leadMedianS: 100 * 60,
        leadMinS: 50 * 60,
        leadShareMedian: 0.5,
        inTime: 0.5,
        failing: 2,
        warnable: 2,
      },
    ])
  })

  test('of one that was missed there is none, and it was not in time', () => {
    const { kinds } = score([wears('1', 'a'), wears('2', 'b')], [event(50)], span)
    expect(kinds).toMatchObject([{ leadMinS: 150 * 60, inTime: 0.5, recall: 0.5 }])
  })

  test('is negative after the failure', () => {
    const { kinds } = score([wears('1', 'a')], [event(205)], span)
    expect(kinds).toMatchObject([{ leadMinS: -5 * 60, inTime: 0 }])
  })
})

test('the 95th percentile is a delay that occurred: of 20 the 19th, of 19 the last', () => {
  const fleet = (n: number) => Array.from({ length: n }, (_, i) => `d${i}`)
  const p95 = (n: number) =>
    score(
      fleet(n).map((device) => truth({ id: device, device })),
      fleet(n).map((device, i) => event(101 + i, { device })),
      { ...span, devices: fleet(n) },
    ).total.delayP95S
  expect([p95(20), p95(19)]).toEqual([19 * 60, 19 * 60])
})

test('nothing told of nothing has no figure; nothing told of something has recall and F1 of 0', () => {
  const none = { recall: null, precision: null, f1: null, delayMedianS: null, leadMinS: null, inTime: null }
  expect(score([], [], span).total).toMatchObject({ ...none, falseAlarms: 0, duplicates: 0 })
  expect(score([truth()], [], span).total).toMatchObject({ ...none, recall: 0, f1: 0 })
})

const minute = fc.integer({ min: -5, max: 45 })
const name = fc.constantFrom('a', 'b', 'c', 'site=x')
const rule = fc.constantFrom('r1', 'r2', 'r3')
const type = fc.constantFrom('tidemark.maintenance.raised.v1', 'tidemark.health.raised.v1')

const truths = fc
  .array(
    fc.record({
      device: name,
      kind: fc.constantFrom('k1', 'k2'),
      isSensor: fc.boolean(),
      onset: minute,
      toDetectable: fc.integer({ min: 0, max: 6 }),
      length: fc.integer({ min: 0, max: 20 }),
      grace: fc.integer({ min: 0, max: 5 }),
      toFailure: fc.option(fc.integer({ min: 0, max: 25 })),
      toWarnBy: fc.option(fc.integer({ min: 0, max: 20 })),
      expect: fc.uniqueArray(fc.oneof(rule, type), { maxLength: 3 }),
    }),
    { maxLength: 7 },
  )
  .map((drawn) =>
    drawn.map((one, i): Truth => {
      const after = (minutes: number | null) => (minutes === null ? null : at(one.onset + minutes))
      return {
        id: `t${i}`,
        device: one.device,
        kind: `${one.kind}-${one.isSensor}`,
        class: one.isSensor ? 'sensor' : 'process',
        severity: 1,
        onset: at(one.onset),
        detectable_from: at(one.onset + one.toDetectable),
        failure: after(one.toFailure),
        warn_by: after(one.toWarnBy),
        end: at(one.onset + one.length),
        grace: one.grace * minuteMs,
        expect: one.expect,
      }
    }),
  )
const events = fc
  .array(fc.record({ minutes: minute, rule, type, device: name }), { maxLength: 14 })
  .map((drawn) =>
    drawn.map(({ minutes, ...of }, i) =>
      event(minutes, { ...of, id: `e${i}`, sequence: String(i).padStart(20, '0') }),
    ),
  )
const devices = fc.constantFrom(['a', 'b'], ['a', 'b', 'c'], [])

test('it is what the section Score of docs/SIMULATOR.md says, sentence by sentence', () => {
  fc.assert(
    fc.property(truths, events, devices, fc.integer({ min: 0, max: 40 }), (drawn, raised, ids, minutes) => {
      const within = { startMs, endMs: at(minutes), devices: ids }
      const { kinds, rules, falseAlarms, truths: told, ...rest } = score(drawn, raised, within)
      const { detections, ...slow } = slowScore(drawn, raised, within)
      expect(rest).toEqual({ deviceDays: slow.deviceDays, total: slow.total })
      expect(Object.fromEntries(kinds.map(({ kind, class: _, ...figures }) => [kind, figures]))).toEqual(
        slow.kinds,
      )
      expect(Object.fromEntries(rules.map(({ rule, ...figures }) => [rule, figures]))).toEqual(slow.rules)
      const shown = falseAlarms.map(({ event, during, fault }) => ({ event, during, fault }))
      expect(shown.sort((a, b) => (a.event < b.event ? -1 : 1))).toEqual(slow.falseAlarms)
      expect(Object.fromEntries(told.map(({ truth, detection }) => [truth.id, detection?.id]))).toEqual(
        detections,
      )
    }),
    { numRuns: 500 },
  )
})
