import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { shippedProfiles } from '../../domain/shipped-profiles.ts'
import { loadReplayMap, type ReplayMap, rowToReading } from '../../simulators/replay-map.ts'
import { repositoryRoot } from '../support/platform-process.ts'
import { tempDir } from '../support/temp-dir.ts'

const map: ReplayMap = {
  device: 'house',
  type: 'smart_meter',
  time: { column: 'at', format: 'dd/MM/yyyy HH:mm:ss', timezone: 'Europe/Paris' },
  metrics: { active_power_w: { column: 'kW', scale: 1000 }, voltage_v: { column: 'V' } },
}
const reading = (row: Record<string, string>, previousTs?: number) => rowToReading(row, map, previousTs)
const utc = (text: string) => Date.parse(`${text}Z`)
const timeOf = (local: string, previousTs?: number) => reading({ at: local, kW: '1', V: '' }, previousTs)?.ts

describe('values', () => {
  test('each metric is read from its column and scaled, without the noise of binary fractions', () => {
    expect(reading({ at: '16/12/2006 17:24:00', kW: '4.216', V: '234.840', else: 'x' })).toEqual({
      ts: utc('2006-12-16T16:24:00'),
      values: { active_power_w: 4216, voltage_v: 234.84 },
    })
    // 1.001 × 1000 is 1000.9999999999999 in binary.
    expect(reading({ at: '16/12/2006 17:24:00', kW: '1.001', V: '' })?.values).toEqual({
      active_power_w: 1001,
    })
  })

  test('an empty cell, or one of blanks, is no value', () => {
    expect(reading({ at: '16/12/2006 17:24:00', kW: '', V: '230' })?.values).toEqual({ voltage_v: 230 })
    expect(reading({ at: '16/12/2006 17:24:00', kW: '  ', V: '230' })?.values).toEqual({ voltage_v: 230 })
  })

  test('a row without any value is no reading, not even one with a bad time', () => {
    expect(reading({ at: '16/12/2006 17:24:00', kW: '', V: '' })).toBeUndefined()
    expect(reading({ at: '?', kW: '', V: '' })).toBeUndefined()
  })

  test('zero, negative and exponent are numbers', () => {
    const values = (kW: string) => reading({ at: '16/12/2006 17:24:00', kW, V: '' })?.values.active_power_w
    expect(['0', '-0.5', '2e-3', ' 7 '].map(values)).toEqual([0, -500, 2, 7000])
  })

  test.each(['?', '1,5', 'NaN', 'Infinity', '1.2.3'])('%j is no number: said with its column', (kW) => {
    expect(() => reading({ at: '16/12/2006 17:24:00', kW, V: '' })).toThrow(
      expect.objectContaining({
        code: 'TIDEMARK_CSV_INVALID',
        exitCode: 2,
        message: `column kW: ${JSON.stringify(kW)} is not a number`,
      }),
    )
  })

  test.each([
    ['a metric', { at: '16/12/2006 17:24:00', V: '230' }, 'the file has no column kW; it has at, V'],
    ['the time', { kW: '1', V: '230' }, 'the file has no column at; it has kW, V'],
  ])('a missing column of %s is named', (_case, row, message) => {
    expect(() => reading(row as never)).toThrow(
      expect.objectContaining({ code: 'TIDEMARK_CSV_INVALID', exitCode: 2, message }),
    )
  })
})

