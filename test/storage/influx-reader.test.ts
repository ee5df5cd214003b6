import { expect, test } from 'vitest'
import { silentLogger } from '../../lib/logger.ts'
import { InfluxStore } from '../../storage/influx-store.ts'
import { type ScriptedInflux, startScriptedInflux } from './scripted-influx.ts'

/** What only a proxy, or 3 Core with much data, answers to questions. */
const minuteMs = 60_000
const hourMs = 3_600_000
const t0 = Date.UTC(2026, 0, 1)
const device = { device: 'd', type: 'generic' }
const everything = { ...device, metrics: [], from: Date.UTC(2000, 0, 1), to: Date.UTC(2100, 0, 1), limit: 50 }

function storeOf(influx: ScriptedInflux, version: '1' | '2' | '3' | 'auto' = '1') {
  return new InfluxStore({ url: influx.url, version, org: 'tidal', bucket: 'tidemark' }, silentLogger)
}

test.each([
  ["a proxy's page with status 200", 200, '<html>log in</html>'],
  ['JSON of something else', 200, '{"status":"ok"}'],
  ['nothing', 200, ''],
  ['502', 502, '<html>bad gateway</html>'],
  ['401', 401, '{"error":"authorization failed"}'],
  ['an error of the statement', 200, '{"results":[{"error":"timeout"}]}'],
])('%s in answer to a question is TIDEMARK_STORE_QUERY', async (_name, status, body) => {
  const influx = await startScriptedInflux('1')
  influx.answerOther = (_path, response) => {
    response.writeHead(status).end(body)
    return true
  }
  const store = storeOf(influx)
  const failure = { code: 'TIDEMARK_STORE_QUERY' }
  await expect(store.readings(everything)).rejects.toMatchObject(failure)
  await expect(store.latest(device)).rejects.toMatchObject(failure)
  await expect(store.purge(device)).rejects.toMatchObject(failure)
  await expect(storeOf(influx, '2').purge(device)).rejects.toMatchObject(failure)
})

test('a question before the database told its version is refused with a code, then answered', async () => {
  const influx = await startScriptedInflux('1')
  influx.answerOther = (_path, response) => {
    response.writeHead(503).end()
    return true
  }
  const store = storeOf(influx, 'auto')
  await expect(store.readings(everything)).rejects.toMatchObject({ code: 'TIDEMARK_STORE_QUERY' })
  influx.answerOther = () => false
  expect(await store.readings(everything)).toEqual([])
})

test('3 Core says that it cannot purge', async () => {
  const influx = await startScriptedInflux('1')
  await expect(storeOf(influx, '3').purge(device)).rejects.toMatchObject({ code: 'TIDEMARK_STORE_PURGE' })
})

/** 3 Core with one reading an hour: refuses more than 72 h of files, more than one statement, and what it does not know. */
async function startThreeCore(hours: number, refusal: { status: number; body: string }) {
  const influx = await startScriptedInflux('1')
  const widest = 72 * hourMs
  influx.answerOther = (path, response) => {
    const q = new URL(path, influx.url).searchParams.get('q') ?? ''
    const json = (results: unknown) => response.end(JSON.stringify({ results: [results] }))
    if (q.includes(';')) response.writeHead(400).end('must provide only one InfluxQl statement per query')
    else if (q.startsWith('SHOW FIELD KEYS')) {
      const values = [
        ['v', 'float'],
        ['rare', 'string'],
      ]
      json({ series: [{ columns: ['fieldKey', 'fieldType'], values }] })
    } else {
      const [, from, to] = /time>=(\d+)ms AND time<(\d+)ms/.exec(q)!.map(Number)
      const order = / ORDER BY time (ASC|DESC) LIMIT (\d+)$/.exec(q)!
      const [lo, hi] = [Math.max(from!, t0), Math.min(to!, t0 + hours * hourMs)]
      if (hi - lo > widest) response.writeHead(refusal.status).end(refusal.body)
      else {
        const every = Number(/time\((\d+)ms\)/.exec(q)?.[1] ?? hourMs)
        const windows = new Map<number, number[]>()
        for (let ts = Math.ceil(lo / hourMs) * hourMs; ts < hi; ts += hourMs) {
          const start = Math.floor(ts / every) * every
          windows.set(start, [...(windows.get(start) ?? []), (ts - t0) / hourMs])
        }
        const mean = (all: number[]) => all.reduce((sum, v) => sum + v, 0) / all.length
        const values = [...windows].map(([start, all]) => [
          ...[start, mean(all), start === t0 + hourMs ? 'once' : null],
        ])
        if (order[1] === 'DESC') values.reverse()
        const columns = ['time', 'v', 'rare']
        const shown = q.includes('mean(*)') ? ['time', 'mean_v', 'mean_rare'] : columns
        json(
          values.length === 0
            ? {}
            : { series: [{ columns: shown, values: values.slice(0, Number(order[2])) }] },
        )
      }
    }
    return true
  }
  return influx
}

