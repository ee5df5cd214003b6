import fc from 'fast-check'
import type { Profile } from '../../domain/profile.ts'

/** Payloads as a broken or hostile device might send them. Made as text, since much of it no JSON writer would write. */

const few = <T>(...values: T[]) => fc.constantFrom(...values)

const prototypeNames = Object.getOwnPropertyNames(Object.prototype)

/** Names that may be metrics, a few of them, so that messages meet the types that earlier ones have fixed. */
const goodNames = few(
  'temperature_c',
  'occupied',
  'battery_pct',
  'a',
  'B_2',
  'toString',
  'constructor',
  'then',
)
const oddNames = fc.oneof(
  few(...prototypeNames, 'toJSON', 'then', 'length', 'prototype'),
  few('time', 'device', 'quality', 'site', 'ts', 'seq', 'values', 'Time', 'time_'),
  few('', ' ', '1', '1a', '_a', 'a b', 'a-b', 'a.b', 'a,b=c', 'é', 'ａ', 'a\n', 'a\0', '\ud800', '\udc00a'),
  few('m'.repeat(64), 'm'.repeat(65), 'm'.repeat(5_000)),
  fc.string({ unit: 'binary', maxLength: 8 }),
)
const names = fc.oneof({ weight: 8, arbitrary: goodNames }, { weight: 1, arbitrary: oddNames })

const numbers = fc.oneof(
  few('0', '-0', '1', '21.5', '1e309', '-1e309', '1e400', '1.7976931348623157e308', '5e-324', '1e-400'),
  few('9007199254740991', '9007199254740992', '9007199254740993', '-9007199254740993', '1234567890123456789'),
  few('100', '100.00000000000001', '-60', '-60.00000000000001', '0.1', '1E2', '1e-7'),
  fc.double({ noDefaultInfinity: true, noNaN: true }).map((value) => JSON.stringify(value)),
)
const strings = fc.oneof(
  few(
    '""',
    '"on"',
    '"1"',
    '"NaN"',
    '"null"',
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\ud83d\\ude00"',
    '"\\u0000"',
  ),
  few(
    '"a,b c=\\"d\\"\\\\"',
    '"line\\nbreak"',
    '"\\u2028"',
    '"__proto__"',
    '"\ufeff"',
    '"\ufffd"',
    '"=cmd()"',
  ),
  few('x'.repeat(256), 'x'.repeat(257), 'é'.repeat(128), 'é'.repeat(129), '😀'.repeat(64)).map(
    (s) => `"${s}"`,
  ),
  fc.string({ unit: 'binary', maxLength: 20 }).map((value) => JSON.stringify(value)),
)
const nested = fc
  .record({ levels: few(1, 2, 3, 5, 6, 7, 8, 9, 50), open: few('[', '{"a":'), inner: few('', '1', 'null') })
  .map(({ levels, open, inner }) =>
    open === '['
      ? open.repeat(levels) + inner + ']'.repeat(levels)
      : open.repeat(levels) + (inner || '{}') + '}'.repeat(levels),
  )
const noJson = few(
  'NaN',
  'Infinity',
  '-Infinity',
  'undefined',
  '01',
  '.5',
  '1.',
  '+1',
  '0x1',
  "'a'",
  'tru',
  '"\t"',
)

const goodValues = fc.oneof(
  { weight: 4, arbitrary: numbers },
  { weight: 1, arbitrary: strings },
  { weight: 2, arbitrary: few('true', 'false', 'null') },
)
const values = fc.oneof(
  { weight: 12, arbitrary: goodValues },
  { weight: 1, arbitrary: nested },
  { weight: 1, arbitrary: noJson },
)

const timeFirst = Date.UTC(2000, 0, 1)
const timeLast = Date.UTC(2100, 0, 1) - 1
/** Few, so that points meet again with other values. */
const goodTimes = few(
  timeFirst,
  timeLast,
  1_700_000_000_000,
  1_700_000_000_001,
  1_700_000_060_000,
  951_782_400_000,
)
const times = fc.oneof(
  { weight: 16, arbitrary: goodTimes.map(String) },
  {
    weight: 1,
    arbitrary: few(timeFirst - 1, timeLast + 1, 0, -1, 2 ** 53, -(2 ** 53), 1_700_000_000).map(String),
  },
  {
    weight: 1,
    arbitrary: few(
      '1e12',
      '1.7e12',
      '1700000000000.5',
      '1700000000000.0',
      '1e309',
      '-0',
      'null',
      'true',
      '""',
      '[]',
    ),
  },
  { weight: 1, arbitrary: few('"1700000000000"', '"2023-11-14T22:13:20Z"', '{}', '[1700000000000]', 'NaN') },
)

