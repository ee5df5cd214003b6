import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Profile } from '../../domain/profile.ts'
import { decodePayload } from '../../ingest/payload.ts'
import { ShapeDecoder } from '../../ingest/shape-decoder.ts'
import { type PinnedType, TypeRules } from '../../ingest/type-rules.ts'

const profile: Profile = {
  type: 'meter',
  strict: false,
  tags: [],
  metrics: {
    power_w: { kind: 'gauge', min: -1000, max: 1e6 },
    on: { kind: 'state', type: 'boolean' },
  },
}
const metrics = ['power_w', 'energy_kwh', 'on']
const rules = () => new TypeRules(profile, [['energy_kwh', 'n']])
const shape = { metrics, types: 'nnb' }

/** The text in the middle of a group, between what other messages left there. */
function decoded(
  text: string,
  after = '{"power_w":1}',
): { ts: number | undefined; values: number[] } | undefined {
  const decoder = ShapeDecoder.for(shape, rules())!
  const payload = Buffer.from(text)
  const bytes = Buffer.concat([Buffer.from('}5'), payload, Buffer.from(after)])
  if (!decoder.decode(bytes, 2, 2 + payload.length)) return undefined
  return { ts: Number.isNaN(decoder.ts) ? undefined : decoder.ts, values: [...decoder.values] }
}

/** What the general path makes of it; undefined where it refuses, or finds another shape. */
function general(text: string): { ts: number | undefined; values: number[] } | undefined {
  const payload = Buffer.from(text)
  const readings = decodePayload(payload, 0, payload.length)
  if ('reason' in readings || readings.length !== 1 || Array.isArray(JSON.parse(text))) return undefined
  const { ts, values } = readings[0]!
  if (Object.keys(values).join() !== metrics.join()) return undefined
  const pins: PinnedType[] = []
  const letters = Object.entries(values).map(([metric, value]) => rules().check(metric, value, pins))
  if (letters.join('') !== shape.types) return undefined
  return { ts, values: Object.values(values).map(Number) }
}

const ts = 1_732_000_000_000
const values = '"power_w":1234.5,"energy_kwh":17,"on":true'

describe('takes', () => {
  test.each([
    [`{"ts":${ts},"seq":17,"values":{${values}}}`, ts, [1234.5, 17, 1]],
    [`{"ts":${ts},"values":{${values}}}`, ts, [1234.5, 17, 1]],
    [`{"values":{${values}}}`, undefined, [1234.5, 17, 1]],
    [`{${values}}`, undefined, [1234.5, 17, 1]],
    [
      `{"ts": ${ts}, "seq": 3, "values": {"power_w": -0.25, "energy_kwh": 0, "on": false}}`,
      ts,
      [-0.25, 0, 0],
    ],
    ['{"power_w":-0,"energy_kwh":0.1,"on":true}', undefined, [-0, 0.1, 1]],
    [
      '{"power_w":999999.999999999,"energy_kwh":123456789012345,"on":true}',
      undefined,
      [999999.999999999, 123456789012345, 1],
    ],
    ['{"ts":946684800000,"values":{"power_w":1,"energy_kwh":1,"on":true}}', 946684800000, [1, 1, 1]],
    ['{"ts":4102444799999,"values":{"power_w":1,"energy_kwh":1,"on":true}}', 4102444799999, [1, 1, 1]],
  ])('%s', (text, time, expected) => {
    expect(decoded(text)).toEqual({ ts: time, values: expected })
    expect(general(text)).toEqual({ ts: time, values: expected })
  })
})

