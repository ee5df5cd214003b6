import { expect, test } from 'vitest'
import { recordNumber } from '../../../domain/record-number.ts'
import { silentLogger } from '../../../lib/logger.ts'
import { Retention } from '../../../log/retention.ts'
import { startApi, startMs, type TestApi } from '../api.ts'

const minuteMs = 60_000
const ids = (items: { id: string }[]) => items.map(({ id }) => Number(id))

/** Five entries, a minute apart: three devices, a token, and what that token was refused. */
async function withEntries() {
  const api = await startApi()
  for (const [n, id] of ['a', 'b', 'c'].entries()) {
    api.setNow(startMs + n * minuteMs)
    await api.post('devices', { id, type: 'fridge' })
  }
  api.setNow(startMs + 3 * minuteMs)
  const { id, token } = (await api.post('tokens', { name: 'grafana', role: 'read' })).body
  api.setNow(startMs + 4 * minuteMs)
  await api.call('DELETE', 'devices/a', undefined, { token, headers: { 'x-request-id': 'not-allowed' } })
  return { api, id, token }
}

const listed = async (api: TestApi, query: string) => (await api.get(`audit?${query}`)).body.items

test('an entry says who did what from where and when, and what came of it', async () => {
  const { api, id } = await withEntries()
  const [first, , , , last] = await listed(api, '')
  expect(first).toEqual({
    ...{ id: recordNumber(0), time: new Date(startMs).toISOString(), address: '127.0.0.1' },
    actor: { id: 'admin', name: 'admin', role: 'admin' },
    ...{ requestId: expect.any(String), operation: 'POST /api/v1/devices', action: 'device.created' },
    ...{ target: { kind: 'device', id: 'a' }, outcome: 'done', details: {} },
  })
  expect(last).toMatchObject({
    ...{ id: recordNumber(4), actor: { id, name: 'grafana', role: 'read' }, requestId: 'not-allowed' },
    ...{ action: 'device.deleted', target: { kind: 'device', id: 'a' }, outcome: 'refused' },
  })
})

test('is listed oldest first, after an entry that was seen, or newest first, page by page', async () => {
  const { api } = await withEntries()
  expect(ids(await api.all('audit', 2))).toEqual([1, 2, 3, 4, 5])
  expect(ids(await api.all(`audit?after=${recordNumber(1)}`, 2))).toEqual([3, 4, 5])
  expect(ids(await listed(api, 'after=5'))).toEqual([])
  expect(ids(await api.all('audit?order=newest', 2))).toEqual([5, 4, 3, 2, 1])
})

test('is selected by actor, action, target, outcome and time; what it does not know is 422', async () => {
  const { api, id } = await withEntries()
  const selected: readonly (readonly [query: string, ids: readonly number[]])[] = [
    ['actor=admin', [1, 2, 3, 4]],
    ['actor=grafana', [5]],
    [`actor=${id}`, [5]],
    ['actor=constructor', []],
    ['action=device.created', [1, 2, 3]],
    ['target=a', [1, 5]],
    ['target=a&outcome=refused', [5]],
    ['outcome=done&order=newest', [4, 3, 2, 1]],
    [`from=${startMs + minuteMs}`, [2, 3, 4, 5]],
    ['to=2026-11-23T12:02:00Z', [1, 2]],
    [`from=${startMs + minuteMs}&to=${startMs + 2 * minuteMs}`, [2]],
  ]
  for (const [query, expected] of selected) expect(ids(await listed(api, query)), query).toEqual(expected)
  const unknown = ['action=device.exploded', 'after=x', 'order=newest&after=1', 'from=yesterday', 'x=1']
  for (const query of unknown) expect((await api.get(`audit?${query}`)).status, query).toBe(422)
})

test('is for admins alone, who may neither change nor remove an entry', async () => {
  const { api, token } = await withEntries()
  for (const one of [token, await api.tokenOf('operate')])
    expect((await api.call('GET', 'audit', undefined, { token: one })).status).toBe(403)
  const routes = api.http.routes.filter(({ url }) => /\baudit\b/.test(url))
  expect(routes.map(({ method }) => method).sort()).toEqual(['GET', 'HEAD'])
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
    for (const url of ['audit', `audit/${recordNumber(0)}`])
      expect((await api.call(method, url)).status).toBe(404)
  expect(ids(await listed(api, ''))).toEqual([1, 2, 3, 4, 5])
})

test('beyond what is kept the oldest go, and the ids go on', async () => {
  const { api } = await withEntries()
  const { log } = api
  await new Retention({ log, logger: silentLogger, auditEntriesKept: 2 }).sweep()
  expect(ids(await listed(api, ''))).toEqual([4, 5])
  await api.post('devices', { id: 'd', type: 'fridge' })
  expect(ids(await listed(api, 'after=1'))).toEqual([4, 5, 6])
  expect(ids(await api.all('audit?order=newest', 2))).toEqual([6, 5, 4])
})