const key = (name: string) => JSON.stringify(name)
const object = (members: readonly string[]) => `{${members.join(',')}}`

function members(name: fc.Arbitrary<string>, value: fc.Arbitrary<string>) {
  return fc.array(
    fc.tuple(name, value).map(([n, v]) => `${key(n)}:${v}`),
    { minLength: 1, maxLength: 4 },
  )
}

/** What ordinary devices send: few metrics, each mostly of its type. */
const inRange = few('0', '-0', '21.5', '100', '99.99999999999999', '5e-324', '1e-400', '0.1', '1E2', 'null')
const flags = few('true', 'false', 'null')
const ordinary = fc.oneof(
  fc.tuple(few('temperature_c', 'battery_pct'), inRange),
  fc.tuple(few('B_2', 'then'), fc.oneof(numbers, inRange)),
  fc.tuple(few('occupied', 'constructor'), flags),
  fc.tuple(few('a', 'toString'), strings),
)
const member = fc
  .oneof({ weight: 20, arbitrary: ordinary }, { weight: 1, arbitrary: fc.tuple(goodNames, goodValues) })
  .map(([name, value]) => `${key(name)}:${value}`)
const goodObject = fc.array(member, { minLength: 1, maxLength: 4 }).map(object)
const anyObject = members(names, values).map(object)
const valueObjects = fc.oneof(
  { weight: 24, arbitrary: goodObject },
  { weight: 4, arbitrary: anyObject },
  { weight: 1, arbitrary: values },
  { weight: 1, arbitrary: few('{}', '{"a":null}') },
)

const full = fc
  .record({
    ts: fc.option(times, { freq: 4 }),
    seq: fc.option(fc.oneof({ weight: 4, arbitrary: numbers }, { weight: 1, arbitrary: values })),
    values: valueObjects,
  })
  .map(({ ts, seq, values: own }) =>
    object([
      ...(ts === null ? [] : [`"ts":${ts}`]),
      ...(seq === null ? [] : [`"seq":${seq}`]),
      `"values":${own}`,
    ]),
  )
/** Members missing, unknown, twice, in any order. */
const strange = fc
  .array(
    fc.oneof(
      times.map((ts) => `"ts":${ts}`),
      values.map((seq) => `"seq":${seq}`),
      valueObjects.map((own) => `"values":${own}`),
      fc.tuple(oddNames, valueObjects).map(([name, own]) => `${key(name)}:${own}`),
    ),
    { maxLength: 5 },
  )
  .map(object)
const reading = fc.oneof(
  { weight: 10, arbitrary: full },
  { weight: 6, arbitrary: goodObject },
  { weight: 1, arbitrary: anyObject },
  { weight: 1, arbitrary: strange },
)
const list = fc
  .array(fc.oneof({ weight: 40, arbitrary: reading }, { weight: 1, arbitrary: values }), { maxLength: 5 })
  .map((items) => `[${items.join(',')}]`)
/** The same few points over and over, in messages of one and more. */
const point = fc
  .tuple(few(timeFirst, timeFirst + 1), few('0', '-0', '1'))
  .map(([ts, value]) => `{"ts":${ts},"values":{"B_2":${value}}}`)
const repeating = fc
  .array(point, { minLength: 1, maxLength: 3 })
  .map((points) => (points.length === 1 ? points[0]! : `[${points.join(',')}]`))

/** One shape over and over, as real devices send it, with numbers of every length. */
const digits = fc.tuple(fc.nat(1_000_000_000), fc.nat(1_000_000_000), fc.nat(19))
const decimal = fc
  .tuple(few('', '', '-'), digits, few(0, 0, 1, 3, 8, 17))
  .map(([sign, [high, low, length], decimals]) => {
    const all = `${high}${low}`.slice(0, length + 1)
    return `${sign}${all.slice(0, -decimals || undefined) || '0'}${decimals === 0 ? '' : `.${all.slice(-decimals)}`}`
  })
