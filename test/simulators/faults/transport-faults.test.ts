import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mayPublish } from '../../../broker/rights.ts'
import { telemetryTopic } from '../../../domain/names.ts'
import type { Fault } from '../../../simulators/faults/fault.ts'
import { faultKinds } from '../../../simulators/faults/fault-kinds.ts'
import { transmissions } from '../../../simulators/faults/transport-faults.ts'
import type { Transmission } from '../../../simulators/transmission.ts'
import { minuteMs, someFault, startMs } from './some-fault.ts'

/** A reading a minute, `seq` from 1, three values each. */
function* everyMinute(count: number) {
  for (let seq = 1; seq <= count; seq++) {
    const dueMs = startMs + (seq - 1) * minuteMs
    yield { dueMs, reading: { seq, ts: dueMs, values: { w: seq, v: 230, on: true } } }
  }
}
const options = { seed: 1, intervalMs: minuteMs }
const sent = (count: number, faults: readonly Fault[], device = 'a', seed = 1) => [
  ...transmissions(device, everyMinute(count), faults, { ...options, seed }),
]
/** Minutes after the start, and what: `2 reading 3`. */
const lines = (all: readonly Transmission[]) =>
  all.map((one) => {
    const minute = Number(((one.dueMs - startMs) / minuteMs).toFixed(2))
    if (one.kind === 'reading') return `${minute} reading ${one.reading.seq}`
    if (one.kind === 'malformed') return `${minute} ${one.reason} ${one.seq}`
    return `${minute} ${one.kind}`
  })
const seqs = (all: readonly Transmission[]) =>
  all.flatMap((one) => (one.kind === 'reading' ? [one.reading.seq] : []))
const minutes = (from: number, to: number): Partial<Fault> => ({
  onsetMs: startMs + from * minuteMs,
  endMs: startMs + to * minuteMs,
})

/** Of eight readings with seed 1. */
const table: readonly [
  kind: string,
  parameters: Record<string, number>,
  during: Partial<Fault>,
  lines: string,
][] = [
  [
    'drop',
    { probability: 0.3 },
    {},
    '1 reading 2, 2 reading 3, 3 reading 4, 4 reading 5, 5 reading 6, 6 reading 7',
  ],
  [
    'field_missing',
    { probability: 0.3 },
    {},
    '0 reading 1, 1 reading 2, 2 reading 3, 3 reading 4, 4 reading 5, 5 reading 6, 6 reading 7',
  ],
  [
    'gap',
    {},
    minutes(2, 4.5),
    '0 reading 1, 1 reading 2, 4.5 reading 3, 4.5 reading 4, 4.5 reading 5, 5 reading 6, 6 reading 7, 7 reading 8',
  ],
  ['gap', { lost: 1 }, minutes(2, 4.5), '0 reading 1, 1 reading 2, 5 reading 6, 6 reading 7, 7 reading 8'],
  [
    'duplicate',
    { probability: 0.3 },
    minutes(0, 5),
    '0 reading 1, 1 reading 2, 1.73 reading 2, 2 reading 3, 3 reading 4, 4 reading 5, 4.17 reading 5, 5 reading 6, 6 reading 7, 7 reading 8',
  ],
  [
    'reorder',
    { probability: 0.3 },
    {},
    '0 reading 1, 1 reading 2, 2 reading 3, 3 reading 4, 4 reading 5, 6 reading 7, 6.5 reading 6, 7 reading 8',
  ],
  [
    'late',
    {},
    {},
    '0 reading 1, 1 reading 2, 2 reading 3, 3.47 reading 4, 4 reading 5, 5 reading 6, 6 reading 7, 7.85 reading 8',
  ],
  [
    'clock_skew',
    {},
    minutes(7, 8),
    '0 reading 1, 1 reading 2, 2 reading 3, 3 reading 4, 4 reading 5, 5 reading 6, 6 reading 7, 7 reading 8',
  ],
  [
    'clock_1970',
    {},
    minutes(7, 8),
    '0 reading 1, 1 reading 2, 2 reading 3, 3 reading 4, 4 reading 5, 5 reading 6, 6 reading 7, 7 ts.invalid 8',
  ],
  [
    'clock_future',
    {},
    minutes(7, 8),
    '0 reading 1, 1 reading 2, 2 reading 3, 3 reading 4, 4 reading 5, 5 reading 6, 6 reading 7, 7 reading 8',
  ],
  [
    'reconnect_storm',
    {},
    minutes(2.25, 3.5),
    '0 reading 1, 1 reading 2, 2 reading 3, 2.25 reconnect, 2.75 reconnect, 3 reading 4, 3.25 reconnect, 4 reading 5, 5 reading 6, 6 reading 7, 7 reading 8',
  ],
  [
    'malformed',
    { probability: 0.5 },
    minutes(0, 5),
    '0 reading 1, 0 payload.wrong_shape 1, 1 reading 2, 2 reading 3, 3 reading 4, 4 reading 5, 4 metric.bad_name 5, 5 reading 6, 6 reading 7, 7 reading 8',
  ],
  [
    'oversize',
    { probability: 1 },
    minutes(6, 7),
    '0 reading 1, 1 reading 2, 2 reading 3, 3 reading 4, 4 reading 5, 5 reading 6, 6 reading 7, 6 oversize, 7 reading 8',
  ],
  [
    'wrong_topic',
    { probability: 1 },
    minutes(6, 7),
    '0 reading 1, 1 reading 2, 2 reading 3, 3 reading 4, 4 reading 5, 5 reading 6, 6 reading 7, 6 wrong-topic, 7 reading 8',
  ],
]

