import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { csvRecording, csvRows, ndjsonRecording, type Recording, spanOf } from '../../simulators/recording.ts'
import type { ReplayMap } from '../../simulators/replay-map.ts'
import { datasetsDir } from '../support/datasets.ts'
import { tempDir } from '../support/temp-dir.ts'

function file(name: string, text: string): string {
  const path = join(tempDir(), name)
  writeFileSync(path, text)
  return path
}

const csv = (text: string) => file('recording.csv', text)
const ndjson = (...lines: readonly (object | string)[]) =>
  file(
    'recording.ndjson',
    lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'),
  )

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const row of rows) found.push(row)
  return found
}

describe('rows of a CSV file', () => {
  const rowsOf = (path: string) => all(csvRows(path))

  test('are read by the names of the header; quoted cells may hold commas, quotes and line ends', async () => {
    const text = '"a","b ""b""",c\n1,"2,5","x\ny"\n,"",3\n'
    expect(await rowsOf(csv(text))).toEqual([
      { a: '1', 'b "b"': '2,5', c: 'x\ny' },
      { a: '', 'b "b"': '', c: '3' },
    ])
  })

  test('a byte order mark, carriage returns and empty lines are no part of them', async () => {
    expect(await rowsOf(csv('\ufeffa,b\r\n1,2\r\n\r\n3,4'))).toEqual([
      { a: '1', b: '2' },
      { a: '3', b: '4' },
    ])
  })

  test('a header that is one cell short is R’s: the first cell of a row is its name', async () => {
    expect(await rowsOf(csv('"date","v"\n"1","2015-02-11 14:48:00",21.7\n"2","x",22\n'))).toEqual([
      { date: '2015-02-11 14:48:00', v: '21.7' },
      { date: 'x', v: '22' },
    ])
  })

  test.each([
    ['too few cells', 'a,b,c\n1,2,3\n1,2\n', 'row 2 has 2 cells, the header 3'],
    ['too many cells', 'a,b\n1,2,3,4\n', 'row 1 has 4 cells, the header 2'],
    ['a quote that does not end', 'a,b\n1,"2\n', 'Quote'],
  ])('%s: an error with the row', async (_case, text, message) => {
    await expect(rowsOf(csv(text))).rejects.toMatchObject({
      code: 'TIDEMARK_CSV_INVALID',
      exitCode: 2,
      message: expect.stringContaining(message),
    })
  })

  test('a file that is not there: exit code 2', async () => {
    await expect(rowsOf(join(tempDir(), 'none.csv'))).rejects.toMatchObject({
      code: 'TIDEMARK_CSV_INVALID',
      exitCode: 2,
    })
  })
})

describe('a CSV file as a recording', () => {
  const map: ReplayMap = {
    device: 'room',
    type: 'room_sensor',
    time: { column: 'date', format: 'yyyy-MM-dd HH:mm:ss', timezone: 'UTC' },
    metrics: { temperature_c: { column: 'T' } },
  }

  test('is of one device; a row without a value is no reading', async () => {
    const recording = await csvRecording(csv('date,T\n2015-02-11 14:48:00,21.7\n2015-02-11 14:49:00,\n'), map)
    expect(recording.devices).toEqual([{ id: 'room', type: 'room_sensor' }])
    const ts = Date.UTC(2015, 1, 11, 14, 48)
    expect(await all(recording.rows())).toEqual([
      { device: 'room', ts, values: { temperature_c: 21.7 } },
      undefined,
    ])
  })
})

const t = Date.UTC(2026, 0, 1)
const line = (device: string, ts: number, values: object, more: object = {}) => ({
  device,
  ts,
  values,
  ...more,
})

