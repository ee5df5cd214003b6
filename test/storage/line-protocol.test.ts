import { Point } from '@influxdata/influxdb-client'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { deliveredEvent, type EventRecord } from '../../domain/event.ts'
import type { Value } from '../../domain/profile.ts'
import { encodeEventLine, encodeLines } from '../../storage/line-protocol.ts'
import { batchOf, type TestReading } from '../support/reading-batches.ts'

const t0 = Date.UTC(2026, 0, 1)

/** The line that InfluxDB's own client makes of a reading. It sorts tags and fields by name. */
function clientLine({ type, device, tags = [], values, future, time }: TestReading): string {
  const point = new Point(type).tag('device', device)
  for (const [name, value] of tags) point.tag(name, value)
  for (const [metric, value] of Object.entries(values)) {
    if (typeof value === 'number') point.floatField(metric, value)
    // The client writes T and F, which are the same.
    else if (typeof value === 'boolean') point.fields[metric] = String(value)
    else point.stringField(metric, value)
  }
  if (future) point.stringField('quality', 'future')
  point.timestamp(time)
  return point.toLineProtocol({ convertTime: (value) => String(value) })!
}

/** Text with whatever a line gives a meaning to; a tag cannot end in a backslash. */
const text = fc.string({
  unit: fc.constantFrom('a', 'ß', '😀', ' ', ',', '=', '"', '\\', '\n', '\r', '\t', '#'),
})
const tagText = text.filter((value) => !value.endsWith('\\'))
const value: fc.Arbitrary<Value> = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Object.is(number, -0)),
  fc.integer(),
  fc.boolean(),
  text,
)
// Names that sort as they are given, since the client sorts them.
const sorted = <V>(entries: [string, V][]) =>
  [...new Map(entries)].sort(([a], [b]) => (a < b ? -1 : 1)) as [string, V][]
const name = fc.stringMatching(/^[a-z][A-Za-z0-9_]{0,8}$/)
const reading: fc.Arbitrary<TestReading> = fc.record({
  device: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,15}$/),
  type: fc.stringMatching(/^[a-z][a-z0-9_]{0,15}$/),
  tags: fc
    .array(
      fc.tuple(
        name.map((n) => `e${n}`),
        tagText,
      ),
    )
    .map(sorted),
  time: fc.integer({ min: Date.UTC(2000, 0, 1), max: Date.UTC(2100, 0, 1) - 1 }),
  values: fc
    .array(
      fc.tuple(
        name.map((n) => `m${n}`),
        value,
      ),
      { minLength: 1 },
    )
    .map((entries) => Object.fromEntries(sorted(entries))),
  future: fc.boolean(),
})

test("lines are those of InfluxDB's own client, whatever the readings hold", () => {
  fc.assert(
    fc.property(fc.array(reading, { maxLength: 8 }), (readings) => {
      expect(encodeLines(batchOf(readings))).toEqual(readings.map(clientLine))
    }),
    { numRuns: 500 },
  )
})

test('a line never has a line break outside of a string, and no unescaped end of a tag', () => {
  fc.assert(
    fc.property(reading, text, (given, label) => {
      const tags: [string, string][] = [...(given.tags ?? []), ['z', label]].map(([n, v]) => [n!, v!])
      const [line] = encodeLines(batchOf([{ ...given, values: { v: 1 }, tags }]))
      expect(line).toMatch(/^[^\n]* v=1(,quality="future")? \d+$/)
    }),
    { numRuns: 500 },
  )
})

describe('what the client does not show', () => {
  const line = (given: Partial<TestReading>) =>
    encodeLines(batchOf([{ device: 'd', type: 'generic', time: t0, values: { v: 1 }, ...given }]))[0]

  test('numbers are floats however whole they are', () => {
    expect(line({ values: { v: 3, big: 1e21, small: 5e-324 } })).toBe(
      `generic,device=d v=3,big=1e+21,small=5e-324 ${t0}`,
    )
  })

  test.each([
    ['C:\\', 'C:'],
    ['a\\\\\\', 'a'],
    ['a\\b', 'a\\b'],
  ])('the tag %j, which would swallow what follows it, is %j', (given, kept) => {
    expect(line({ tags: [['site', given]] })).toBe(`generic,device=d,site=${kept} v=1 ${t0}`)
  })

  test.each(['', '\\'])('the tag %j is none', (given) => {
    expect(line({ tags: [['site', given]] })).toBe(`generic,device=d v=1 ${t0}`)
  })

  test('rows of several devices and shapes keep their order', () => {
    const batch = batchOf([
      { device: 'a', type: 'fridge', time: 1, values: { on: true, note: 'x' } },
      { device: 'b', type: 'generic', time: 2, values: { note: 'say "hi" \\ there' } },
      { device: 'a', type: 'fridge', time: 3, values: { on: false, t: -1.5 }, future: true },
    ])
    expect(encodeLines(batch)).toEqual([
      'fridge,device=a on=true,note="x" 1',
      'generic,device=b note="say \\"hi\\" \\\\ there" 2',
      'fridge,device=a on=false,t=-1.5,quality="future" 3',
    ])
  })
})

test('an event is a point under its tags; the same event again is the same line', () => {
  const data = { device: 'd 1', class: 'health', rule: 'a,b', severity: 'info', state: 'raised', value: 9 }
  const record = {
    id: 'e"1',
    time: new Date(t0).toISOString(),
    data: { ...data, message: 'too\nwarm' },
  } as unknown as EventRecord
  const line =
    'event,class=health,device=d\\ 1,rule=a\\,b,severity=info,state=raised ' +
    `id="e\\"1",message="too\nwarm",value=9 ${t0}`
  expect(encodeEventLine(deliveredEvent(record, 7))).toBe(line)
  expect(encodeEventLine(deliveredEvent(record, 7))).toBe(line)
})
