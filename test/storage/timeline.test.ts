import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Value } from '../../domain/profile.ts'
import type {
  DeviceReading,
  ReadingStore,
  TimelinePlace,
  TimelineQuery,
} from '../../storage/reading-store.ts'
import { batchOf, type TestReading } from '../support/reading-batches.ts'
import { type Subject, subjects } from './subjects.ts'

/** `timeline` of every implementation of the port. Each test has a type, and years, of its own. */
describe.each(subjects.filter(([, , available]) => available))('%s', (_name, create) => {
  let subject: Subject
  let store: ReadingStore
  let type = ''
  let number = 0
  const t0 = Date.UTC(2026, 0, 1)
  const everything = { from: Date.UTC(2000, 0, 1), to: Date.UTC(2100, 0, 1) }

  beforeAll(async () => {
    subject = await create()
    store = subject.store
  })
  afterAll(() => subject.close())

  const newType = () => {
    type = `type_${++number}`
    return type
  }
  const reading = (name: string, time: number, values: Record<string, Value>): TestReading => ({
    device: `${type}-${name}`,
    type,
    time,
    values,
  })
  const write = async (...readings: TestReading[]) =>
    expect(await store.write([batchOf(readings)])).toEqual({ kind: 'done', rejected: [] })
  const page = (query: Partial<TimelineQuery>) =>
    store.timeline({ types: [type], ...everything, limit: 100, ...query })
  /** Every page to the last; none may be longer than `limit`. */
  async function walk(query: Partial<TimelineQuery>): Promise<DeviceReading[]> {
    const all: DeviceReading[] = []
    let at: TimelinePlace | undefined
    for (let pages = 0; pages === 0 || at !== undefined; pages++) {
      expect(pages).toBeLessThan(1_000)
      const { readings, next } = await page({ ...query, at })
      expect(readings.length).toBeLessThanOrEqual(query.limit ?? 100)
      all.push(...readings)
      at = next
    }
    return all
  }
  /** Of this test's devices: DuckDB keeps no types. */
  const own = (readings: readonly DeviceReading[]) =>
    readings
      .filter(({ device }) => device.startsWith(`${type}-`))
      .map(({ device, time, values }) => ({ device: device.slice(type.length + 1), time: time - t0, values }))
  const names = (...devices: string[]) => devices.map((name) => `${type}-${name}`)

  test('readings of several devices come by time, then by device, each whole', async () => {
    newType()
    await write(
      ...[reading('b', t0, { v: 1, w: true }), reading('a', t0 + 1, { v: 2, text: '\ufeffx' })],
      ...[reading('a', t0, { v: 3 }), reading('B', t0, { v: 4 }), reading('c', t0 + 3, { v: 5 })],
    )
    await write(reading('a', t0, { later: 0.1 + 0.2 }))
    expect(own(await walk({}))).toEqual([
      { device: 'B', time: 0, values: { v: 4 } },
      { device: 'a', time: 0, values: { v: 3, later: 0.1 + 0.2 } },
      { device: 'b', time: 0, values: { v: 1, w: true } },
      { device: 'a', time: 1, values: { v: 2, text: '\ufeffx' } },
      { device: 'c', time: 3, values: { v: 5 } },
    ])
  })

  test.each([1, 2, 7, 50, 1_000])('pages of %i give each reading once and in order', async (limit) => {
    newType()
    // Some times have several devices, some one, and hours or years have none.
    const times = [0, 0, 0, 0, 0, 1, 2, 3, 3, 3, 60_000, 7_200_000, 31e9, 31e9, 31e9 + 1]
    const written = times.map((after, i) => reading(`d${(i * 7) % 11}`, t0 + after, { v: i, w: i + 0.5 }))
    await write(...written)
    const expected = own(
      written
        .map(({ device, time, values }) => ({ device, time, values }))
        .sort((a, b) => a.time - b.time || (a.device < b.device ? -1 : 1)),
    )
    expect(own(await walk({ limit }))).toEqual(expected)
    expect(own(await walk({ limit, devices: written.map(({ device }) => device) }))).toEqual(expected)
  })

  test('more devices of one time than a page holds', async () => {
    newType()
    const many = Array.from({ length: 1_500 }, (_, i) => reading(`d${i}`, t0, { v: i, w: 1 }))
    await write(reading('first', t0 - 1, { v: 0 }), ...many, reading('last', t0 + 1, { v: 0 }))
    const found = own(await walk({ limit: 400, from: t0 - 1, to: t0 + 2 }))
    const ids = Array.from({ length: 1_500 }, (_, i) => `d${i}`).sort()
    expect(found.map(({ device }) => device)).toEqual(['first', ...ids, 'last'])
    expect(
      found.every(
        ({ values }) => Object.keys(values).length === (values.v === 0 && values.w === undefined ? 1 : 2),
      ),
    ).toBe(true)
  })

  test('more values of one time, and of a minute, than are read at once', async () => {
    newType()
    const values = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`m${i}`, i]))
    const written = ['a', 'b'].flatMap((prefix, k) =>
      Array.from({ length: 90 }, (_, i) => reading(`${prefix}${i}`, t0 + k * i, values)),
    )
    await write(...written)
    const found = own(await walk({ limit: 1_000 }))
    expect(found).toHaveLength(180)
    expect(found.every((one) => Object.keys(one.values).length === 300)).toBe(true)
    expect(found.map(({ time }) => time)).toEqual(found.map(({ time }) => time).toSorted((a, b) => a - b))
  })

  test('from is included, to is not, and only the devices that are named', async () => {
    newType()
    await write(
      ...[0, 1, 2, 3].flatMap((ms) => ['a', 'b', 'a.b'].map((name) => reading(name, t0 + ms, { v: ms }))),
    )
    const told = async (query: Partial<TimelineQuery>) =>
      own(await walk(query)).map(({ device, time }) => `${device}${time}`)
    const span = { from: t0 + 1, to: t0 + 3 }
    expect(await told(span)).toEqual(['a1', 'a.b1', 'b1', 'a2', 'a.b2', 'b2'])
    expect(await told({ ...span, devices: names('a') })).toEqual(['a1', 'a2'])
    expect(await told({ ...span, devices: names('a', 'b') })).toEqual(['a1', 'b1', 'a2', 'b2'])
    expect(await told({ ...span, devices: names('a.b', 'nobody') })).toEqual(['a.b1', 'a.b2'])
    expect(await told({ ...span, devices: [] })).toEqual([])
  })

  test('readings at both ends of what may be stored, and none between', async () => {
    newType()
    await write(
      ...[reading('a', everything.from, { v: 1 }), reading('b', everything.to - 1, { v: 2 })],
      reading('a', t0, { v: 3 }),
    )
    const found = await walk({ devices: names('a', 'b') })
    expect(found.map(({ time }) => time)).toEqual([everything.from, t0, everything.to - 1])
  })

  test('readings of one time before and after a change of labels are one reading', async () => {
    newType()
    const labelled = (site: string, values: Record<string, Value>) => ({
      ...reading('a', t0, values),
      tags: [['site', site]] as [string, string][],
    })
    await write(labelled('north', { v: 1 }))
    await write(labelled('south', { w: 2 }), reading('b', t0, { v: 3 }))
    for (const limit of [1, 2, 10])
      expect(own(await walk({ limit, devices: names('a', 'b') }))).toEqual([
        { device: 'a', time: 0, values: { v: 1, w: 2 } },
        { device: 'b', time: 0, values: { v: 3 } },
      ])
  })

  test('readings of several types come together', async () => {
    const first = newType()
    await write(reading('a', t0, { v: 1 }), reading('a', t0 + 2, { v: 3 }))
    newType()
    await write(reading('a', t0 + 1, { other: 2 }))
    const devices = [`${first}-a`, `${type}-a`]
    for (const limit of [1, 2, 10]) {
      const found = await walk({ types: [first, type, 'never_written'], devices, limit })
      expect(found.map(({ values }) => values)).toEqual([{ v: 1 }, { other: 2 }, { v: 3 }])
    }
  })
})
