import { expect, test } from 'vitest'
import { startApi, startMs } from '../api.ts'

test('a token is shown once, works, and is refused once removed', async () => {
  const api = await startApi()
  const created = await api.post('tokens', { name: 'dashboard', role: 'read' })
  expect(created.status).toBe(201)
  const { token, ...shown } = created.body
  expect(shown).toEqual({ id: expect.any(String), name: 'dashboard', role: 'read', expiresAt: null })
  expect(created.headers.location).toBe(`/api/v1/tokens/${shown.id}`)
  expect((await api.get(`tokens/${shown.id}`)).body).toEqual(shown)
  const list = await api.get('tokens')
  expect(list.body.items).toEqual([shown])
  expect(list.text).not.toContain(token)
  expect((await api.call('GET', 'devices', undefined, { token })).status).toBe(200)
  expect((await api.call('DELETE', `tokens/${shown.id}`)).status).toBe(204)
  expect((await api.call('DELETE', `tokens/${shown.id}`)).status).toBe(404)
  expect((await api.get(`tokens/${shown.id}`)).status).toBe(404)
  expect((await api.call('GET', 'devices', undefined, { token })).status).toBe(401)
})

test('an expired token is refused from that moment on', async () => {
  const api = await startApi()
  const { token } = (
    await api.post('tokens', { name: 'x', role: 'read', expiresAt: '2026-11-23T13:00:00+01:00' })
  ).body
  api.setNow(startMs - 1)
  expect((await api.call('GET', 'devices', undefined, { token })).status).toBe(200)
  api.setNow(startMs)
  expect((await api.call('GET', 'devices', undefined, { token })).status).toBe(401)
})

test('a change of role counts at once and keeps the token', async () => {
  const api = await startApi()
  const { id, token } = (await api.post('tokens', { name: 'x', role: 'read' })).body
  const tokens = () => api.call('GET', 'tokens', undefined, { token })
  expect((await tokens()).status).toBe(403)
  expect((await api.call('PATCH', `tokens/${id}`, { role: 'admin' })).body).toMatchObject({
    name: 'x',
    role: 'admin',
  })
  expect((await tokens()).status).toBe(200)
  expect((await api.call('PATCH', 'tokens/nobody', { role: 'admin' })).status).toBe(404)
  expect((await api.call('PATCH', `tokens/${id}`, { token: 'mine' })).status).toBe(422)
})

test.each([
  [{ role: 'read' }, '/name'],
  [{ name: '', role: 'read' }, '/name'],
  [{ name: 'x', role: 'root' }, '/role'],
  [{ name: 'x', role: 'constructor' }, '/role'],
  [{ name: 'x', role: 'read', expiresAt: 'tomorrow' }, '/expiresAt'],
  [{ name: 'x', role: 'read', token: 'mine' }, '/token'],
])('%j is refused at %s', async (body, pointer) => {
  const api = await startApi()
  const refused = await api.post('tokens', body)
  expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, pointer])
})

test('tokens page', async () => {
  const api = await startApi()
  for (let i = 0; i < 5; i++) await api.tokenOf('read')
  expect(new Set((await api.all('tokens', 2)).map(({ id }) => id)).size).toBe(5)
})

test('a token is told what it is, whatever its role, and never its secret or hash', async () => {
  const api = await startApi()
  const self = (token: string) => api.call('GET', 'tokens/self', undefined, { token })
  for (const role of ['read', 'operate', 'admin']) {
    const { token, ...shown } = (await api.post('tokens', { name: `own ${role}`, role })).body
    const told = await self(token)
    expect([told.status, told.body]).toEqual([200, shown])
  }
  expect((await api.get('tokens/self')).body).toEqual({
    id: 'admin',
    name: 'admin',
    role: 'admin',
    expiresAt: null,
  })
  expect((await self('unknown')).status).toBe(401)
})
