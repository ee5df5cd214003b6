import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LedgerEntry } from '../../simulators/ledger.ts'
import { csvRecording, ndjsonRecording } from '../../simulators/recording.ts'
import { type ReplayOptions, replay } from '../../simulators/replay.ts'
import type { ReplayMap } from '../../simulators/replay-map.ts'
import { verify } from '../../simulators/verify.ts'
import { type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import { newTempDir, tempDir } from '../support/temp-dir.ts'

function csv(text: string): string {
  const path = join(tempDir(), 'recording.csv')
  writeFileSync(path, text)
  return path
}

describe('replay through a real platform', () => {
  const dir = newTempDir()
  let platform: PlatformProcess
  const map: ReplayMap = {
    device: 'room',
    type: 'room_sensor',
    time: { column: 'date', format: 'yyyy-MM-dd HH:mm:ss', timezone: 'Europe/Brussels' },
    metrics: { temperature_c: { column: 'T' }, co2_ppm: { column: 'CO2', scale: 10 } },
  }
  const play = async (
    file: string,
    { device = 'room', ...options }: Partial<ReplayOptions> & { device?: string } = {},
  ) =>
    replay({
      recording: await csvRecording(file, { ...map, device }),
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
    expect(report).toMatchObject({ devices: 1, rows: 8, skipped: 1, sent: 7, acknowledged: 7 })
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
    await expect(play(file(), { device })).rejects.toMatchObject({
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
    await expect(play(csv(broken), { ledger, device })).rejects.toMatchObject({
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
    const { seconds, sent } = await play(csv(minutes(11)), { speed: 1_200, device: 'paced' })
    expect(sent).toBe(11)
    expect(seconds).toBeGreaterThan(0.49)
  })

  const lines = (name: string, entries: readonly object[]) => {
    const path = join(tempDir(), name)
    writeFileSync(path, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
    return path
  }
  const playLines = async (path: string, options: Partial<ReplayOptions> = {}) =>
    replay({
      recording: await ndjsonRecording(path, 'generic'),
      mqttUrl: platform.mqttUrl,
      api: platform.api,
      speed: Number.POSITIVE_INFINITY,
      signal: new AbortController().signal,
      ...options,
    })
  const recordedMs = Date.UTC(2020, 5, 1)

  test('a recording of several devices is played to each under its type, without what was not measured', async () => {
    const path = lines('several.ndjson', [
      { device: 'one', type: 'fridge', ts: recordedMs, values: { temperature_c: 4, door_open: null } },
      { device: 'two', ts: recordedMs, values: { level: 'low' } },
      { device: 'one', ts: recordedMs + 60_000, values: { temperature_c: 5, door_open: true } },
      { device: 'two', ts: recordedMs, values: {}, deadLetter: 'payload.not_json' },
    ])
    const ledger = join(tempDir(), 'ledger.ndjson')
    const report = await playLines(path, { ledger })
    expect(report).toMatchObject({ devices: 2, rows: 4, skipped: 1, sent: 3, acknowledged: 3 })
    await verify({ ledger, api: platform.api, settleMs: 20_000 })
    expect(await platform.api.request('GET', '/devices/one')).toMatchObject({ type: 'fridge' })
    expect(await platform.api.request('GET', '/devices/two')).toMatchObject({ type: 'generic' })
    expect(await stored('one')).toEqual([
      ['2020-06-01T00:00:00Z', { temperature_c: 4 }],
      ['2020-06-01T00:01:00Z', { temperature_c: 5, door_open: true }],
    ])
    expect(await stored('two')).toEqual([['2020-06-01T00:00:00Z', { level: 'low' }]])
    // And a ledger is a recording again.
    const again = await playLines(ledger, { start: recordedMs + 3_600_000 })
    expect(again).toMatchObject({ devices: 2, sent: 3, acknowledged: 3 })
  })

  const everyMinute = (device: string) =>
    lines(
      'minutes.ndjson',
      Array.from({ length: 11 }, (_, i) => ({ device, ts: recordedMs + i * 60_000, values: { i } })),
    )
  const times = (ledger: string) =>
    readFileSync(ledger, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as LedgerEntry)

  test('--start moves all times by the same, so that the first is the one that is given', async () => {
    const ledger = join(tempDir(), 'ledger.ndjson')
    const start = Date.UTC(2026, 2, 3, 4, 5)
    await playLines(everyMinute('moved'), { ledger, start })
    expect(times(ledger).map(({ ts, values }) => ts - start - 60_000 * (values.i as number))).toEqual(
      Array(11).fill(0),
    )
  })

  test.each([
    ['as fast as can be, the recording ends now', Number.POSITIVE_INFINITY],
    ['faster than life, it ends when it is played', 1_200],
  ])('moved to now: %s, and no reading is ahead of the clock', async (_case, speed) => {
    const ledger = join(tempDir(), 'ledger.ndjson')
    const before = Date.now()
    await playLines(everyMinute('now'), { ledger, start: 'now', speed })
    const entries = times(ledger)
    for (const { ts, sentAt } of entries) expect(ts).toBeLessThanOrEqual(sentAt)
    const last = entries.at(-1)!
    expect(last.ts).toBeGreaterThanOrEqual(before)
    expect(last.ts - entries[0]!.ts).toBe(600_000)
  })

  test('moved to now as life goes, it begins now', async () => {
    const ledger = join(tempDir(), 'ledger.ndjson')
    const path = lines('short.ndjson', [
      { device: 'alive', ts: recordedMs, values: { v: 1 } },
      { device: 'alive', ts: recordedMs + 250, values: { v: 2 } },
    ])
    const before = Date.now()
    const { seconds } = await playLines(path, { ledger, start: 'now', speed: 1 })
    const [first, second] = times(ledger)
    expect(first!.ts).toBeGreaterThanOrEqual(before)
    expect(first!.ts).toBeLessThanOrEqual(first!.sentAt)
    expect(second!.ts).toBe(first!.ts + 250)
    expect(seconds).toBeGreaterThan(0.249)
  })

  test('a clock that was wrong for one row holds up nothing', async () => {
    const yearMs = 31_536_000_000
    const path = lines('ahead.ndjson', [
      { device: 'ahead', ts: recordedMs, values: { v: 1 } },
      { device: 'ahead', ts: recordedMs + yearMs, values: { v: 2 } },
      { device: 'ahead', ts: recordedMs + 20, values: { v: 3 } },
      { device: 'ahead', ts: 86_400_000, values: { v: 4 } },
      { device: 'ahead', ts: recordedMs + 40, values: { v: 5 } },
    ])
    expect(await playLines(path, { speed: 1 })).toMatchObject({ sent: 5, acknowledged: 5 })
  })

  test('times that no reading may have are refused before a device is registered', async () => {
    const start = Date.UTC(2099, 11, 31, 23, 55)
    await expect(playLines(everyMinute('beyond'), { start })).rejects.toMatchObject({
      code: 'TIDEMARK_RUN_INVALID',
      exitCode: 2,
    })
    await expect(platform.api.request('GET', '/devices/beyond')).rejects.toThrow('404')
  })

  test('interrupted, it stops with all that it sent acknowledged', async () => {
    const ledger = join(tempDir(), 'ledger.ndjson')
    const interruption = new AbortController()
    const { sent, acknowledged } = await play(csv(minutes(60)), {
      ledger,
      device: 'interrupted',
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