describe('what each kind makes of eight readings', () => {
  test.each(table)('%s %j', (kind, parameters, during, expected) => {
    expect(lines(sent(8, [someFault(kind, parameters, during)])).join(', ')).toBe(expected)
  })

  test('there is a line for every kind of transport fault', () => {
    const kinds = Object.keys(faultKinds).filter((kind) => faultKinds[kind]!.class === 'transport')
    expect([...new Set(table.map(([kind]) => kind))].sort()).toEqual(kinds.sort())
  })

  test('without faults, or with those of others than transport, it is what was given, one by one', () => {
    const none = sent(100, [someFault('spike', { probability: 1 }), someFault('water_leak')])
    expect(none).toEqual([...everyMinute(100)].map((due) => ({ device: 'a', kind: 'reading', ...due })))
    const endless = transmissions('a', everyMinute(Number.POSITIVE_INFINITY), [], options)
    expect(endless.next().value).toMatchObject({ kind: 'reading', reading: { seq: 1 } })
    expect(endless.next().value).toMatchObject({ kind: 'reading', reading: { seq: 2 } })
  })

  test('readings that are dropped in runs go together', () => {
    const left = new Set(seqs(sent(10_000, [someFault('drop', { probability: 0.1, run: 5 })])))
    const ofRun = (nth: number) => [0, 1, 2, 3, 4].filter((i) => left.has(nth * 5 + i)).length
    const runs = Array.from({ length: 1_999 }, (_, nth) => ofRun(nth + 1))
    expect(new Set(runs)).toEqual(new Set([0, 5]))
    const lost = runs.filter((count) => count === 0).length
    expect(Math.abs(lost - 200)).toBeLessThan(4 * Math.sqrt(200))
  })

  test('a value that is missing leaves the others; a reading of which none is left is not sent', () => {
    const all = sent(10_000, [someFault('field_missing', { probability: 0.5 })])
    const readings = all.flatMap((one) => (one.kind === 'reading' ? [one.reading] : []))
    const sizes = readings.map(({ values }) => Object.keys(values).length)
    expect(new Set(sizes)).toEqual(new Set([1, 2, 3]))
    // One in eight loses all three.
    expect(Math.abs(10_000 - sizes.length - 1_250)).toBeLessThan(4 * Math.sqrt(1_250))
    const nothing = [{ dueMs: startMs, reading: { seq: 1, ts: startMs, values: { w: null } } }]
    expect([...transmissions('a', nothing, [], options)]).toEqual([])
  })

  test('the clock decides the time of a reading, not when it is sent', () => {
    const tsOf = (kind: string, parameters: Record<string, number>, severity = 1) => {
      const [first] = sent(1, [someFault(kind, parameters, { severity, onsetMs: startMs - 5_000 })])
      return first?.kind === 'reading'
        ? first.reading.ts - startMs
        : first?.kind === 'malformed' && first.payload
    }
    expect(tsOf('clock_skew', { offset_s: -90 }, 2)).toBe(-180_000)
    expect(tsOf('clock_future', { probability: 1, offset_s: 600 }, 2)).toBe(600_000)
    expect(tsOf('clock_1970', {})).toBe('{"ts":5000,"seq":1,"values":{"w":1,"v":230,"on":true}}')
    // 2100 and later is no time that the platform takes.
    expect(lines(sent(1, [someFault('clock_future', { probability: 1, offset_s: 3e9 })]))).toEqual([
      '0 ts.invalid 1',
    ])
  })

  test('a packet is as large as asked for, and no topic of a message astray is one that the device may use', () => {
    expect(sent(1, [someFault('oversize', { probability: 1 })])[1]).toMatchObject({ bytes: 70_000 })
    const astray = sent(200, [someFault('wrong_topic', { probability: 1 })])
    const topics = new Set(astray.flatMap((one) => (one.kind === 'wrong-topic' ? [one.topic] : [])))
    expect(topics.size).toBe(4)
    expect(mayPublish({ kind: 'device', id: 'a' }, telemetryTopic('a'))).toBe(true)
    for (const topic of topics) expect(mayPublish({ kind: 'device', id: 'a' }, topic)).toBe(false)
  })

  test.each([
    ['drop', { probability: 0.03 }],
    ['drop', { probability: 0.4 }],
  ])('%s %j: so many of 10,000 are lost', (kind, parameters) => {
    const lost = 10_000 - sent(10_000, [someFault(kind, parameters)]).length
    const expected = 10_000 * parameters.probability
    expect(Math.abs(lost - expected)).toBeLessThan(4 * Math.sqrt(expected * (1 - parameters.probability)))
  })

  test.each([
    ['duplicate', 0.07],
    ['malformed', 0.02],
    ['oversize', 0.02],
    ['wrong_topic', 0.02],
  ])('%s comes beside %d of 10,000', (kind, probability) => {
    const more = sent(10_000, [someFault(kind, { probability })]).length - 10_000
    expect(Math.abs(more - 10_000 * probability)).toBeLessThan(4 * Math.sqrt(10_000 * probability))
  })
})