describe('leaves to the general path', () => {
  test.each([
    ['another order', '{"energy_kwh":17,"power_w":1,"on":true}'],
    ['a metric less', '{"power_w":1,"energy_kwh":17}'],
    ['a metric more', `{${values},"x":1}`],
    ['a metric twice', '{"power_w":1,"power_w":2,"energy_kwh":17,"on":true}'],
    ['values before ts', `{"values":{${values}},"ts":${ts}}`],
    ['ts without values', `{"ts":${ts},${values}}`],
    ['a ts before 2000', `{"ts":946684799999,"values":{${values}}}`],
    ['a ts after 2099', `{"ts":4102444800000,"values":{${values}}}`],
    ['a ts with a fraction', `{"ts":${ts}.5,"values":{${values}}}`],
    ['a negative ts', `{"ts":-1,"values":{${values}}}`],
    ['an unknown field', `{"ts":${ts},"x":1,"values":{${values}}}`],
    ['a value out of range', '{"power_w":1000001,"energy_kwh":17,"on":true}'],
    ['an exponent', '{"power_w":1e3,"energy_kwh":17,"on":true}'],
    ['sixteen digits', '{"power_w":1,"energy_kwh":1234567890.123456,"on":true}'],
    ['a leading zero', '{"power_w":01,"energy_kwh":17,"on":true}'],
    ['a lone minus', '{"power_w":-,"energy_kwh":17,"on":true}'],
    ['no digit after the point', '{"power_w":1.,"energy_kwh":17,"on":true}'],
    ['no digit before the point', '{"power_w":.5,"energy_kwh":17,"on":true}'],
    ['a plus', '{"power_w":+1,"energy_kwh":17,"on":true}'],
    ['a number for a boolean', '{"power_w":1,"energy_kwh":17,"on":1}'],
    ['a boolean for a number', '{"power_w":true,"energy_kwh":17,"on":true}'],
    ['null', '{"power_w":null,"energy_kwh":17,"on":true}'],
    ['text', '{"power_w":"1","energy_kwh":17,"on":true}'],
    ['a list', `[{${values}}]`],
    ['a comma at the end', `{${values},}`],
    ['a byte after the end', `{${values}}x`],
    ['nothing', ''],
  ])('%s', (_name, text) => expect(decoded(text)).toBeUndefined())

  test('a message that ends early, whatever the next one in the log begins with', () => {
    const text = `{"ts":${ts},"values":{${values}}}`
    for (let end = 0; end < text.length; end++) {
      expect(decoded(text.slice(0, end), text.slice(end))).toBeUndefined()
    }
  })

  test.each([
    [{ metrics: ['note'], types: 's' }],
    [{ metrics: ['ts'], types: 'n' }],
    [{ metrics: ['a', 'values'], types: 'nn' }],
    [{ metrics: [], types: '' }],
  ])('the shape %j', (other) => expect(ShapeDecoder.for(other, rules())).toBeUndefined())
})

test('accepts only what the general path accepts, with the same time and values', () => {
  const digits = fc.stringMatching(/^\d{1,17}$/)
  const plain = fc.integer({ min: -99_999, max: 999_999 }).map((n) => String(n / 100))
  const odd = fc.oneof(
    fc.double({ noNaN: true }).map(String),
    fc
      .tuple(fc.constantFrom('', '-'), digits, fc.constantFrom('', '.'), digits)
      .map((parts) => parts.join('')),
    fc.constantFrom('0', '-0', '0.0', '1e5', '01', '1.', '.1', 'null', 'true', '"1"', '123456789012345678'),
  )
  const number = fc.oneof({ weight: 5, arbitrary: plain }, { weight: 1, arbitrary: odd })
  const gap = fc.constantFrom('', '', '', '', ' ', '  ', '\t', '\n')
  const valid = fc.integer({ min: 946684800000, max: 4102444799999 }).map(String)
  const edge = fc.constantFrom('946684799999', '946684800000', '4102444799999', '4102444800000')
  const time = fc.oneof({ weight: 5, arbitrary: valid }, edge, number)
  const body = fc
    .record({
      power: number,
      energy: number,
      on: fc.oneof({ weight: 5, arbitrary: fc.constantFrom('true', 'false') }, { weight: 1, arbitrary: odd }),
      a: gap,
      b: gap,
    })
    .map(
      ({ power, energy, on, a, b }) =>
        `{"power_w":${a}${power},${b}"energy_kwh"${a}:${energy}${b},"on":${on}}`,
    )
  const message = fc.oneof(
    body,
    body.map((inner) => `{"values":${inner}}`),
    fc.tuple(time, gap, body).map(([at, g, inner]) => `{"ts":${g}${at}${g},"values":${inner}}`),
    fc.tuple(time, number, body).map(([at, seq, inner]) => `{"ts":${at},"seq":${seq},"values":${inner}}`),
  )
  const mutated = fc
    .tuple(
      message,
      fc.nat(),
      fc.constantFrom('', ',', '}', '{', '"', '0', '.', '-', ' ', ':', 'e', 'x'),
      fc.boolean(),
    )
    .map(([text, place, inserted, replaces]) => {
      const at = place % (text.length + 1)
      return text.slice(0, at) + inserted + text.slice(replaces ? at + 1 : at)
    })
  let taken = 0
  const numRuns = 50_000
  fc.assert(
    fc.property(fc.oneof(message, mutated), (text) => {
      const fast = decoded(text)
      if (fast === undefined) return
      taken++
      expect(fast).toEqual(general(text))
      expect(fast.values.every((value, i) => Object.is(value, general(text)!.values[i]))).toBe(true)
    }),
    { numRuns },
  )
  expect(taken).toBeGreaterThan(numRuns / 10)
}, 120_000)
