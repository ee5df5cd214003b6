import { describe, expect, test } from 'vitest'
import {
  isValidFilter,
  isValidTopic,
  isWithin,
  matches,
  mayPublish,
  mayReceive,
  mayRetain,
  maySubscribe,
  type Principal,
  type Role,
} from '../../broker/rights.ts'

const device: Principal = { kind: 'device', id: 'd1' }
const operator = (role: Role): Principal => ({ kind: 'operator', id: 'n', role })
const everyone = [device, operator('read'), operator('operate'), operator('admin')]
/** Names of `Object.prototype`: as a level they are names like any other. */
const inherited = Object.getOwnPropertyNames(Object.prototype)

describe('publishing', () => {
  test.each([
    // topic, device d1, read, operate, admin
    ['devices/d1/telemetry', true, false, false, true],
    ['v1/devices/me/telemetry', true, false, false, true],
    ['devices/d2/telemetry', false, false, false, true],
    ['devices/d1/commands/c/response', true, false, true, true],
    ['devices/d1/commands/c', false, false, true, true],
    ['devices/d1/commands//response', false, false, true, true],
    ['devices/d1/commands/c/d/response', false, false, true, true],
    ['devices/d1/commands/', false, false, false, true],
    ['devices/d1/commands', false, false, false, true],
    ['devices/d2/commands/c/response', false, false, true, true],
    ['devices//commands/c', false, false, false, true],
    ['devices/a/b/commands/c', false, false, false, true],
    ['devices/d1/telemetry/', false, false, false, true],
    ['/devices/d1/telemetry', false, false, false, true],
    ['events/health/d1', false, false, false, true],
    ['anything', false, false, false, true],
    ['$SYS/x', false, false, false, false],
    ['$', false, false, false, false],
    ['', false, false, false, false],
    ['devices/+/telemetry', false, false, false, false],
    ['devices/d1/commands/+/response', false, false, false, false],
    ['devices/d1/commands/#', false, false, false, false],
    ['a\u0000b', false, false, false, false],
  ])('%s', (topic, ...expected) => {
    expect(everyone.map((principal) => mayPublish(principal, topic))).toEqual(expected)
  })

  test('only administrators may leave retained messages', () => {
    expect(everyone.map(mayRetain)).toEqual([false, false, false, true])
  })
})

describe('subscribing', () => {
  test.each([
    ['devices/d1/commands/#', true, false, false, true],
    ['devices/d1/commands/+', true, false, false, true],
    ['devices/d1/commands/c/response', true, false, false, true],
    ['devices/d1/commands', false, false, false, true],
    ['devices/d1/#', false, false, false, true],
    ['devices/+/commands/#', false, false, false, true],
    ['devices/d2/commands/#', false, false, false, true],
    ['devices/d1/telemetry', false, true, true, true],
    ['devices/+/telemetry', false, true, true, true],
    ['devices/+/telemetry/#', false, false, false, true],
    ['devices/+/+', false, false, false, true],
    ['devices/#', false, false, false, true],
    ['v1/devices/me/telemetry', false, false, false, true],
    ['events/#', false, true, true, true],
    ['events/+/d1', false, true, true, true],
    ['events/health/#', false, true, true, true],
    ['events', false, false, false, true],
    ['+/health/d1', false, false, false, true],
    ['#', false, false, false, true],
    ['+', false, false, false, true],
    ['$SYS/#', false, false, false, false],
    ['$share/g/events/#', false, false, false, false],
    ['', false, false, false, false],
  ])('%s', (filter, ...expected) => {
    expect(everyone.map((principal) => maySubscribe(principal, filter))).toEqual(expected)
  })

  test.each(['a+', '+a', 'a#', 'x/+a', '++', '+#', '#/a', 'a/#/b', 'a/##', 'a\u0000', ''])(
    'nobody may use the invalid filter %j',
    (filter) => {
      expect(isValidFilter(filter)).toBe(false)
      expect(everyone.map((principal) => maySubscribe(principal, filter))).toEqual(everyone.map(() => false))
    },
  )

  test.each(['#', '+', '+/+', '/', '//', 'a/#', 'a/+/#', '/#', '+/', 'a b'])('%j is valid', (filter) => {
    expect(isValidFilter(filter)).toBe(true)
  })
})

