import { describe, expect, test } from 'vitest'
import { freePort } from '../../bench/services/free-port.ts'
import { silentLogger } from '../../lib/logger.ts'
import { InfluxStore } from '../../storage/influx-store.ts'
import { batchOf } from '../support/reading-batches.ts'
import { answer, type ScriptedAnswer, startScriptedInflux } from './scripted-influx.ts'

const t0 = Date.UTC(2026, 0, 1)
const backoffMsMax = 5_000
const batch = batchOf(
  Array.from({ length: 8 }, (_, i) => ({ device: `d${i}`, type: 'generic', time: t0 + i, values: { v: i } })),
)

async function storeOf(url: string, version: '1' | '2' | 'auto' = 'auto', timeoutMs = 5_000) {
  const options = { url, version, org: 'tidal', bucket: 'tidemark', timeoutMs } as const
  const store = new InfluxStore(options, silentLogger)
  await store.open()
  return store
}

const linesOf = (bodies: readonly string[]) => bodies.flatMap((body) => body.split('\n'))

/** Refuses what holds one of these lines, as a database does that takes or refuses a request as a whole. */
const refusing =
  (status: number, bad: readonly string[], body: string): ScriptedAnswer =>
  (response, sent) =>
    bad.some((text) => sent.includes(text))
      ? response.writeHead(status).end(body)
      : response.writeHead(204).end()

describe('an answer that is not about the lines keeps all of them', () => {
  const html = '<html>please log in</html>'
  const reset: ScriptedAnswer = (response) => response.socket?.resetAndDestroy()
  const cutOff: ScriptedAnswer = (response) => {
    response.writeHead(500, { 'content-length': '1000' })
    response.write('{"error":', () => response.socket?.destroy())
  }
  const cases: [string, ScriptedAnswer, string, number | 'backoff'][] = [
    ["a proxy's 200 is not acceptance", answer(200, html), 'TIDEMARK_STORE_ERROR', 'backoff'],
    [
      'a redirect is not followed',
      answer(302, '', { location: 'http://127.0.0.1:1/' }),
      'TIDEMARK_STORE_ERROR',
      'backoff',
    ],
    ['401', answer(401, '{"error":"authorization failed"}'), 'TIDEMARK_STORE_REFUSED', 'backoff'],
    ['403', answer(403, '{"error":"forbidden"}'), 'TIDEMARK_STORE_REFUSED', 'backoff'],
    ['404 of something else than the database', answer(404, html), 'TIDEMARK_STORE_REFUSED', 'backoff'],
    [
      '429 with Retry-After in seconds',
      answer(429, '', { 'retry-after': '3' }),
      'TIDEMARK_STORE_BUSY',
      3_000,
    ],
    ['429 without Retry-After', answer(429), 'TIDEMARK_STORE_BUSY', 'backoff'],
    ['503 with Retry-After', answer(503, '', { 'retry-after': '7' }), 'TIDEMARK_STORE_BUSY', 7_000],
    [
      'a Retry-After of a day is capped',
      answer(503, '', { 'retry-after': '86400' }),
      'TIDEMARK_STORE_BUSY',
      300_000,
    ],
    [
      'a Retry-After that is a date',
      answer(503, '', { 'retry-after': 'Mon, 23 Nov 2026 12:00:00 GMT' }),
      'TIDEMARK_STORE_BUSY',
      'backoff',
    ],
    ['500 timeout', answer(500, '{"error":"timeout"}'), 'TIDEMARK_STORE_ERROR', 'backoff'],
    [
      '500 cache full',
      answer(500, '{"error":"engine: cache-max-memory-size exceeded: (1/1)"}'),
      'TIDEMARK_STORE_ERROR',
      'backoff',
    ],
    [
      "a proxy's own 400 says nothing of the lines",
      answer(400, '<html>The plain HTTP request was sent to HTTPS port</html>'),
      'TIDEMARK_STORE_ERROR',
      'backoff',
    ],
    ['502 of a proxy', answer(502, html), 'TIDEMARK_STORE_ERROR', 'backoff'],
    ['a reset connection', reset, 'TIDEMARK_STORE_DOWN', 'backoff'],
    ['an answer that is cut off', cutOff, 'TIDEMARK_STORE_', 'backoff'],
  ]
  test.each(cases)('%s', async (_name, odd, code, afterMs) => {
    const influx = await startScriptedInflux('1', [odd])
    const store = await storeOf(influx.url)
    const outcome = await store.write([batch])
    expect(outcome).toMatchObject({ kind: 'retry', code: expect.stringContaining(code) })
    const waitMs = (outcome as { afterMs: number }).afterMs
    if (afterMs === 'backoff') {
      expect(waitMs).toBeGreaterThan(0)
      expect(waitMs).toBeLessThanOrEqual(backoffMsMax)
    } else expect(waitMs).toBe(afterMs)
    expect(await store.write([batch])).toEqual({ kind: 'done', rejected: [] })
    // The same bytes: only then is a repeat of what was taken the same point.
    expect(influx.writes).toHaveLength(2)
    expect(influx.writes[1]).toBe(influx.writes[0])
  })

  test('no answer within the time-out', async () => {
    const influx = await startScriptedInflux('1', [() => undefined])
    const store = await storeOf(influx.url, '1', 200)
    expect(await store.write([batch])).toMatchObject({ kind: 'retry', code: 'TIDEMARK_STORE_DOWN' })
    expect(await store.write([batch])).toEqual({ kind: 'done', rejected: [] })
    expect(influx.writes[1]).toBe(influx.writes[0])
  })

  test('a database that hangs from the start is not waited for', async () => {
    const influx = await startScriptedInflux('1')
    influx.answerOther = () => true
    const store = await storeOf(influx.url, 'auto', 600_000)
    influx.answerOther = () => false
    expect(await store.write([batch])).toEqual({ kind: 'done', rejected: [] })
  })

  test('nobody listens', async () => {
    const store = await storeOf(`http://127.0.0.1:${await freePort()}`)
    expect(await store.write([batch])).toMatchObject({ kind: 'retry', code: 'TIDEMARK_STORE_DOWN' })
  })

  test('an error in the second request of a write keeps the first one too', async () => {
    const influx = await startScriptedInflux('1', [answer(204), answer(500, 'timeout')])
    const store = await storeOf(influx.url)
    const reading = (i: number) => ({ device: 'd', type: 'generic', time: t0 + i, values: { v: i } })
    const large = batchOf(Array.from({ length: 6_000 }, (_, i) => reading(i)))
    expect(await store.write([large])).toMatchObject({ kind: 'retry' })
    expect(await store.write([large])).toEqual({ kind: 'done', rejected: [] })
    expect(influx.writes.map((body) => body.split('\n').length)).toEqual([5_000, 1_000, 5_000, 1_000])
  })
})