describe('faults that act together', () => {
  const probability = fc.double({ min: 0, max: 1, noNaN: true })
  const period = fc
    .tuple(fc.integer({ min: -3, max: 60 }), fc.integer({ min: 1, max: 40 }))
    .map(([from, length]) => minutes(from / 2, (from + length) / 2))
  const kinds = Object.keys(faultKinds).filter((kind) => faultKinds[kind]!.class === 'transport')
  const anyFaults = fc
    .array(fc.tuple(fc.constantFrom(...kinds), probability, period), { maxLength: 6 })
    .map((drawn) =>
      drawn.map(([kind, of, during], nth) =>
        someFault(kind, { probability: of }, { id: `f-${nth}`, ...during }),
      ),
    )
  const given = new Map([...everyMinute(40)].map(({ reading }) => [reading.seq, reading]))

  test('nothing is invented, nothing goes back in time, nothing leaves in a gap', () => {
    fc.assert(
      fc.property(anyFaults, fc.integer(), (faults, seed) => {
        const isClock = faults.some(({ kind }) => kind.startsWith('clock'))
        const gaps = faults.filter(({ kind }) => kind === 'gap')
        let lastMs = 0
        for (const one of sent(40, faults, 'a', seed)) {
          expect(one.dueMs).toBeGreaterThanOrEqual(lastMs)
          lastMs = one.dueMs
          expect(gaps.some(({ onsetMs, endMs }) => lastMs >= onsetMs && lastMs < endMs)).toBe(false)
          if (one.kind !== 'reading') continue
          const { seq, ts, values } = one.reading
          const reading = given.get(seq)!
          expect(reading.values).toMatchObject(values)
          if (!isClock) expect(ts).toBe(reading.ts)
          expect(one.dueMs).toBeGreaterThanOrEqual(reading.ts)
        }
      }),
    )
  })

  test('a gap alone delivers everything once, in order', () => {
    fc.assert(
      fc.property(fc.array(period, { maxLength: 3 }), (periods) => {
        const gaps = periods.map((during, nth) => someFault('gap', {}, { id: `gap-${nth}`, ...during }))
        expect(seqs(sent(40, gaps))).toEqual([...given.keys()])
      }),
    )
  })

  test('what is late into a gap, twice in it or broken in it waits for its end; a connection is not lost in it', () => {
    const gap = someFault('gap', {}, minutes(2, 10))
    const faults = ['late', 'duplicate', 'malformed', 'wrong_topic', 'reconnect_storm'].map((kind) =>
      someFault(kind, { probability: 1 }, minutes(0, 8)),
    )
    const all = sent(6, [...faults, gap])
    const before = lines(all.filter(({ dueMs }) => dueMs < gap.onsetMs))
    expect(before.filter((line) => line.endsWith('reconnect'))).toHaveLength(4)
    const after = all.slice(before.length)
    // Of six readings, twice each, six broken and six astray, those that are not gone before; and no reconnect.
    expect(before.length - 4 + after.length).toBe(24)
    expect(new Set(after.map(({ dueMs }) => dueMs))).toEqual(new Set([gap.endMs]))
    expect(new Set(after.map(({ kind }) => kind))).toEqual(new Set(['reading', 'malformed', 'wrong-topic']))
    expect(new Set(seqs(after))).toEqual(new Set([2, 3, 4, 5, 6]))
  })

  test('a gap without end loses what is read in it, and keeps nothing of it', () => {
    const gap = someFault('gap', {}, { onsetMs: startMs + 2 * minuteMs })
    expect(seqs(sent(50, [gap]))).toEqual([1, 2])
  })

  test('a fault draws the same whatever others there are, and whatever another device does', () => {
    fc.assert(
      fc.property(anyFaults, (others) => {
        const drop = someFault('drop', { probability: 0.5 })
        const kept = new Set(seqs(sent(40, [drop])))
        const without = seqs(sent(40, others))
        const withIt = seqs(sent(40, [...others.slice(0, 2), drop, ...others.slice(2)]))
        expect(withIt).toEqual(without.filter((seq) => kept.has(seq)))
      }),
    )
    const drop = [someFault('drop', { probability: 0.5 })]
    expect(seqs(sent(40, drop, 'b'))).not.toEqual(seqs(sent(40, drop, 'a')))
    expect(seqs(sent(40, drop, 'a', 2))).not.toEqual(seqs(sent(40, drop, 'a')))
    const one = transmissions('a', everyMinute(40), drop, options)
    const other = transmissions('b', everyMinute(40), drop, options)
    const inTurn = Array.from({ length: 10 }, () => [one.next().value!, other.next().value!])
    expect(inTurn.map(([ofA]) => ofA)).toEqual(sent(40, drop, 'a').slice(0, 10))
  })
})