const steady = fc
  .record({
    ts: fc.option(goodTimes, { freq: 3 }),
    number: fc.oneof({ weight: 6, arbitrary: decimal }, { weight: 1, arbitrary: numbers }),
    temperature: inRange,
    flag: few('true', 'false'),
    gap: few('', '', '', ' ', '\n'),
  })
  .map(({ ts, number, temperature, flag, gap }) => {
    const own = `{"B_2":${gap}${number},"temperature_c":${temperature}${gap},"occupied":${flag}}`
    return ts === null ? own : `{"ts":${ts},"seq":${gap}7,"values":${own}}`
  })

const native = fc.oneof(
  { weight: 12, arbitrary: reading },
  { weight: 6, arbitrary: list },
  { weight: 3, arbitrary: repeating },
  { weight: 6, arbitrary: steady },
  { weight: 1, arbitrary: values },
)

/** Bytes of a text after something happened to them. */
const damaged = fc
  .record({
    text: native,
    how: few('cut', 'insert', 'flip', 'twice', 'bom', 'utf16', 'spaces', 'comma', 'comment'),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    byte: fc.nat(255),
  })
  .map(({ text, how, at, byte }) => {
    const bytes = Buffer.from(text)
    const index = Math.floor(at * bytes.length)
    switch (how) {
      case 'cut':
        return bytes.subarray(0, index)
      case 'insert':
        return Buffer.concat([bytes.subarray(0, index), Buffer.from([byte]), bytes.subarray(index)])
      case 'flip':
        if (bytes.length > 0) bytes[index % bytes.length]! ^= byte
        return bytes
      case 'twice':
        return Buffer.concat([bytes, bytes])
      case 'bom':
        return Buffer.from(`\ufeff${text}`)
      case 'utf16':
        return Buffer.from(text, 'utf16le')
      case 'spaces':
        return Buffer.from(` \t\r\n${text}\n`)
      case 'comma':
        return Buffer.from(`${text.slice(0, -1)},${text.slice(-1)}`)
      default:
        return Buffer.from(`${text}//`)
    }
  })

/** What costs most where it is not bounded. All of them fit into a packet of 64 KiB. */
const large = fc.oneof(
  few(9, 30_000).chain((levels) => few('['.repeat(levels), '['.repeat(levels) + ']'.repeat(levels))),
  few(9, 10_000).map((levels) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`),
  few(9_999, 10_000, 10_001, 30_000).map((count) => `[${'{},'.repeat(Math.min(count - 1, 20_000))}{}]`),
  few('{"a":1}', '{"a":1e309}').map((last) => `[${'{"a":1},'.repeat(7_500)}${last}]`),
  few('0', '"').map((character) => character.repeat(60_000)),
  fc.constant(`{${Array.from({ length: 1_900 }, (_, i) => `"constructor${i}":null`).join(',')}}`),
  fc.constant(`{"a":1${',"a":1'.repeat(5_000)}}`),
)

const binary = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  few('', ' ', 'null', 'true', '0', '""', '[]', '{}', '[[]]', '[null]', '\0', '{', '\ufeff').map((s) =>
    Buffer.from(s),
  ),
  // Overlong, a surrogate in UTF-8, cut short, beyond U+10FFFF; each in a string of a valid message.
  few(
    [0xc0, 0x80],
    [0xed, 0xa0, 0x80],
    [0xe2, 0x82],
    [0xf5, 0x80, 0x80, 0x80],
    [0xff],
    [0xef, 0xbf, 0xbd],
  ).map((bytes) => Buffer.concat([Buffer.from('{"a":"'), Buffer.from(bytes), Buffer.from('"}')])),
)

const textBytes = (text: string) => Buffer.from(text)

/** Of the device type that the payloads pretend to be of: every kind of metric, with and without a range. */
export const profile: Profile = {
  type: 'room_sensor',
  strict: false,
  tags: ['site'],
  metrics: {
    temperature_c: { kind: 'gauge', min: -60, max: 100 },
    occupied: { kind: 'state', type: 'boolean' },
    battery_pct: { kind: 'counter', min: 0, max: 100 },
    a: { kind: 'state' },
  },
}

/** One hostile payload. */
export const hostilePayload: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 120, arbitrary: native.map(textBytes) },
  { weight: 40, arbitrary: damaged },
  { weight: 20, arbitrary: binary },
  { weight: 1, arbitrary: large.map(textBytes) },
)
