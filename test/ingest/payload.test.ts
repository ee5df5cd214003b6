import { describe, expect, test } from 'vitest'
import { decodePayload, timeMax, timeMin } from '../../ingest/payload.ts'

function decode(payload: string | Buffer) {
  const bytes = Buffer.from(payload)
  return decodePayload(bytes, 0, bytes.length)
}

const reading = '{"a":1}'
/** A value `levels` lists deep. */
const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
const list = (count: number) => `[${Array(count).fill(reading).join(',')}]`

describe('the forms of a native payload', () => {
  test.each([
    ['plain metrics', '{"a":1,"b":"x"}', [{ ts: undefined, values: { a: 1, b: 'x' } }]],
    ['values alone', '{"values":{"a":1}}', [{ ts: undefined, values: { a: 1 } }]],
    ['the first time', `{"ts":${timeMin},"values":{"a":1}}`, [{ ts: timeMin, values: { a: 1 } }]],
    ['the last time', `{"ts":${timeMax},"seq":1,"values":{"a":1}}`, [{ ts: timeMax, values: { a: 1 } }]],
    ['no metrics', `{"ts":${timeMin},"values":{}}`, [{ ts: timeMin, values: {} }]],
    [
      'a list',
      `[{"ts":${timeMin},"values":{"a":1}},{"a":2}]`,
      [
        { ts: timeMin, values: { a: 1 } },
        { ts: undefined, values: { a: 2 } },
      ],
    ],
    ['U+FFFD itself', '{"a":"\ufffd"}', [{ ts: undefined, values: { a: '\ufffd' } }]],
  ])('%s', (_, payload, readings) => {
    expect(decode(payload)).toEqual(readings)
  })

  test('a list of 10,000 readings', () => {
    expect(decode(list(10_000))).toHaveLength(10_000)
  })
})

describe('reasons', () => {
  test.each([
    ['nothing', '', 'payload.not_json'],
    ['half an object', '{"a":1', 'payload.not_json'],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'payload.not_json'],
    ['NaN', '{"a":NaN}', 'payload.not_json'],
    ['10,001 readings', list(10_001), 'payload.too_large'],
    ['a list eight levels deep', nested(8), 'payload.wrong_shape'],
    ['a list nine levels deep', nested(9), 'payload.too_deep'],
    ['values nine levels deep', `{"values":${nested(9)}}`, 'payload.too_deep'],
    ['a number', '1', 'payload.wrong_shape'],
    ['null', 'null', 'payload.wrong_shape'],
    ['an empty list', '[]', 'payload.wrong_shape'],
    ['an empty object', '{}', 'payload.wrong_shape'],
    ['a time without values', `{"ts":${timeMin},"a":1}`, 'payload.wrong_shape'],
    ['values that are a list', '{"values":[1]}', 'payload.wrong_shape'],
    ['values that are null', '{"values":null}', 'payload.wrong_shape'],
    ['a seq that is an object', '{"seq":{},"values":{"a":1}}', 'payload.wrong_shape'],
    ['an unknown field', '{"values":{"a":1},"b":1}', 'payload.wrong_shape'],
    ['a list with one number', `[${reading},1]`, 'payload.wrong_shape'],
    ['a millisecond before 2000', `{"ts":${timeMin - 1},"values":{"a":1}}`, 'ts.invalid'],
    ['a millisecond after 2099', `{"ts":${timeMax + 1},"values":{"a":1}}`, 'ts.invalid'],
    ['half a millisecond', `{"ts":${timeMin}.5,"values":{"a":1}}`, 'ts.invalid'],
    ['a time as text', `{"ts":"${timeMin}","values":{"a":1}}`, 'ts.invalid'],
    ['a time that is null', '{"ts":null,"values":{"a":1}}', 'ts.invalid'],
  ])('%s', (_, payload, reason) => {
    expect(decode(payload)).toMatchObject({ reason, detail: expect.stringMatching(/./) })
  })
})

test('the times allowed are those of the contract', () => {
  expect(new Date(timeMin).toISOString()).toBe('2000-01-01T00:00:00.000Z')
  expect(new Date(timeMax).toISOString()).toBe('2099-12-31T23:59:59.999Z')
})
