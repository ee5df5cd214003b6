import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LedgerEntry } from '../../simulators/ledger.ts'
import { csvRows, type ReplayOptions, replay } from '../../simulators/replay.ts'
import type { ReplayMap } from '../../simulators/replay-map.ts'
import { verify } from '../../simulators/verify.ts'
import { type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import { newTempDir, tempDir } from '../support/temp-dir.ts'

function csv(text: string): string {
  const path = join(tempDir(), 'recording.csv')
  writeFileSync(path, text)
  return path
}

describe('rows of a CSV file', () => {
  async function rowsOf(path: string) {
    const rows: Record<string, string>[] = []
    for await (const row of csvRows(path)) rows.push(row)
    return rows
  }

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

describe('replay through a real platform', () => {
  const dir = newTempDir()
  let platform: PlatformProcess
  const map: ReplayMap = {
    device: 'room',
    type: 'room_sensor',
    time: { column: 'date', format: 'yyyy-MM-dd HH:mm:ss', timezone: 'Europe/Brussels' },
    metrics: { temperature_c: { column: 'T' }, co2_ppm: { column: 'CO2', scale: 10 } },
  }
  const play = (file: string, options: Partial<ReplayOptions> = {}) =>
    replay({
      file,
      map,
      mqttUrl: platform.mqttUrl,
      api: platform.api,
      speed: Number.POSITIVE_INFINITY,
      signal: new AbortController().signal,
      ...options,
    })
  const stored = async (device: string) => {
    const { items } = await platform.api.request<{ items: { time: string; values: object }[] }>(
      'GET',
      `/readings?device=${device}&limit=1000`,
    )
    return items.map(({ time, values }) => [time, values])
  }
  const minutes = (count: number) =>
    `date,T,CO2\n${Array.from({ length: count }, (_, i) => `2015-02-11 14:${String(i % 60).padStart(2, '0')}:00,${i},50`).join('\n')}\n`

  beforeAll(async () => {
    platform = await startPlatformProcess(dir.path, ['--device-rate-max', '0'])
  })
  afterAll(async () => {
    await platform?.end('SIGKILL')
    dir.remove()
  })

  test('what has values is stored at its UTC time; an hour that comes twice is two hours', async () => {
    const file = csv(
      '"date","T","CO2"\n' +
        // Brussels, 29 March 2015: 02:00 is followed by 03:00; 25 October: 02:00 comes twice.
        '"1","2015-03-29 01:59:00",20.5,""\n' +
        '"2","2015-03-29 03:00:00",20.6,41.1\n' +
        '"3","2015-03-29 03:01:00","",""\n' +
        '"4","2015-10-25 02:00:00",1,\n' +
        '"5","2015-10-25 02:30:00",2,\n' +
        '"6","2015-10-25 02:00:00",3,\n' +
        '"7","2015-10-25 02:30:00",4,\n' +
        '"8","2015-10-25 03:00:00",5,\n',
    )
    const ledger = join(tempDir(), 'ledger.ndjson')
    const report = await play(file, { ledger })
    expect(report).toMatchObject({ device: 'room', rows: 8, skipped: 1, sent: 7, acknowledged: 7 })
    expect(await verify({ ledger, api: platform.api, settleMs: 20_000 })).toMatchObject({
      stored: 7,
      missing: 0,
      altered: 0,
      invented: 0,
      repeated: 0,
    })
    expect(await stored('room')).toEqual([
      ['2015-03-29T00:59:00Z', { temperature_c: 20.5 }],
      ['2015-03-29T01:00:00Z', { temperature_c: 20.6, co2_ppm: 411 }],
      ['2015-10-25T00:00:00Z', { temperature_c: 1 }],
      ['2015-10-25T00:30:00Z', { temperature_c: 2 }],
      ['2015-10-25T01:00:00Z', { temperature_c: 3 }],
      ['2015-10-25T01:30:00Z', { temperature_c: 4 }],
      ['2015-10-25T02:00:00Z', { temperature_c: 5 }],
    ])
  })

  test.each([
    ['that is not there', () => join(tempDir(), 'none.csv'), 'ENOENT'],
    [
      'without a mapped column',
      () => csv('date,T\n2015-02-11 14:48:00,1\n'),
      'no column CO2; it has date, T',
    ],
    [
      'with another format of time',
      () => csv('date,T,CO2\n11/02/2015,1,2\n'),
      'row 1: column date: "11/02/2015"',
    ],
  ])('a file %s is refused before a device is registered', async (_case, file, message) => {
    const device = 'unregistered'
    await expect(play(file(), { map: { ...map, device } })).rejects.toMatchObject({
      code: 'TIDEMARK_CSV_INVALID',
      exitCode: 2,
      message: expect.stringContaining(message),
    })
    await expect(platform.api.request('GET', `/devices/${device}`)).rejects.toThrow('404')
  })

  test('an error in the middle is said with its row, and what came before is stored and in the ledger', async () => {
    const ledger = join(tempDir(), 'ledger.ndjson')
    const broken = minutes(20).replace('14:12:00,12,50', '14:12:00,twelve,50')
    const device = 'broken'
    await expect(play(csv(broken), { ledger, map: { ...map, device } })).rejects.toMatchObject({
      code: 'TIDEMARK_CSV_INVALID',
      message: 'row 13: column T: "twelve" is not a number',
    })
    expect(await verify({ ledger, api: platform.api, settleMs: 20_000 })).toMatchObject({
      acknowledged: 12,
      stored: 12,
      missing: 0,
    })
  })

  test('--speed keeps the distances of the recording, so much shorter', async () => {
    // Ten minutes at 1,200 times the speed.
    const { seconds, sent } = await play(csv(minutes(11)), { speed: 1_200, map: { ...map, device: 'paced' } })
    expect(sent).toBe(11)
    expect(seconds).toBeGreaterThan(0.49)
  })

  test('interrupted, it stops with all that it sent acknowledged', async () => {
    const ledger = join(tempDir(), 'ledger.ndjson')
    const interruption = new AbortController()
    const { sent, acknowledged } = await play(csv(minutes(60)), {
      ledger,
      map: { ...map, device: 'interrupted' },
      signal: interruption.signal,
      onProgress: (rows) => rows === 30 && interruption.abort(),
    })
    expect([sent, acknowledged]).toEqual([30, 30])
    const entries = readFileSync(ledger, 'utf8').trim().split('\n')
    expect(entries.map((line) => (JSON.parse(line) as LedgerEntry).values.temperature_c)).toEqual(
      Array.from({ length: 30 }, (_, i) => i),
    )
  })
})
