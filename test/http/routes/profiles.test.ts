import { expect, test } from 'vitest'
import { shippedProfiles } from '../../../domain/shipped-profiles.ts'
import { prototypeNames, startApi } from '../api.ts'

const heatPump = {
  type: 'heat_pump',
  strict: true,
  tags: ['site', 'floor'],
  expectedInterval: '1m',
  metrics: {
    power_w: { unit: 'W', kind: 'gauge', min: 0, max: 1e5 },
    mode: { kind: 'state', type: 'string' },
  },
}

test('what ships is listed and read', async () => {
  const api = await startApi()
  const types = (await api.all('profiles', 2)).map(({ type }) => type)
  expect(types).toEqual(shippedProfiles.map(({ type }) => type).sort())
  expect((await api.get('profiles/fridge')).body.metrics.temperature_c.unit).toBe('°C')
})

test('a new profile is put, read, listed, replaced and removed', async () => {
  const api = await startApi()
  const put = (body: unknown) => api.call('PUT', 'profiles/heat_pump', body)
  expect((await put(heatPump)).body).toEqual(heatPump)
  expect((await api.get('profiles/heat_pump')).body).toEqual(heatPump)
  expect((await api.all('profiles', 1000)).map(({ type }) => type)).toContain('heat_pump')
  expect((await put({})).body).toEqual({ type: 'heat_pump', strict: false, tags: [], metrics: {} })
  expect((await api.call('DELETE', 'profiles/heat_pump')).status).toBe(204)
  expect((await api.get('profiles/heat_pump')).status).toBe(404)
  expect((await api.call('DELETE', 'profiles/heat_pump')).status).toBe(404)
})

test('a shipped type is overlaid, and returns to what ships when that is removed', async () => {
  const api = await startApi()
  const shipped = (await api.get('profiles/fridge')).body
  await api.call('PUT', 'profiles/fridge', { metrics: {} })
  expect((await api.get('profiles/fridge')).body.metrics).toEqual({})
  expect((await api.call('DELETE', 'profiles/fridge')).status).toBe(204)
  expect((await api.get('profiles/fridge')).body).toEqual(shipped)
  const pristine = await api.call('DELETE', 'profiles/fridge')
  expect(pristine).toMatchObject({ status: 409, body: { code: 'TIDEMARK_SHIPPED' } })
})

test.each([
  [{ type: 'other' }, '/type'],
  [{ colour: 'red' }, '/colour'],
  [{ tags: ['time'] }, '/tags/0'],
  [{ tags: ['site'], metrics: { site: { kind: 'gauge' } } }, '/metrics/site'],
  [{ metrics: { 'a/b': { kind: 'gauge' } } }, '/metrics/a~1b'],
  [{ metrics: { a: { kind: 'dial' } } }, '/metrics/a/kind'],
  [{ metrics: { a: { kind: 'gauge', min: 2, max: 1 } } }, '/metrics/a/min'],
  [{ metrics: { a: { kind: 'gauge', type: 'string' } } }, '/metrics/a/type'],
  [{ metrics: { a: { kind: 'gauge', colour: 1 } } }, '/metrics/a/colour'],
  [{ expectedInterval: 'often' }, '/expectedInterval'],
])('%j is refused at %s', async (body, pointer) => {
  const api = await startApi()
  const refused = await api.call('PUT', 'profiles/heat_pump', body)
  expect(refused).toMatchObject({ status: 422, body: { code: 'TIDEMARK_INVALID' } })
  expect(refused.body.errors[0].pointer).toBe(pointer)
})

test('no profile stands under a name that every object has', async () => {
  const api = await startApi()
  for (const name of prototypeNames) {
    expect((await api.get(`profiles/${name}`)).status, name).toBe(404)
    expect((await api.call('DELETE', `profiles/${name}`)).status, name).toBe(404)
  }
})