describe('a refused batch is halved until the bad lines are alone', () => {
  test.each([
    ['1', 400],
    ['2', 400],
    ['2', 422],
  ] as const)('InfluxDB %s, status %i', async (version, status) => {
    const refuse = refusing(status, ['device=d2 ', 'device=d5 '], '{"message":"no such type"}')
    const influx = await startScriptedInflux(version, Array(40).fill(refuse))
    const store = await storeOf(influx.url)
    const { rejected, kind } = (await store.write([batch])) as Extract<
      Awaited<ReturnType<typeof store.write>>,
      { kind: 'done' }
    >
    expect(kind).toBe('done')
    expect(rejected.map(({ batch: index, row }) => [index, row])).toEqual([
      [0, 2],
      [0, 5],
    ])
    expect(rejected[0]?.detail).toContain('no such type')
    const taken = linesOf(influx.writes.filter((body) => !/device=d[25] /.test(body)))
    expect([...new Set(taken)]).toHaveLength(6)
  })

  test('the row is told with the batch it is in', async () => {
    const influx = await startScriptedInflux('1', Array(40).fill(refusing(400, ['device=e1 '], '')))
    const store = await storeOf(influx.url)
    const other = batchOf(
      [0, 1].map((i) => ({ device: `e${i}`, type: 'generic', time: t0, values: { v: 1 } })),
    )
    expect(await store.write([batch, other])).toMatchObject({ rejected: [{ batch: 1, row: 1 }] })
  })

  test('an outage in the middle of halving rejects nothing yet', async () => {
    const influx = await startScriptedInflux('1', [answer(400), answer(400), answer(400), answer(500)])
    const store = await storeOf(influx.url)
    expect(await store.write([batch])).toMatchObject({ kind: 'retry', code: 'TIDEMARK_STORE_ERROR' })
    expect(await store.write([batch])).toEqual({ kind: 'done', rejected: [] })
  })

  test('413 is halved until it fits, and no line is lost', async () => {
    const tooLarge: ScriptedAnswer = (response, sent) =>
      response.writeHead(sent.length > 100 ? 413 : 204).end()
    const influx = await startScriptedInflux('1', Array(40).fill(tooLarge))
    const store = await storeOf(influx.url)
    expect(await store.write([batch])).toEqual({ kind: 'done', rejected: [] })
    const taken = linesOf(influx.writes.filter((body) => body.length <= 100))
    expect(taken.sort()).toEqual(linesOf(influx.writes.slice(0, 1)).sort())
  })
})