describe('receiving', () => {
  test.each([
    ['devices/d1/commands/c', true, false, false, true],
    ['devices/d2/commands/c', false, false, false, true],
    ['devices/d1/commands', false, false, false, true],
    ['devices/d1/telemetry', false, true, true, true],
    ['devices/a/b/telemetry', false, false, false, true],
    ['events/health/d1', false, true, true, true],
    ['anything', false, false, false, true],
    ['$SYS/x', false, false, false, false],
  ])('%s', (topic, ...expected) => {
    expect(everyone.map((principal) => mayReceive(principal, topic))).toEqual(expected)
  })
})

describe('limits', () => {
  const topicOf = (levels: number) => Array(levels).fill('a').join('/')

  test.each([1, 8, 9, 100, 101, 1_000, 65_535])('a topic or filter of %i levels', (levels) => {
    expect(isValidTopic(topicOf(levels))).toBe(levels <= 100)
    expect(isValidFilter(topicOf(levels))).toBe(levels <= 100)
    expect(mayPublish(operator('admin'), topicOf(levels))).toBe(levels <= 100)
    expect(maySubscribe(operator('admin'), `${topicOf(levels)}/#`)).toBe(levels < 100)
    const own = `devices/d1/commands/${topicOf(levels)}`
    expect(maySubscribe(device, own)).toBe(levels <= 5)
    expect(mayPublish(operator('operate'), own)).toBe(levels <= 5)
  })

  test('a topic of more than 256 bytes is refused, counted in bytes', () => {
    const topic = (id: string) => `devices/d1/commands/${id}/response`
    const fits = 'x'.repeat(256 - topic('').length)
    expect(mayPublish(device, topic(fits))).toBe(true)
    expect(mayPublish(device, topic(`${fits}x`))).toBe(false)
    expect(mayPublish(device, topic('é'.repeat(fits.length / 2 + 1)))).toBe(false)
    expect(maySubscribe(device, `devices/d1/commands/${'x'.repeat(240)}`)).toBe(false)
  })

  test.each(inherited)('the name %s is a name like any other', (name) => {
    const named: Principal = { kind: 'device', id: name }
    expect(mayPublish(named, `devices/${name}/telemetry`)).toBe(true)
    expect(mayPublish(device, `devices/${name}/telemetry`)).toBe(false)
    expect(maySubscribe(device, `devices/d1/commands/${name}`)).toBe(true)
    expect(maySubscribe(device, name)).toBe(false)
  })
})

test.each([
  ['a/#', 'a/b', true],
  ['a/#', 'a/b/#', true],
  ['a/#', 'a/+', true],
  ['a/#', 'a', false],
  ['a/#', '#', false],
  ['a/#', '+/b', false],
  ['a/+/c', 'a/b/c', true],
  ['a/+/c', 'a/+/c', true],
  ['a/+/c', 'a/#', false],
  ['a/+/c', 'a/+/#', false],
  ['a/+/c', 'a/b/c/d', false],
  ['a/+/c', 'a/b', false],
])('isWithin(%j, %j) is %s', (outer, filter, expected) => {
  expect(isWithin(outer, filter)).toBe(expected)
})

test.each([
  ['#', 'a/b', true],
  ['#', '$SYS/a', false],
  ['+/a', '$SYS/a', false],
  ['$SYS/#', '$SYS/a', true],
  ['a/#', 'a', true],
  ['a/#', 'a/b/c', true],
  ['a/#', 'b', false],
  ['a/+', 'a/b', true],
  ['a/+', 'a/', true],
  ['a/+', 'a', false],
  ['a/+', 'a/b/c', false],
  ['+/+', '/', true],
  ['a', 'a', true],
  ['a', 'a/b', false],
])('matches(%j, %j) is %s', (filter, topic, expected) => {
  expect(matches(filter, topic)).toBe(expected)
})
