import { describe, expect, test } from 'vitest'
import { maintenanceWindowsMax } from '../../../rules/maintenance-windows.ts'
import { prototypeNames, startApi, startMs } from '../api.ts'

const window = {
  id: 'firmware',
  select: { types: ['fridge'], labels: { site: 'berlin' }, devices: [] },
  from: '2026-11-23T22:00:00.000Z',
  to: '2026-11-24T02:00:00.000Z',
  reason: 'new firmware',
}

describe('a maintenance window', () => {
  test('is made, read, changed and deleted, and the engine is told of each', async () => {
    const api = await startApi()
    const created = await api.post('maintenance-windows', { ...window, from: '2026-11-23T23:00:00+01:00' })
    expect([created.status, created.headers.location]).toEqual([201, '/api/v1/maintenance-windows/firmware'])
    expect(created.body).toEqual(window)
    expect((await api.get('maintenance-windows/firmware')).body).toEqual(window)
    const kept = { ...window, from: Date.parse(window.from), to: Date.parse(window.to) }
    const told = () => api.log.changesSince(0).map(({ table, key, value }) => [table, key, value])
    expect(told()).toEqual([['maintenance-windows', 'firmware', kept]])

    const patched = await api.call('PATCH', 'maintenance-windows/firmware', { reason: 'later' })
    expect([patched.status, patched.body]).toEqual([200, { ...window, reason: 'later' }])
    const replaced = { from: window.from, to: '2026-11-25T00:00:00Z' }
    expect((await api.call('PUT', 'maintenance-windows/firmware', replaced)).body).toEqual({
      id: 'firmware',
      select: { types: [], labels: {}, devices: [] },
      from: window.from,
      to: '2026-11-25T00:00:00.000Z',
      reason: '',
    })

    expect((await api.call('DELETE', 'maintenance-windows/firmware')).status).toBe(204)
    expect((await api.get('maintenance-windows/firmware')).status).toBe(404)
    expect(told()).toEqual([['maintenance-windows', 'firmware', undefined]])
  })

  test('gets an id when it has none; one that is taken is refused, of two at once the second', async () => {
    const api = await startApi()
    const { id: _, ...nameless } = window
    const made = await api.post('maintenance-windows', nameless)
    expect(made.status).toBe(201)
    expect((await api.get(`maintenance-windows/${made.body.id}`)).body).toEqual({
      ...nameless,
      id: made.body.id,
    })
    const both = await Promise.all([
      api.post('maintenance-windows', window),
      api.post('maintenance-windows', window),
    ])
    expect(both.map(({ status }) => status).sort()).toEqual([201, 409])
    expect(both.find(({ status }) => status === 409)?.body.code).toBe('TIDEMARK_EXISTS')
  })

  test('that is not there is 404, whatever its name', async () => {
    const api = await startApi()
    for (const name of ['none', ...prototypeNames]) {
      expect((await api.get(`maintenance-windows/${name}`)).status).toBe(404)
      expect((await api.call('PATCH', `maintenance-windows/${name}`, { reason: 'x' })).status).toBe(404)
      expect((await api.call('DELETE', `maintenance-windows/${name}`)).status).toBe(404)
    }
  })

  test.each([
    [{ to: window.from }, '/to'],
    [{ from: 'today' }, '/from'],
    [{ from: undefined }, '/from'],
    [{ to: 5 }, '/to'],
    [{ reason: 'x'.repeat(501) }, '/reason'],
    [{ select: { types: ['Not a type'] } }, '/select/types/0'],
    [{ select: { labels: { device: 'x' } } }, '/select/labels/device'],
    [{ select: { devices: ['#'] } }, '/select/devices/0'],
    [{ select: { site: 'x' } }, '/select/site'],
    [{ id: '../x' }, '/id'],
    [{ note: 'x' }, '/note'],
  ])('with %j is refused', async (wrong, pointer) => {
    const api = await startApi()
    const refused = await api.post('maintenance-windows', { ...window, ...wrong })
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, pointer])
    expect(api.log.entries('maintenance-windows')).toEqual([])
  })

  test('is not changed into one that ends before it begins, nor into another', async () => {
    const api = await startApi()
    await api.post('maintenance-windows', window)
    const path = 'maintenance-windows/firmware'
    for (const [method, body, pointer] of [
      ['PATCH', { to: window.from }, '/to'],
      ['PATCH', { from: window.to }, '/from'],
      ['PATCH', { id: 'other' }, '/id'],
      ['PUT', { ...window, to: window.from }, '/to'],
      ['PUT', { ...window, id: 'other' }, '/id'],
    ] as const) {
      const refused = await api.call(method, path, body)
      expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, pointer])
    }
    expect((await api.get(path)).body).toEqual(window)
  })
})

test('the list is paged, and has no deleted ones', async () => {
  const api = await startApi()
  for (const id of ['c', 'a', 'd', 'b']) await api.post('maintenance-windows', { ...window, id })
  await api.call('DELETE', 'maintenance-windows/b')
  expect((await api.all('maintenance-windows', 1)).map(({ id }) => id)).toEqual(['a', 'c', 'd'])
})

test('there are at most a thousand, and room again when one is deleted', async () => {
  const api = await startApi()
  const create = (n: number) => api.post('maintenance-windows', { ...window, id: `w-${n}` })
  const created = await Promise.all(Array.from({ length: maintenanceWindowsMax }, (_, n) => create(n)))
  expect(created.every(({ status }) => status === 201)).toBe(true)
  const refused = await create(maintenanceWindowsMax)
  expect([refused.status, refused.body.code]).toEqual([409, 'TIDEMARK_MAINTENANCE_LIMIT'])
  await api.call('DELETE', 'maintenance-windows/w-0')
  expect((await create(maintenanceWindowsMax)).status).toBe(201)
})

test('read lists, operate changes', async () => {
  const api = await startApi()
  const [read, operate] = [await api.tokenOf('read'), await api.tokenOf('operate')]
  const path = 'maintenance-windows/firmware'
  for (const [method, url, body, status] of [
    ['POST', 'maintenance-windows', window, 201],
    ['PUT', path, window, 200],
    ['PATCH', path, { to: new Date(startMs + 90 * 86_400_000).toISOString() }, 200],
    ['DELETE', path, undefined, 204],
  ] as const) {
    expect((await api.call(method, url, body, { token: read })).status).toBe(403)
    expect((await api.call('GET', 'maintenance-windows', undefined, { token: read })).status).toBe(200)
    expect((await api.call(method, url, body, { token: operate })).status).toBe(status)
  }
})
