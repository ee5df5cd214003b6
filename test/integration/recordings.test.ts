import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Influxd, influxdAvailable, startInfluxd } from '../../bench/services/influxd.ts'
import { csvRecording } from '../../simulators/recording.ts'
import { replay } from '../../simulators/replay.ts'
import type { ReplayMap } from '../../simulators/replay-map.ts'
import { verify } from '../../simulators/verify.ts'
import { datasetsDir } from '../support/datasets.ts'
import { type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import { thresholdEpisodes } from '../support/threshold-reference.ts'

/**
 * Two real recordings through MQTT into a real database and out again as events. What is expected is computed from the CSV
 * files here, by code that shares nothing with the platform: its own splitting of lines, its own time zones.
 */
const datasets = datasetsDir()
const never = new AbortController().signal
const hourMs = 3_600_000

const recordings = {
  house: {
    file: 'household-power.csv',
    rows: 19_446,
    readings: 19_444,
    map: {
      device: 'house',
      type: 'smart_meter',
      time: { column: 'Datetime', format: 'dd/MM/yyyy HH:mm:ss', timezone: 'Europe/Paris' },
      metrics: {
        active_power_w: { column: 'Global_active_power', scale: 1000 },
        reactive_power_var: { column: 'Global_reactive_power', scale: 1000 },
        voltage_v: { column: 'Voltage' },
        current_a: { column: 'Global_intensity' },
        sub_metering_1_wh: { column: 'Sub_metering_1' },
      },
    } satisfies ReplayMap,
  },
  room: {
    file: 'room-occupancy.csv',
    rows: 9_752,
    readings: 9_752,
    map: {
      device: 'room',
      type: 'room_sensor',
      time: { column: 'Date', format: 'yyyy-MM-dd HH:mm:ss', timezone: 'Europe/Brussels' },
      metrics: {
        temperature_c: { column: 'Temperature' },
        humidity_pct: { column: 'Humidity' },
        light_lx: { column: 'Light' },
        co2_ppm: { column: 'CO2' },
        occupied: { column: 'Occupancy' },
      },
    } satisfies ReplayMap,
  },
} as const

type Row = { ts: number; values: Record<string, number> }

/** The file by plain splitting. Both recordings lie in winter, where Paris and Brussels are at UTC+1. */
function expectedRows({ file, map }: (typeof recordings)[keyof typeof recordings]): Row[] {
  const [header = '', ...lines] = readFileSync(join(datasets!, file), 'utf8').trim().split('\n')
  const names = header.replaceAll('"', '').trim().split(',')
  return lines.flatMap((line) => {
    const cells = line.replaceAll('"', '').trim().split(',')
    const cell = (name: string) => cells[names.indexOf(name)] ?? ''
    const values: Record<string, number> = {}
    for (const [metric, { column, scale }] of Object.entries<{ column: string; scale?: number }>(
      map.metrics,
    )) {
      if (cell(column) === '') continue
      // kW to W by moving the decimal point: three digits after it are all the file has.
      values[metric] = scale === 1000 ? Math.round(Number(cell(column)) * 1000) : Number(cell(column))
    }
    const [date = '', time] = cell(map.time.column).split(' ')
    const day = date.includes('/') ? date.split('/').reverse().join('-') : date
    return Object.keys(values).length === 0 ? [] : [{ ts: Date.parse(`${day}T${time}+01:00`), values }]
  })
}

const co2Rule = {
  id: 'co2-high',
  name: 'CO2 above 1000 ppm',
  class: 'health',
  severity: 'warning',
  when: { kind: 'threshold', metric: 'co2_ppm', above: 1000, clear: 950 },
  for: '10m',
  keepFor: '5m',
}
const voltageRule = {
  id: 'voltage',
  name: 'Voltage outside 207–253 V',
  class: 'maintenance',
  severity: 'major',
  when: { kind: 'threshold', metric: 'voltage_v', outside: [207, 253] },
}

const stores = [
  { store: 'duckdb', available: true },
  { store: 'influxdb', available: influxdAvailable() },
] as const

describe.each(stores.filter(({ available }) => available && datasets !== undefined))(
  'with $store',
  ({ store }) => {
    let platform: PlatformProcess
    let influxd: Influxd | undefined
    let dir: string

    const play = async (name: keyof typeof recordings, ledger: string) => {
      const { file, map } = recordings[name]
      const recording = await csvRecording(join(datasets!, file), map)
      const options = { recording, mqttUrl: platform.mqttUrl, api: platform.api }
      return replay({ ...options, speed: Number.POSITIVE_INFINITY, ledger: join(dir, ledger), signal: never })
    }
    const check = (ledger: string) =>
      verify({ ledger: join(dir, ledger), api: platform.api, settleMs: 60_000 })
    const count = async (device: string) => {
      const path = `/readings?device=${device}&every=7d&fn=count&metric=${device === 'house' ? 'voltage_v' : 'co2_ppm'}`
      const { items } = await platform.api.request<{ items: { values: Record<string, number> }[] }>(
        'GET',
        path,
      )
      return items.reduce((sum, { values }) => sum + Object.values(values)[0]!, 0)
    }

    beforeAll(async () => {
      dir = mkdtempSync(join(tmpdir(), 'tidemark-recordings-'))
      influxd = store === 'influxdb' ? await startInfluxd() : undefined
      const flags = influxd === undefined ? [] : ['--store', 'influxdb', '--influx-url', influxd.url]
      platform = await startPlatformProcess(dir, [...flags, '--device-rate-max', '0'])
      for (const rule of [co2Rule, voltageRule]) await platform.api.request('POST', '/rules', rule)
      writeFileSync(join(dir, 'started'), '')
    }, 60_000)

    afterAll(async () => {
      await platform?.end('SIGKILL')
      await influxd?.remove()
      rmSync(dir, { recursive: true, force: true })
    })

    test.each(['house', 'room'] as const)(
      'every reading of the %s is stored as the CSV has it',
      async (name) => {
        const { rows, readings, map } = recordings[name]
        const result = await play(name, `${name}.ndjson`)
        expect(result).toMatchObject({
          rows,
          sent: readings,
          acknowledged: readings,
          skipped: rows - readings,
        })
        expect(await check(`${name}.ndjson`)).toMatchObject({
          stored: readings,
          missing: 0,
          altered: 0,
          invented: 0,
          repeated: 0,
        })
        const expected = expectedRows(recordings[name])
        expect(expected).toHaveLength(readings)
        const stored: Row[] = []
        for (let cursor = ''; ; ) {
          const path = `/readings?device=${map.device}&limit=1000${cursor}`
          const page = await platform.api.request<{
            items: { time: string; values: Record<string, number> }[]
            nextCursor: string | null
          }>('GET', path)
          stored.push(...page.items.map(({ time, values }) => ({ ts: Date.parse(time), values })))
          if (page.nextCursor === null) break
          cursor = `&cursor=${page.nextCursor}`
        }
        expect(stored).toEqual(expected)
      },
      120_000,
    )

    test('the same replay again adds nothing', async () => {
      const before = [await count('house'), await count('room')]
      await play('room', 'again.ndjson')
      expect(await check('again.ndjson')).toMatchObject({ missing: 0, altered: 0, invented: 0, repeated: 0 })
      expect([await count('house'), await count('room')]).toEqual(before)
      expect(before).toEqual([recordings.house.readings, recordings.room.readings])
    }, 120_000)

    const onlyInfluxdb = store === 'influxdb' ? test : () => undefined
    onlyInfluxdb('InfluxDB itself holds as many points, and the right ones', async () => {
      expect(await influxd!.query('SELECT count(voltage_v) FROM smart_meter')).toMatchObject([[0, 19_444]])
      expect(await influxd!.query('SELECT count(co2_ppm) FROM room_sensor')).toMatchObject([[0, 9_752]])
      const [first] = await influxd!.query(
        "SELECT active_power_w, voltage_v FROM smart_meter WHERE device='house' LIMIT 1",
      )
      expect(first).toEqual([Date.UTC(2006, 11, 16, 16, 24), 4216, 234.84])
    })

    test('hourly means are those of the CSV', async () => {
      const byHour = new Map<number, number[]>()
      for (const { ts, values } of expectedRows(recordings.room)) {
        const hour = Math.floor(ts / hourMs) * hourMs
        byHour.set(hour, [...(byHour.get(hour) ?? []), values.co2_ppm!])
      }
      const path = '/readings?device=room&metric=co2_ppm&every=1h&fn=mean&limit=1000'
      const { items } = await platform.api.request<{
        items: { time: string; values: { co2_ppm: number } }[]
      }>('GET', path)
      expect(items.map(({ time }) => Date.parse(time))).toEqual([...byHour.keys()])
      items.forEach(({ values }, i) => {
        const own = [...byHour.values()][i]!
        expect(values.co2_ppm).toBeCloseTo(own.reduce((sum, v) => sum + v, 0) / own.length, 6)
      })
    })

    test('the CO2 rule raises and clears exactly the episodes of the CSV, the voltage rule none', async () => {
      const episodes = thresholdEpisodes(
        { above: 1000, clear: 950, forMs: 600_000, keepForMs: 300_000 },
        expectedRows(recordings.room).map(({ ts, values }) => ({ ts, value: values.co2_ppm! })),
      )
      const expected = episodes.flatMap(({ since, raisedAt, clearedAt }) => [
        ['co2-high', 'raised', raisedAt, since],
        ...(clearedAt === undefined ? [] : [['co2-high', 'cleared', clearedAt, since]]),
      ])
      expect(expected.length).toBeGreaterThan(4)
      const { items } = await platform.api.request<{
        items: { time: string; data: { rule: string; state: string; since: string } }[]
      }>('GET', '/events?limit=1000')
      const raised = items.map(({ time, data }) => [
        data.rule,
        data.state,
        Date.parse(time),
        Date.parse(data.since),
      ])
      expect(raised).toEqual(expected)
    })
  },
)

if (datasets === undefined) test.skip('the recordings are not here: see TIDEMARK_DATASETS in test/README.md')
