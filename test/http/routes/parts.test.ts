import { expect, test } from 'vitest'
import { encodeIngressGroup } from '../../../log/ingress-codec.ts'
import { startApi, startMs } from '../api.ts'

const startedAt = new Date(startMs).toISOString()

test('GET /parts says what each part has yet to read', async () => {
  const api = await startApi()
  await api.log.appendIngress(encodeIngressGroup(startMs, [], 0), 7)
  await api.log.transaction((tx) => {
    tx.append('readings', Buffer.from('batch'), 3)
    tx.append('events', Buffer.from('{}'), 1)
  })
  const answer = await api.call('GET', 'parts', undefined, { token: await api.tokenOf('read') })
  expect(answer.status).toBe(200)
  expect(answer.body).toEqual({
    items: [
      { name: 'ingest', restarts: 0, startedAt, lag: 7 },
      { name: 'storage', restarts: 0, startedAt, lag: 4 },
      { name: 'analytics', restarts: 0, startedAt, lag: 3 },
      { name: 'rules', restarts: 0, startedAt, lag: 3 },
    ],
  })
})

test('a restart is answered once the part runs again, and is counted for that part', async () => {
  const api = await startApi()
  expect((await api.post('parts/storage:restart')).body).toEqual({ part: 'storage', restarts: 1 })
  api.setNow(startMs + 60_000)
  const again = await api.post('parts/storage:restart')
  expect(again.status).toBe(202)
  expect(again.body).toEqual({ part: 'storage', restarts: 2 })
  expect((await api.get('parts')).body.items).toEqual([
    { name: 'ingest', restarts: 0, startedAt, lag: 0 },
    { name: 'storage', restarts: 2, startedAt: new Date(startMs + 60_000).toISOString(), lag: 0 },
    { name: 'analytics', restarts: 0, startedAt, lag: 0 },
    { name: 'rules', restarts: 0, startedAt, lag: 0 },
  ])
})

test('there are no other parts to restart', async () => {
  const api = await startApi()
  for (const part of ['broker', 'platform', '__proto__', 'ingest%00']) {
    const { status, body } = await api.post(`parts/${part}:restart`)
    expect([part, status, body.code]).toEqual([part, 404, 'TIDEMARK_NOT_FOUND'])
  }
})

test('only an admin may restart a part', async () => {
  const api = await startApi()
  const token = await api.tokenOf('operate')
  expect((await api.call('POST', 'parts/ingest:restart', undefined, { token })).status).toBe(403)
  expect((await api.get('parts')).body.items[0].restarts).toBe(0)
})
