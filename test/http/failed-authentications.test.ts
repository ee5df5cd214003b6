import { expect, test } from 'vitest'
import { FailedAuthentications, failuresMax, windowMs } from '../../http/failed-authentications.ts'
import { startApi, startMs, type TestApi } from './api.ts'

const guess = (api: TestApi, remoteAddress: string, token: string) =>
  api.http.inject({ url: '/api/v1/devices', remoteAddress, headers: { authorization: `Bearer ${token}` } })

test('an address that guesses is not listened to for the rest of the minute, whatever it sends', async () => {
  const api = await startApi()
  for (let i = 0; i < failuresMax; i++)
    expect((await guess(api, '203.0.113.5', `x${i}`)).statusCode).toBe(401)
  for (const token of ['x', api.adminToken]) {
    const answer = await guess(api, '203.0.113.5', token)
    expect([answer.statusCode, answer.json().code]).toEqual([429, 'TIDEMARK_AUTHENTICATION_LIMIT'])
    expect(answer.headers['retry-after']).toBe('60')
  }
  expect((await guess(api, '203.0.113.6', api.adminToken)).statusCode).toBe(200)
  api.setNow(startMs + windowMs)
  expect((await guess(api, '203.0.113.5', api.adminToken)).statusCode).toBe(200)
})

test.each(['127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1'])(
  '%s is always listened to',
  async (address) => {
    const api = await startApi()
    for (let i = 0; i <= failuresMax; i++) await guess(api, address, 'wrong')
    expect((await guess(api, address, api.adminToken)).statusCode).toBe(200)
  },
)

test('requests with a valid token are not failures, and refusals by role neither', async () => {
  const api = await startApi()
  const token = await api.tokenOf('read')
  for (let i = 0; i <= failuresMax; i++) {
    const url = '/api/v1/tokens'
    const headers = { authorization: `Bearer ${token}` }
    expect((await api.http.inject({ url, remoteAddress: '203.0.113.5', headers })).statusCode).toBe(403)
  }
})

test('failures that are a minute apart do not add up, and a bounded number of addresses is remembered', () => {
  let now = 0
  const failed = new FailedAuthentications({ now: () => now })
  for (let i = 0; i < 2 * failuresMax; i++, now += windowMs) failed.count('203.0.113.5')
  expect(failed.waitSeconds('203.0.113.5')).toBe(0)
  for (let i = 0; i < failuresMax; i++) failed.count('203.0.113.5')
  expect(failed.waitSeconds('203.0.113.5')).toBe(60)
  for (let i = 0; i < 10_000; i++) failed.count(`2001:db8::${i.toString(16)}`)
  expect(failed.waitSeconds('203.0.113.5')).toBe(0)
})