describe('the database or bucket', () => {
  test('is made again when it vanished (1.x)', async () => {
    const influx = await startScriptedInflux('1', [
      answer(404, '{"error":"database not found: \\"tidemark\\""}'),
    ])
    const store = await storeOf(influx.url)
    influx.others.length = 0
    expect(await store.write([batch])).toMatchObject({ kind: 'retry', code: 'TIDEMARK_STORE_CREATED' })
    expect(influx.others).toEqual(['POST /query?q=CREATE DATABASE "tidemark"'])
    expect(await store.write([batch])).toEqual({ kind: 'done', rejected: [] })
  })

  test('is made again when it vanished (2.x)', async () => {
    const influx = await startScriptedInflux('2', [
      answer(404, '{"code":"not found","message":"bucket \\"tidemark\\" not found"}'),
    ])
    const store = await storeOf(influx.url)
    expect(await store.write([batch])).toMatchObject({ kind: 'retry', code: 'TIDEMARK_STORE_CREATED' })
    expect(influx.others.filter((other) => other.startsWith('POST /api/v2/buckets'))).toHaveLength(2)
    expect(await store.write([batch])).toEqual({ kind: 'done', rejected: [] })
  })

  test('that vanishes again and again is not asked for without a pause', async () => {
    const gone = answer(404, '{"error":"database not found: \\"tidemark\\""}')
    const influx = await startScriptedInflux('1', Array(40).fill(gone))
    const store = await storeOf(influx.url)
    const waitsMs: number[] = []
    for (let i = 0; i < 40; i++) waitsMs.push(((await store.write([batch])) as { afterMs: number }).afterMs)
    expect(Math.max(...waitsMs)).toBeGreaterThan(200)
  })

  test('that may not be made keeps the lines and says why', async () => {
    const influx = await startScriptedInflux('1', [answer(404, '{"error":"database not found: \\"x\\""}')])
    influx.answerOther = (path, response) => {
      if (!path.startsWith('/query')) return false
      response.writeHead(403).end('not an admin')
      return true
    }
    const store = await storeOf(influx.url)
    expect(await store.write([batch])).toMatchObject({
      kind: 'retry',
      code: 'TIDEMARK_STORE_DATABASE',
      detail: expect.stringContaining('not an admin'),
    })
  })

  test("a proxy's page in the place of the organisations is a problem, not a throw", async () => {
    const influx = await startScriptedInflux('2', [answer(404, 'bucket not found')])
    influx.answerOther = (path, response) => {
      if (!path.startsWith('/api/v2/orgs')) return false
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>')
      return true
    }
    const store = await storeOf(influx.url)
    expect(await store.write([batch])).toMatchObject({ kind: 'retry', code: 'TIDEMARK_STORE_DATABASE' })
  })
})

describe('the version', () => {
  test.each([
    ['1.x writes to /write', { 'x-influxdb-version': '1.8.10' }, 204, 'write?db='],
    ['2.x writes to /api/v2/write', { 'x-influxdb-version': 'v2.7.5' }, 204, 'api/v2/write'],
    ['3 Core writes to /api/v2/write', { 'x-influxdb-version': '3.0.1' }, 200, 'api/v2/write'],
    ['3 Core that wants a token even for /ping', {}, 401, 'api/v2/write'],
  ])('%s', async (_name, headers, status, path) => {
    const influx = await startScriptedInflux('1')
    influx.answerOther = (url, response) => {
      if (url !== '/ping') return false
      response.writeHead(status, headers).end(status === 200 ? '{"version":"3.0.1"}' : '')
      return true
    }
    const store = await storeOf(influx.url)
    await store.write([batch])
    expect(influx.writePaths[0]).toContain(path)
  })

  test.each([500, 502, 503, 404])('is not concluded from a status of %i', async (status) => {
    const influx = await startScriptedInflux('1')
    let starting = true
    influx.answerOther = (url, response) => {
      if (url !== '/ping' || !starting) return false
      response.writeHead(status).end('starting')
      return true
    }
    const store = await storeOf(influx.url)
    expect(await store.write([batch])).toMatchObject({ kind: 'retry', code: 'TIDEMARK_STORE_DOWN' })
    expect(influx.writes).toEqual([])
    starting = false
    expect(await store.write([batch])).toEqual({ kind: 'done', rejected: [] })
    expect(influx.others.at(-1)).toContain('CREATE DATABASE')
  })
})

test('purging on 2.x uses its own delete, for it knows no DROP SERIES', async () => {
  const influx = await startScriptedInflux('2')
  const store = await storeOf(influx.url)
  const bodies: string[] = []
  influx.answerOther = (_path, _response, body) => {
    bodies.push(body)
    return false
  }
  await store.purge({ device: 'd1', type: 'generic' })
  expect(influx.others.at(-1)).toBe('POST /api/v2/delete?org=tidal&bucket=tidemark')
  expect(JSON.parse(bodies.at(-1) ?? '')).toMatchObject({ predicate: 'device="d1"' })
})