describe('NDJSON as a recording', () => {
  test('is of as many devices as there are, each with its type: the line’s, else the one that is given', async () => {
    const path = ndjson(
      line('a', t, { v: 1 }, { type: 'fridge', seq: 1 }),
      line('b', t + 1, { v: true, w: 'x' }, { seq: 1, sentAt: 5, ackedAt: 6 }),
      '',
      line('a', t + 2, { v: 2 }),
    )
    const recording = await ndjsonRecording(path, 'generic')
    expect(recording.devices).toEqual([
      { id: 'a', type: 'fridge' },
      { id: 'b', type: 'generic' },
    ])
    const expected = [
      line('a', t, { v: 1 }),
      line('b', t + 1, { v: true, w: 'x' }),
      line('a', t + 2, { v: 2 }),
    ]
    expect(await all(recording.rows())).toEqual(expected)
    // A recording is read as often as it is asked for.
    expect(await all(recording.rows())).toEqual(expected)
  })

  test('null is no value, and a line without any is no reading: a broken message of a ledger, for one', async () => {
    const path = ndjson(
      line('a', t, { v: null, w: 1 }),
      line('a', t, { v: null }),
      line('a', t, {}, { deadLetter: 'payload.not_json' }),
    )
    const { rows } = await ndjsonRecording(path, 'generic')
    expect(await all(rows())).toEqual([line('a', t, { w: 1 }), undefined, undefined])
  })

  test.each([
    ['no JSON', [line('a', t, { v: 1 }), '{"device":"a"'], 'generic', 'line 2'],
    ['no device', [{ ts: t, values: {} }], 'generic', 'line 1: /device'],
    ['a device that cannot be one', [line('a/b', t, {})], 'generic', 'line 1: /device: not a device id'],
    ['no time', [{ device: 'a', values: {} }], 'generic', 'line 1: /ts'],
    ['a value that no reading has', [line('a', t, { v: [1] })], 'generic', 'line 1: /values/v'],
    ['no type', [line('a', t, { v: 1 })], undefined, 'line 1: it says no type of a: give --type'],
    [
      'two types of one device',
      [line('a', t, {}, { type: 'fridge' }), line('a', t, {}, { type: 'generic' })],
      undefined,
      'line 2: a is a generic, and was a fridge before',
    ],
    ['nothing', [''], 'generic', 'holds no reading'],
  ])('%s: an error with the line, before anything is played', async (_case, lines, type, message) => {
    await expect(ndjsonRecording(ndjson(...lines), type)).rejects.toMatchObject({
      code: 'TIDEMARK_RECORDING_INVALID',
      exitCode: 2,
      message: expect.stringContaining(message),
    })
  })

  test('a file that is not there: exit code 2', async () => {
    const path = join(tempDir(), 'none.ndjson')
    await expect(ndjsonRecording(path)).rejects.toMatchObject({
      code: 'TIDEMARK_RECORDING_INVALID',
      exitCode: 2,
    })
  })
})

describe('the span of a recording', () => {
  const of = (...times: number[]): Recording => ({
    devices: [],
    async *rows() {
      yield undefined
      for (const ts of times) yield { device: 'a', ts, values: {} }
    },
  })

  test.each([
    ['is that from the first time to the last', [t, t + 1, t + 5], [t, t + 5]],
    ['does not ask for an order', [t + 3, t, t + 5, t + 4, t + 2], [t, t + 4]],
    ['leaves out a clock that was ahead for a row', [t, t + 1, t + 1e10, t + 2], [t, t + 2]],
    ['leaves out a clock that counted from 1970', [t, 86_400_000, t + 2], [t, t + 2]],
    ['of one reading is its time', [t], [t, t]],
  ])('%s', async (_case, times, [firstMs, lastMs]) => {
    expect(await spanOf(of(...times))).toEqual({ firstMs, lastMs })
  })

  test('there is none without a reading', async () => {
    expect(await spanOf(of())).toBeUndefined()
  })
})

const datasets = datasetsDir()

test.runIf(datasets !== undefined)(
  'a real recording is read with its span and its number of readings',
  async () => {
    const recording = await csvRecording(join(datasets!, 'room-occupancy.csv'), {
      device: 'room',
      type: 'room_sensor',
      time: { column: 'Date', format: 'yyyy-MM-dd HH:mm:ss', timezone: 'UTC' },
      metrics: { co2_ppm: { column: 'CO2' } },
    })
    expect((await all(recording.rows())).filter((row) => row !== undefined)).toHaveLength(9_752)
    expect(await spanOf(recording)).toEqual({
      firstMs: Date.UTC(2015, 1, 11, 14, 48),
      lastMs: Date.UTC(2015, 1, 18, 9, 19),
    })
  },
)
