import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { requestIdOf } from '../../http/request-id.ts'
import type { DuckDbStore } from '../../storage/duckdb-store.ts'
import { startApi, type TestApi } from './api.ts'

const made = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

const callWith = (api: TestApi, url: string, requestId: string | undefined, token?: string) =>
  api.call('GET', url, undefined, {
    token,
    headers: requestId === undefined ? {} : { 'x-request-id': requestId },
  })

describe('x-request-id', () => {
  test('is on every answer, and the client’s own is taken over: found, refused, not there, not decodable', async () => {
    const api = await startApi()
    const { adminToken } = api
    for (const [url, token] of [
      ['devices', adminToken],
      ['devices', undefined],
      ['devices?limit=0', adminToken],
      ['nothing', adminToken],
      ['/api/v1/devices/%zz', adminToken],
      ['/livez', undefined],
      ['/metrics', undefined],
      ['/docs', undefined],
    ] as const) {
      const own = await callWith(api, url, 'trace-17:a_b.c', token)
      expect(own.headers['x-request-id'], url).toBe('trace-17:a_b.c')
      if (own.status >= 400) expect(own.body.requestId, url).toBe('trace-17:a_b.c')
      expect((await callWith(api, url, undefined, token)).headers['x-request-id'], url).toMatch(made)
    }
  })

  test('two requests without one have different ones', async () => {
    const api = await startApi()
    const ids = await Promise.all([api.get('/livez'), api.get('/livez')])
    expect(ids[0].headers['x-request-id']).not.toBe(ids[1].headers['x-request-id'])
  })

  test.each(['', 'a b', 'a"b', '<script>', 'é', 'x'.repeat(129), 'a\nb', '{"a":1}', 'a,b'])(
    'an unsafe one, %j, is not taken over',
    (given) => {
      expect(requestIdOf({ headers: { 'x-request-id': given } })).toMatch(made)
    },
  )

  test('is on a stream of events', async () => {
    const api = await startApi()
    const { port } = await api.http.listen('127.0.0.1', 0)
    const leaving = new AbortController()
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/events/stream`, {
      headers: { authorization: `Bearer ${api.adminToken}`, 'x-request-id': 'stream-1' },
      signal: leaving.signal,
    })
    expect([answer.status, answer.headers.get('x-request-id')]).toEqual([200, 'stream-1'])
    leaving.abort()
  })

  test('is in the log line of a request that failed', async () => {
    const lines: string[] = []
    const logger = pino({ level: 'error' }, { write: (line: string) => void lines.push(line) })
    const fail = () => Promise.reject(new Error('a bug'))
    const store = { readings: fail, timeline: fail, latest: fail, purge: fail } as unknown as DuckDbStore
    const api = await startApi({ store, logger })
    await api.devices.create({ id: 'd', type: 'generic' })
    const answer = await callWith(api, 'readings?device=d', 'failed-1', api.adminToken)
    expect([answer.status, answer.body.requestId]).toEqual([500, 'failed-1'])
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { code: 'TIDEMARK_INTERNAL', requestId: 'failed-1' },
    ])
  })
})
