import { describe, expect, test } from 'vitest'
import type { DeviceRecord } from '../../domain/device.ts'
import type { Profile } from '../../domain/profile.ts'
import { readingsOf } from '../../domain/reading-batch.ts'
import { BatchBuilder } from '../../ingest/batch-builder.ts'
import { DeviceTrack, Normaliser } from '../../ingest/normaliser.ts'
import { TypeRules } from '../../ingest/type-rules.ts'

const receivedAt = Date.UTC(2026, 10, 23, 12)
const profile: Profile = {
  type: 'meter',
  strict: false,
  tags: ['site'],
  metrics: { voltage_v: { kind: 'gauge', min: 0, max: 500 }, relay: { kind: 'state', type: 'boolean' } },
}
const device: DeviceRecord = {
  id: 'm1',
  type: 'meter',
  labels: { site: 'berlin', floor: '2' },
  createdAt: '2026-01-01T00:00:00Z',
  secretHash: '',
}

function setUp(changes: Partial<Profile> = {}) {
  const normaliser = new Normaliser()
  const builder = new BatchBuilder()
  const rules = new TypeRules({ ...profile, ...changes }, [])
  let track = new DeviceTrack(device, rules)
  const give = (payload: unknown, at = receivedAt) => {
    const bytes = Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload))
    return normaliser.normalise(track, builder, bytes, 0, bytes.length, at)
  }
  return {
    normaliser,
    give,
    /** As after a restart: what was remembered of the device is gone. */
    forget: () => {
      track = new DeviceTrack(device, rules, track.lastReceivedTime)
    },
    rows: () => [...readingsOf(builder.take())].map(({ time, values, future }) => ({ time, values, future })),
  }
}

const ts = receivedAt - 1_000
const nested = (levels: number): string => `${'['.repeat(levels)}1${']'.repeat(levels)}`

describe('refuses a message with its reason', () => {
  test.each([
    ['payload.not_json', 'no json'],
    ['payload.not_json', ''],
    ['payload.not_json', '{"a":NaN}'],
    ['payload.wrong_shape', '5'],
    ['payload.wrong_shape', '[]'],
    ['payload.wrong_shape', '{}'],
    ['payload.wrong_shape', `{"ts":${ts},"voltage_v":1}`],
    ['payload.wrong_shape', `{"ts":${ts},"values":{"a":1},"x":1}`],
    ['payload.wrong_shape', '{"values":[1]}'],
    ['payload.too_deep', nested(9)],
    ['payload.too_large', JSON.stringify(Array(10_001).fill({ a: 1 }))],
    ['metric.bad_name', '{"1a":1}'],
    ['metric.bad_name', '{"time":1}'],
    ['metric.bad_name', '{"device":1}'],
    ['metric.bad_name', '{"quality":1}'],
    ['metric.bad_name', '{"site":1}'],
    ['metric.bad_name', `{"${'a'.repeat(65)}":1}`],
    ['value.not_finite', '{"a":1e309}'],
    ['value.wrong_type', '{"voltage_v":"230"}'],
    ['value.wrong_type', '{"relay":1}'],
    ['value.wrong_type', '{"a":{}}'],
    ['value.out_of_range', '{"voltage_v":500.0001}'],
    ['value.out_of_range', '{"voltage_v":-0.0001}'],
    ['value.out_of_range', JSON.stringify({ note: 'x'.repeat(257) })],
    ['ts.invalid', '{"ts":946684799999,"values":{"a":1}}'],
    ['ts.invalid', '{"ts":4102444800000,"values":{"a":1}}'],
    ['ts.invalid', `{"ts":${ts}.5,"values":{"a":1}}`],
    ['ts.invalid', `{"ts":"${ts}","values":{"a":1}}`],
  ])('%s: %s', (reason, payload) => {
    const { give, rows } = setUp()
    expect(give(payload)).toMatchObject({ reason })
    expect(rows()).toEqual([])
  })

  test('a metric that a strict profile does not list', () => {
    const { give } = setUp({ strict: true })
    expect(give({ a: 1 })).toMatchObject({ reason: 'metric.bad_name' })
    expect(give({ voltage_v: 1 })).toBeUndefined()
  })
})

