import { expect, test } from 'vitest'
import { startApi } from './api.ts'

test('a token has so many requests a minute, another its own, and is told how many are left', async () => {
  const api = await startApi({}, { requestsPerMinuteMax: 3 })
  const other = await api.tokenOf('read')
  for (const left of ['2', '1', '0']) {
    const answer = await api.get('devices')
    expect(answer.status).toBe(200)
    expect([answer.headers['ratelimit-limit'], answer.headers['ratelimit-remaining']].map(String)).toEqual([
      '3',
      left,
    ])
    expect(Number(answer.headers['ratelimit-reset'])).toBeGreaterThan(0)
  }
  const refused = await api.get('devices/nothing')
  expect(refused).toMatchObject({
    status: 429,
    body: { code: 'TIDEMARK_REQUEST_RATE', title: 'Too many requests' },
  })
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
  // The scheme is written as one likes: it makes no other token of it.
  expect(
    (
      await api.call('GET', 'devices', undefined, {
        token: undefined,
        headers: { authorization: `bEARER ${api.adminToken}` },
      })
    ).status,
  ).toBe(429)
  expect((await api.call('GET', 'devices', undefined, { token: other })).status).toBe(200)
})

test('health, metrics and pages are not counted', async () => {
  const api = await startApi({}, { requestsPerMinuteMax: 1 })
  for (let i = 0; i < 3; i++) {
    for (const path of ['/livez', '/readyz', '/metrics', '/docs', '/problems/TIDEMARK_REQUEST_RATE'])
      expect((await api.get(path)).status, path).toBe(200)
  }
})