const refusals = [
  {
    status: 400,
    body: 'Query would exceed file limit of 432 parquet files. Please specify a smaller time range',
  },
  { status: 500, body: 'Query would scan 433 Parquet files, exceeding the file limit' },
  { status: 500, body: '' },
]

test.each(refusals)(
  '3 Core: a time of too many files is asked for in parts ($status $body)',
  async (refusal) => {
    const hours = 24 * 30
    const influx = await startThreeCore(hours, refusal)
    const store = storeOf(influx, '3')
    const all = await store.readings({ ...everything, limit: 10_000 })
    expect(all.map(({ time }) => (time - t0) / hourMs)).toEqual(Array.from({ length: hours }, (_, i) => i))
    expect((await store.readings({ ...everything, limit: 3 })).map(({ values }) => values.v)).toEqual([
      0, 1, 2,
    ])
    // Windows are not cut in two.
    const daily = await store.readings({ ...everything, everyMs: 24 * hourMs, fn: 'mean', limit: 10_000 })
    expect(daily.map(({ time, values }) => [(time - t0) / hourMs, values.v])).toEqual(
      Array.from({ length: 30 }, (_, i) => [i * 24, i * 24 + 11.5]),
    )
  },
)

test('3 Core: the newest values are found without asking for all time at once', async () => {
  const influx = await startThreeCore(24 * 30, refusals[0]!)
  expect(await storeOf(influx, '3').latest(device)).toEqual({
    v: { value: 24 * 30 - 1, time: t0 + (24 * 30 - 1) * hourMs },
    rare: { value: 'once', time: t0 + hourMs },
  })
})

test('3 Core: what is refused however short the time ends in a code, after a bounded number of requests', async () => {
  const influx = await startScriptedInflux('1')
  influx.answerOther = (_path, response) => {
    response.writeHead(500).end()
    return true
  }
  const failure = { code: expect.stringMatching(/^TIDEMARK_STORE_/) }
  await expect(storeOf(influx, '3').readings(everything)).rejects.toMatchObject(failure)
  expect(influx.others.length).toBeLessThanOrEqual(100)
  influx.others.length = 0
  await expect(
    storeOf(influx, '3').readings({ ...everything, from: t0, to: t0 + minuteMs }),
  ).rejects.toMatchObject(failure)
  expect(influx.others).toHaveLength(1)
})

test('1.x and 2.x: a refusal is not asked again in parts', async () => {
  const influx = await startScriptedInflux('2')
  influx.answerOther = (path, response) => {
    if (!path.startsWith('/query')) return false
    response.writeHead(500).end()
    return true
  }
  await expect(storeOf(influx, '2').readings(everything)).rejects.toMatchObject({
    code: 'TIDEMARK_STORE_QUERY',
  })
  expect(influx.others).toHaveLength(1)
})