test('values at the ends of what is allowed are taken', () => {
  const { give, rows } = setUp()
  const values = { voltage_v: 500, relay: false, note: 'x'.repeat(256), [`a${'b'.repeat(63)}`]: -1.5e300 }
  expect(
    give([
      { ts: 946684800000, values },
      { ts: 4102444799999, values: { voltage_v: 0 } },
    ]),
  ).toBeUndefined()
  expect(rows()).toEqual([
    { time: 946684800000, values, future: false },
    { time: 4102444799999, values: { voltage_v: 0 }, future: true },
  ])
})

test('more than five minutes ahead of the time received is the future', () => {
  const { give, rows } = setUp()
  for (const ahead of [300_000, 300_001]) give({ ts: receivedAt + ahead, values: { a: ahead } })
  expect(rows().map(({ future }) => future)).toEqual([false, true])
})

test('without ts the time is the one received, and no two readings of a device share it, over a restart too', () => {
  const { give, forget, rows, normaliser } = setUp()
  give({ a: 1 })
  give([{ values: { a: 2 } }, { a: 3 }])
  forget()
  give({ a: 4 })
  give({ a: 5 }, receivedAt + 10)
  expect(rows().map(({ time }) => time - receivedAt)).toEqual([0, 1, 2, 3, 10])
  expect([...normaliser.receivedTimes]).toEqual([['m1', receivedAt + 10]])
})

test('an exact repeat is left out and counted; another value of the same time is not one', () => {
  const { give, rows, normaliser } = setUp()
  for (const v of [1, 1, 2, 1]) give({ ts, values: { a: v } })
  expect(rows().map(({ values }) => values.a)).toEqual([1, 2, 1])
  expect(normaliser.repeats).toBe(1)
})

test('null is no value, and a message of nothing else is taken with no reading', () => {
  const { give, rows } = setUp()
  expect(give({ a: null, b: 2 })).toBeUndefined()
  expect(give({ a: null })).toBeUndefined()
  expect(rows().map(({ values }) => values)).toEqual([{ b: 2 }])
})

test('one bad reading refuses its whole message, and what the message fixed is open again', () => {
  const { give, rows, normaliser } = setUp()
  expect(
    give([
      { ts, values: { a: 1 } },
      { ts: ts + 1, values: { voltage_v: 501 } },
    ]),
  ).toBeDefined()
  expect(give({ ts, values: { a: null } })).toBeUndefined()
  expect(give({ ts, values: { a: 'now text' } })).toBeUndefined()
  expect(give({ ts: ts + 1, values: { a: 1 } })).toMatchObject({ reason: 'value.wrong_type' })
  expect(rows()).toEqual([{ time: ts, values: { a: 'now text' }, future: false }])
  expect(normaliser.pins.map(({ metric, letter }) => [metric, letter])).toEqual([['a', 's']])
})

test('messages of one shape give the same rows as messages that are each the first of their device', () => {
  const messages = Array.from({ length: 200 }, (_, i) => ({
    ts: ts + (i >> 1),
    values: { voltage_v: 230 + (i % 3) / 10, relay: i % 2 === 0, a: i % 5 === 4 ? -i : i >> 2 },
  }))
  const [same, fresh] = [setUp(), setUp()]
  for (const message of messages) {
    same.give(message)
    fresh.forget()
    fresh.give(message)
  }
  const points = (rows: ReturnType<typeof same.rows>) => new Map(rows.map((row) => [row.time, row]))
  const freshRows = fresh.rows()
  expect(freshRows).toHaveLength(200)
  expect(points(same.rows())).toEqual(points(freshRows))
})

test('labels that the profile names travel as tags, sorted, and no others', () => {
  const { tags } = new DeviceTrack(device, new TypeRules({ ...profile, tags: ['site', 'area'] }, [])).owner
  expect(tags).toEqual([['site', 'berlin']])
})
