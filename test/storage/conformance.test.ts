import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { EventRecord } from '../../domain/event.ts'
import { deliveredEvent } from '../../domain/event.ts'
import type { Value } from '../../domain/profile.ts'
import type { ReadingQuery, ReadingStore } from '../../storage/reading-store.ts'
import { batchOf } from '../support/reading-batches.ts'
import { type Subject, subjects } from './subjects.ts'

/** One suite for every implementation of the port. */
describe.each(subjects.filter(([, , available]) => available))('%s', (_name, create) => {
  let subject: Subject
  let store: ReadingStore
  let device = ''
  let number = 0
  const t0 = Date.UTC(2026, 0, 1)

  beforeAll(async () => {
    subject = await create()
    store = subject.store
  })
  afterAll(() => subject.close())

  /** A device of its own for each test, so that they do not meet. */
  const newDevice = () => {
    device = `dev-${++number}`
    return device
  }
  const write = async (...rows: [number, Record<string, Value>][]) => {
    const batch = batchOf(rows.map(([time, values]) => ({ device, type: 'generic', time, values })))
    expect(await store.write([batch])).toEqual({ kind: 'done', rejected: [] })
  }
  const read = (query: Partial<ReadingQuery> = {}) =>
    store.readings({
      device,
      type: 'generic',
      metrics: [],
      from: 0,
      to: Date.UTC(2100, 0, 1),
      limit: 100,
      ...query,
    })

  test('values of each type come back exactly', async () => {
    newDevice()
    const values = { a: 0.1 + 0.2, b: -1e-300, c: 9007199254740991, d: true, e: false, f: 'text' }
    await write([t0, values], [t0 + 1, { a: 0 }])
    expect(await read()).toEqual([
      { time: t0, values },
      { time: t0 + 1, values: { a: 0 } },
    ])
  })

  test.each([
    ...['quote " here', "it's", 'back\\slash', 'a,b=c d', 'Zürich 東京 😀', 'two\nlines', 'ends in \\'],
    ...['', ' ', '\r\n\t', 'null', '0', 'x'.repeat(256), 'nul \u0000 inside', '\u2028', '\ufeffmarked'],
  ])('the text %j comes back as it was', async (text) => {
    newDevice()
    await write([t0, { note: text }])
    expect(await read()).toEqual([{ time: t0, values: { note: text } }])
    expect(await store.latest({ device, type: 'generic' })).toEqual({ note: { value: text, time: t0 } })
  })

  test('a device id and tags with awkward characters are found again', async () => {
    device = `x.y:z-${++number}`
    const owner = { device, type: 'generic', tags: [['site', 'a b,c=d\\e']] as [string, string][] }
    expect(await store.write([batchOf([{ ...owner, time: t0, values: { v: 1 } }])])).toMatchObject({
      rejected: [],
    })
    expect(await read()).toEqual([{ time: t0, values: { v: 1 } }])
  })

  test.each([
    ['ends in a backslash', 'C:\\data\\'],
    ['a backslash before a comma', 'a\\,b'],
    ['only a backslash', '\\'],
    ['a line break', 'a\nb'],
  ])('a tag with %s breaks neither its own reading nor the next', async (_name, label) => {
    newDevice()
    const tags = [
      ['site', label],
      ['zone', 'z'],
    ] as [string, string][]
    const other = { device: `${device}-b`, type: 'generic', time: t0, values: { v: 2 } }
    const batch = batchOf([{ device, type: 'generic', tags, time: t0, values: { v: 1 } }, other])
    expect(await store.write([batch])).toEqual({ kind: 'done', rejected: [] })
    expect(await read()).toEqual([{ time: t0, values: { v: 1 } }])
    expect(await read({ device: `${device}-b` })).toEqual([{ time: t0, values: { v: 2 } }])
  })

  test('readings of one time before and after a change of labels are one reading', async () => {
    newDevice()
    const owner = (site: string) => ({
      device,
      type: 'generic',
      tags: [['site', site]] as [string, string][],
    })
    await store.write([batchOf([0, 1, 2].map((i) => ({ ...owner('a'), time: t0 + i, values: { a: i } })))])
    await store.write([batchOf([0, 1, 2].map((i) => ({ ...owner('b'), time: t0 + i, values: { b: i } })))])
    const both = [0, 1, 2].map((i) => ({ time: t0 + i, values: { a: i, b: i } }))
    expect(await read()).toEqual(both)
    for (const limit of [1, 2, 3]) expect(await read({ limit })).toEqual(both.slice(0, limit))
  })

  test('metrics may be named as what every object has', async () => {
    newDevice()
    const values = { constructor: 1, toString: 2, hasOwnProperty: true, valueOf: 'x' } as unknown as Record<
      string,
      Value
    >
    await write([t0, values])
    expect(await read()).toEqual([{ time: t0, values }])
    expect(Object.keys(await store.latest({ device, type: 'generic' })).sort()).toEqual(
      Object.keys(values).sort(),
    )
  })

  test('numbers at the ends of their range and the first and last time come back exactly', async () => {
    newDevice()
    const [first, last] = [Date.UTC(2000, 0, 1), Date.UTC(2100, 0, 1) - 1]
    const values = { big: Number.MAX_VALUE, small: Number.MIN_VALUE, odd: -123456789.12345679, e: 1e21 }
    await write([first, values], [last, { big: 1 }])
    expect(await read()).toEqual([
      { time: first, values },
      { time: last, values: { big: 1 } },
    ])
  })

  test('nothing written is no error, and nothing is what an unknown device or metric has', async () => {
    newDevice()
    expect(await store.write([])).toEqual({ kind: 'done', rejected: [] })
    expect(await store.write([batchOf([])])).toEqual({ kind: 'done', rejected: [] })
    expect(await store.writeEvents([])).toEqual({ kind: 'done' })
    expect(await read()).toEqual([])
    expect(await store.latest({ device, type: 'generic' })).toEqual({})
    expect(await store.latest({ device, type: 'never_written' })).toEqual({})
    await write([t0, { v: 1 }])
    expect(await read({ metrics: ['never_written'] })).toEqual([])
    expect(await read({ metrics: ['never_written', 'v'] })).toEqual([{ time: t0, values: { v: 1 } }])
    expect(await read({ type: 'never_written', device: 'nobody' })).toEqual([])
  })

  test('more rows than one request holds, in several batches that repeat each other', async () => {
    newDevice()
    const rows = (from: number, to: number, shift = 0) =>
      batchOf(
        Array.from({ length: to - from }, (_, i) => ({
          ...{ device, type: 'generic', time: t0 + from + i },
          values: { v: from + i + shift },
        })),
      )
    expect(await store.write([rows(0, 4_000), rows(2_000, 7_000), rows(3_999, 4_001, 0.5)])).toEqual({
      kind: 'done',
      rejected: [],
    })
    const found = await read({ limit: 10_000 })
    expect(found).toHaveLength(7_000)
    expect(found.every(({ time }, i) => time === t0 + i)).toBe(true)
    expect(found.slice(3_998, 4_002).map(({ values }) => values.v)).toEqual([3_998, 3_999.5, 4_000.5, 4_001])
  })

  test('the same readings again add nothing', async () => {
    newDevice()
    const rows: [number, Record<string, Value>][] = Array.from({ length: 50 }, (_, i) => [
      t0 + i,
      { v: i, w: -i },
    ])
    await write(...rows)
    await write(...rows)
    await write(...rows.slice(10, 20))
    expect(await read()).toHaveLength(50)
    expect(await read({ metrics: ['v'], everyMs: 3_600_000, fn: 'count' })).toEqual([
      { time: t0, values: { v: 50 } },
    ])
  })

  test('of two values for one time the last written wins, in one batch and across', async () => {
    newDevice()
    await write([t0, { v: 1 }], [t0 + 5, { v: 5 }], [t0, { v: 2 }])
    expect(await read()).toEqual([
      { time: t0, values: { v: 2 } },
      { time: t0 + 5, values: { v: 5 } },
    ])
    await write([t0, { v: 3 }])
    expect((await read())[0]).toEqual({ time: t0, values: { v: 3 } })
  })

  test('different metrics at one time are one reading', async () => {
    newDevice()
    await write([t0, { a: 1 }])
    await write([t0, { b: 2 }])
    expect(await read()).toEqual([{ time: t0, values: { a: 1, b: 2 } }])
  })

  test('a late reading takes its place in time, and the newest stays the newest', async () => {
    newDevice()
    await write([t0 + 1000, { v: 10 }])
    await write([t0, { v: 1, late: 7 }])
    expect((await read()).map(({ time }) => time)).toEqual([t0, t0 + 1000])
    expect(await store.latest({ device, type: 'generic' })).toEqual({
      v: { value: 10, time: t0 + 1000 },
      late: { value: 7, time: t0 },
    })
  })

  test('the newest value of each type is told with its own time', async () => {
    newDevice()
    await write([t0, { num: 1, flag: true, text: 'x' }], [t0 + 1, { num: 2 }])
    expect(await store.latest({ device, type: 'generic' })).toEqual({
      num: { value: 2, time: t0 + 1 },
      flag: { value: true, time: t0 },
      text: { value: 'x', time: t0 },
    })
  })

  test('from is inclusive, to is exclusive, limit counts readings', async () => {
    newDevice()
    await write(
      [t0, { a: 0, b: 0 }],
      [t0 + 1, { a: 1, b: 1 }],
      [t0 + 2, { a: 2, b: 2 }],
      [t0 + 3, { a: 3, b: 3 }],
    )
    expect((await read({ from: t0 + 1, to: t0 + 3 })).map(({ time }) => time - t0)).toEqual([1, 2])
    expect((await read({ limit: 2 })).map(({ time }) => time - t0)).toEqual([0, 1])
    expect((await read({ metrics: ['b'], limit: 1 }))[0]).toEqual({ time: t0, values: { b: 0 } })
  })

  test.each([
    ['mean', 2],
    ['min', 1],
    ['max', 3],
    ['sum', 6],
    ['count', 3],
    ['last', 2],
  ] as const)(
    '%s over windows aligned to the epoch, those without readings left out',
    async (fn, expected) => {
      newDevice()
      const minute = 60_000
      await write(
        [t0 + 10, { v: 1 }],
        [t0 + 20, { v: 3 }],
        [t0 + minute - 1, { v: 2 }],
        [t0 + 3 * minute, { v: 9 }],
      )
      const windows = await read({ metrics: ['v'], everyMs: minute, fn, from: t0 + 10 })
      expect(windows).toEqual([
        { time: t0, values: { v: expected } },
        { time: t0 + 3 * minute, values: { v: fn === 'count' ? 1 : 9 } },
      ])
    },
  )

  test('a window function over all metrics names them as they are', async () => {
    newDevice()
    await write([t0, { a: 1, b: 4 }], [t0 + 1, { a: 3, b: 6 }])
    expect(await read({ everyMs: 1000, fn: 'mean' })).toEqual([{ time: t0, values: { a: 2, b: 5 } }])
  })

  test.each(['mean', 'min', 'max', 'sum'] as const)(
    '%s leaves booleans and strings out, named or not',
    async (fn) => {
      newDevice()
      await write([t0, { v: 1, flag: true, text: 'x' }], [t0 + 1, { flag: false, text: 'y' }])
      const expected = [{ time: t0, values: { v: 1 } }]
      expect(await read({ everyMs: 1000, fn })).toEqual(expected)
      expect(await read({ everyMs: 1000, fn, metrics: ['v', 'flag', 'text'] })).toEqual(expected)
      expect(await read({ everyMs: 1000, fn, metrics: ['flag', 'text'] })).toEqual([])
    },
  )

  test('count and last answer for every type', async () => {
    newDevice()
    await write([t0, { v: 1, flag: true, text: 'x' }], [t0 + 1, { flag: false, text: 'y' }])
    const metrics = ['v', 'flag', 'text']
    for (const named of [[], metrics]) {
      expect(await read({ everyMs: 1000, fn: 'count', metrics: named })).toEqual([
        { time: t0, values: { v: 1, flag: 2, text: 2 } },
      ])
      expect(await read({ everyMs: 1000, fn: 'last', metrics: named })).toEqual([
        { time: t0, values: { v: 1, flag: false, text: 'y' } },
      ])
    }
  })

  test('limit counts windows, from the first that has readings', async () => {
    newDevice()
    await write(
      ...[0, 1, 5, 6].map((hour): [number, { v: number }] => [t0 + hour * 3_600_000 + 7, { v: hour }]),
    )
    const read2 = (from: number) =>
      read({ everyMs: 3_600_000, fn: 'sum', metrics: ['v'], from: t0 + from * 3_600_000, limit: 2 })
    expect((await read2(0)).map(({ values }) => values.v)).toEqual([0, 1])
    expect((await read2(1)).map(({ values }) => values.v)).toEqual([1, 5])
    expect((await read2(6)).map(({ values }) => values.v)).toEqual([6])
  })

  test('a reading from the future says so', async () => {
    newDevice()
    const batch = batchOf([{ device, type: 'generic', time: t0, values: { v: 1 }, future: true }])
    await store.write([batch])
    expect(await read()).toEqual([{ time: t0, values: { v: 1, quality: 'future' } }])
  })

  test('readings and events written at once do not disturb each other', async () => {
    newDevice()
    const event = deliveredEvent(
      {
        id: `e-${device}`,
        time: new Date(t0).toISOString(),
        data: {
          device,
          class: 'health',
          rule: 'r',
          severity: 'info',
          state: 'raised',
          message: 'm',
          value: 1,
        },
      } as unknown as EventRecord,
      0,
    )
    const writes = Array.from({ length: 20 }, (_, i) => [
      write([t0 + i, { v: i }]),
      store.writeEvents([event]),
    ])
    await Promise.all(writes.flat())
    expect(await read({ everyMs: 1000, fn: 'count', metrics: ['v'] })).toEqual([
      { time: t0, values: { v: 20 } },
    ])
  })

  test('what was purged is gone, and the device may write again', async () => {
    newDevice()
    await write([t0, { v: 1 }])
    await store.purge({ device, type: 'generic' })
    expect(await read()).toEqual([])
    await write([t0, { v: 2 }])
    expect(await read()).toEqual([{ time: t0, values: { v: 2 } }])
  })

  test('after a purge late and repeated readings are stored once, and others keep theirs', async () => {
    const other = `${newDevice()}-other`
    const rows: [number, Record<string, Value>][] = [0, 1, 2].map((i) => [t0 + i, { v: i }])
    await write(...rows)
    await store.write([batchOf([{ device: other, type: 'generic', time: t0, values: { v: 9 } }])])
    await store.purge({ device, type: 'generic' })
    await write(rows[2]!)
    await write(...rows)
    await write(rows[0]!, rows[0]!)
    expect((await read()).map(({ time }) => time - t0)).toEqual([0, 1, 2])
    expect(await read({ device: other })).toEqual([{ time: t0, values: { v: 9 } }])
    await store.purge({ device: 'nobody', type: 'generic' })
  })

  test('a restart keeps everything and still knows repeats', async () => {
    newDevice()
    await write([t0, { v: 1 }], [t0 + 1, { v: 2 }])
    store = await subject.reopen()
    await write([t0, { v: 1 }], [t0 + 1, { v: 2 }], [t0 + 2, { v: 3 }])
    expect(await read({ metrics: ['v'], everyMs: 1000, fn: 'count' })).toEqual([
      { time: t0, values: { v: 3 } },
    ])
  })
})