describe('times', () => {
  test('local times are those of the zone, winter and summer', () => {
    expect(timeOf('01/01/2007 00:00:00')).toBe(utc('2006-12-31T23:00:00'))
    expect(timeOf('01/07/2007 00:00:00')).toBe(utc('2007-06-30T22:00:00'))
    expect(timeOf(' 01/07/2007 00:00:00 ')).toBe(utc('2007-06-30T22:00:00'))
  })

  test('when clocks go forward, the hour that is left out is read by the offset before the change', () => {
    // Paris, 25 March 2007: 02:00 is followed by 03:00.
    expect(timeOf('25/03/2007 01:59:59')).toBe(utc('2007-03-25T00:59:59'))
    expect(timeOf('25/03/2007 02:30:00')).toBe(utc('2007-03-25T01:30:00'))
    expect(timeOf('25/03/2007 03:00:00')).toBe(utc('2007-03-25T01:00:00'))
  })

  test('when clocks go back, a local time is the first of the two while time goes on', () => {
    // Paris, 28 October 2007: 02:00 to 03:00 comes twice.
    expect(timeOf('28/10/2007 02:30:00')).toBe(utc('2007-10-28T00:30:00'))
    expect(timeOf('28/10/2007 02:30:00', utc('2007-10-28T00:29:00'))).toBe(utc('2007-10-28T00:30:00'))
  })

  test('and the second when the first would not be after the reading before', () => {
    expect(timeOf('28/10/2007 02:00:00', utc('2007-10-28T00:59:00'))).toBe(utc('2007-10-28T01:00:00'))
    expect(timeOf('28/10/2007 02:30:00', utc('2007-10-28T00:30:00'))).toBe(utc('2007-10-28T01:30:00'))
    expect(timeOf('28/10/2007 03:00:00', utc('2007-10-28T01:59:00'))).toBe(utc('2007-10-28T02:00:00'))
  })

  test('only what is ambiguous looks at the reading before: elsewhere time may go back', () => {
    expect(timeOf('28/10/2007 01:30:00', utc('2007-10-28T12:00:00'))).toBe(utc('2007-10-27T23:30:00'))
  })

  test.each(['2006-12-16 17:24:00', '32/12/2006 17:24:00', ''])('%j does not have the format', (at) => {
    expect(() => reading({ at, kW: '1', V: '' })).toThrow(
      expect.objectContaining({
        code: 'TIDEMARK_CSV_INVALID',
        message: `column at: ${JSON.stringify(at)} is not a time as dd/MM/yyyy HH:mm:ss`,
      }),
    )
  })
})

describe('the map file', () => {
  const loaded = (content: unknown) => {
    const path = join(tempDir(), 'map.json')
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
    return loadReplayMap(path)
  }

  test('is read', () => expect(loaded(map)).toEqual(map))

  test.each([
    ['no JSON', '{', 'JSON'],
    ['no object', '[]', '/: '],
    ['a bad device id', { ...map, device: 'a/b' }, '/device: not a device id'],
    ['a bad type', { ...map, type: 'Smart Meter' }, '/type: not a device type'],
    ['no time', { ...map, time: undefined }, '/time: '],
    [
      'a zone that is none',
      { ...map, time: { ...map.time, timezone: 'Paris' } },
      '/time/timezone: not a time zone',
    ],
    ['a reserved metric', { ...map, metrics: { time: { column: 'a' } } }, '/metrics/time: '],
    ['a scale that is text', { ...map, metrics: { a: { column: 'a', scale: '2' } } }, '/metrics/a/scale: '],
    ['an unknown key', { ...map, speed: 2 }, 'speed'],
    ['no metric', { ...map, metrics: {} }, '/metrics: at least one metric'],
  ])('with %s is refused with the place: exit code 2', (_case, content, where) => {
    expect(() => loaded(content)).toThrow(
      expect.objectContaining({
        code: 'TIDEMARK_MAP_INVALID',
        exitCode: 2,
        message: expect.stringContaining(where),
      }),
    )
  })

  test('that is not there: exit code 2', () => {
    expect(() => loadReplayMap(join(tempDir(), 'none.json'))).toThrow(
      expect.objectContaining({ code: 'TIDEMARK_MAP_INVALID', exitCode: 2 }),
    )
  })

  const shipped = join(repositoryRoot, 'simulators/maps')
  test.each(readdirSync(shipped))(
    '%s, which ships, is valid and names metrics of its type or with a unit',
    (name) => {
      const { type, metrics } = loadReplayMap(join(shipped, name))
      const profile = shippedProfiles.find((one) => one.type === type)
      for (const metric of Object.keys(metrics)) {
        expect(profile?.metrics[metric] !== undefined || /_wh$/.test(metric), metric).toBe(true)
      }
    },
  )
})
