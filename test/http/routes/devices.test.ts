import { describe, expect, test } from 'vitest'
import { prototypeNames, readingsOf, startApi, startMs } from '../api.ts'

const fridge = { id: 'fridge-1', type: 'fridge', labels: { site: 'berlin' } }

describe('registering', () => {
  test('answers with the device and its secret, which is never shown again', async () => {
    const api = await startApi()
    const created = await api.post('devices', fridge)
    expect(created.status).toBe(201)
    expect(created.headers.location).toBe('/api/v1/devices/fridge-1')
    expect(created.body).toEqual({
      device: { ...fridge, createdAt: '2026-11-23T12:00:00.000Z', online: false, lastSeenAt: null },
      credentials: { username: 'fridge-1', password: expect.stringMatching(/^[\w-]{22}$/) },
    })
    const shown = await api.get('devices/fridge-1')
    expect(shown.body).toEqual(created.body.device)
    expect(shown.text + (await api.get('devices')).text).not.toContain(created.body.credentials.password)
  })

  test('a second time is a conflict and changes nothing', async () => {
    const api = await startApi()
    await api.post('devices', fridge)
    const again = await api.post('devices', { ...fridge, type: 'generic' })
    expect([again.status, again.body.code]).toEqual([409, 'TIDEMARK_EXISTS'])
    expect((await api.get('devices/fridge-1')).body.type).toBe('fridge')
  })

  test.each([
    [{ ...fridge, id: 'a/b' }, '/id'],
    [{ ...fridge, id: '' }, '/id'],
    [{ ...fridge, id: 'x'.repeat(65) }, '/id'],
    [{ type: 'fridge' }, '/id'],
    [{ ...fridge, type: 'Fridge' }, '/type'],
    [{ ...fridge, labels: { 'a/b': 'c' } }, '/labels/a~1b'],
    [{ ...fridge, labels: { time: 'c' } }, '/labels/time'],
    [{ ...fridge, labels: { site: 'ä'.repeat(129) } }, '/labels/site'],
    [{ ...fridge, labels: { site: 1 } }, '/labels/site'],
    [{ ...fridge, secret: 'mine' }, '/secret'],
    [[], ''],
    [null, ''],
  ])('%j is refused at %s', async (body, pointer) => {
    const api = await startApi()
    const refused = await api.post('devices', body)
    expect(refused.status).toBe(422)
    expect(refused.headers['content-type']).toContain('application/problem+json')
    expect(refused.body).toMatchObject({ status: 422, code: 'TIDEMARK_INVALID' })
    expect(refused.body.errors.map((error: { pointer: string }) => error.pointer)).toEqual([pointer])
  })

  test('a name that every object has is an id like any other, and nothing until it is registered', async () => {
    const api = await startApi()
    for (const id of prototypeNames) {
      expect((await api.get(`devices/${id}`)).status, id).toBe(404)
      expect((await api.get(`devices/${id}/latest`)).status, id).toBe(404)
      const isId = /^[A-Za-z0-9]/.test(id)
      expect((await api.post('devices', { id, type: 'generic' })).status, id).toBe(isId ? 201 : 422)
    }
  })
})

describe('the list', () => {
  test('pages through all devices in order of their ids, each once', async () => {
    const api = await startApi()
    const ids = Array.from({ length: 7 }, (_, i) => `d${i}`)
    for (const id of ids.toReversed()) await api.devices.create({ id, type: 'generic' })
    for (const limit of [1, 3, 7, 8])
      expect((await api.all('devices', limit)).map(({ id }) => id)).toEqual(ids)
  })

  test('is filtered by type, labels and connection', async () => {
    const api = await startApi()
    await api.devices.create({ id: 'a', type: 'fridge', labels: { site: 'x', floor: '1' } })
    await api.devices.create({ id: 'b', type: 'fridge', labels: { site: 'y' } })
    await api.devices.create({ id: 'c', type: 'generic', labels: { site: 'x' } })
    api.online.add('b')
    const ids = async (query: string) => (await api.all(`devices?${query}`, 10)).map(({ id }) => id)
    expect(await ids('type=fridge')).toEqual(['a', 'b'])
    expect(await ids('label.site=x')).toEqual(['a', 'c'])
    expect(await ids('label.site=x&label.floor=1')).toEqual(['a'])
    expect(await ids('label.constructor=x')).toEqual([])
    expect(await ids('online=true')).toEqual(['b'])
    expect(await ids('online=false&type=fridge')).toEqual(['a'])
    expect((await api.get('devices/b')).body).toMatchObject({
      online: true,
      lastSeenAt: '2026-11-23T12:00:00.000Z',
    })
  })

  test.each(['limit=0', 'limit=1001', 'limit=x', 'cursor=%21', 'online=yes', 'colour=red', 'type=a&type=b'])(
    '?%s is refused by name',
    async (query) => {
      const api = await startApi()
      const refused = await api.get(`devices?${query}`)
      expect(refused.status).toBe(422)
      expect(refused.body.errors[0].pointer).toBe(`/query/${query.split('=')[0]}`)
    },
  )
})

describe('changing', () => {
  test('a patch changes what it names', async () => {
    const api = await startApi()
    await api.post('devices', fridge)
    const labelled = await api.call('PATCH', 'devices/fridge-1', { labels: { site: 'ulm' } })
    expect(labelled.body).toMatchObject({ type: 'fridge', labels: { site: 'ulm' } })
    expect((await api.call('PATCH', 'devices/fridge-1', { id: 'other' })).status).toBe(422)
    expect((await api.call('PATCH', 'devices/nobody', {})).status).toBe(404)
  })

  test('new credentials replace the old ones', async () => {
    const api = await startApi()
    const first = (await api.post('devices', fridge)).body.credentials
    const before = api.devices.find('fridge-1')?.secretHash
    const second = await api.post('devices/fridge-1/credentials')
    expect(second.status).toBe(200)
    expect(second.body.credentials.username).toBe('fridge-1')
    expect(second.body.credentials.password).not.toBe(first.password)
    expect(api.devices.find('fridge-1')?.secretHash).not.toBe(before)
    expect((await api.post('devices/nobody/credentials')).status).toBe(404)
  })

  test('a device removed is gone, its readings stay', async () => {
    const api = await startApi()
    await api.post('devices', fridge)
    await api.store.write([readingsOf('fridge-1', 'fridge', 'temperature_c', [[startMs, 4]])])
    expect((await api.call('DELETE', 'devices/fridge-1')).status).toBe(204)
    expect((await api.call('DELETE', 'devices/fridge-1')).status).toBe(404)
    expect(await api.store.latest({ device: 'fridge-1', type: 'fridge' })).toHaveProperty('temperature_c')
  })

  test('with purge=data its readings go too, and another word is refused', async () => {
    const api = await startApi()
    await api.post('devices', fridge)
    await api.store.write([readingsOf('fridge-1', 'fridge', 'temperature_c', [[startMs, 4]])])
    expect((await api.call('DELETE', 'devices/fridge-1?purge=all')).status).toBe(422)
    expect((await api.call('DELETE', 'devices/fridge-1?purge=data')).status).toBe(204)
    expect(await api.store.latest({ device: 'fridge-1', type: 'fridge' })).toEqual({})
  })

  test('while the database cannot purge, the device stays, so that the call can be repeated', async () => {
    const api = await startApi()
    await api.post('devices', fridge)
    await api.store.close()
    const failed = await api.call('DELETE', 'devices/fridge-1?purge=data')
    expect(failed.status).toBeGreaterThanOrEqual(500)
    expect(failed.headers['content-type']).toContain('application/problem+json')
    expect((await api.get('devices/fridge-1')).status).toBe(200)
  })
})

test('the newest values come with their time and unit', async () => {
  const api = await startApi()
  await api.post('devices', fridge)
  await api.store.write([
    readingsOf('fridge-1', 'fridge', 'temperature_c', [
      [startMs, 4],
      [startMs + 1000, 5],
    ]),
    readingsOf('fridge-1', 'fridge', 'constructor', [[startMs, 1]]),
  ])
  expect((await api.get('devices/fridge-1/latest')).body).toEqual({
    device: 'fridge-1',
    values: {
      constructor: { value: 1, time: '2026-11-23T12:00:00.000Z', unit: null },
      temperature_c: { value: 5, time: '2026-11-23T12:00:01.000Z', unit: '°C' },
    },
  })
})

describe('the import', () => {
  const ndjson = { headers: { 'content-type': 'application/x-ndjson' } }
  const lines = (text: string) =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))

  test('answers each line in order with what became of it', async () => {
    const api = await startApi()
    await api.post('devices', fridge)
    const body = [
      JSON.stringify({ id: 'a', type: 'fridge', labels: { site: 'x' } }),
      '',
      JSON.stringify({ id: 'fridge-1', type: 'generic' }),
      '{"id": ',
      JSON.stringify({ id: 'b/c', type: 'fridge' }),
      JSON.stringify({ id: 'd', type: 'fridge', labels: { x: 'y'.repeat(70_000) } }),
      JSON.stringify({ id: 'e', type: 'fridge' }),
    ].join('\r\n')
    const answer = await api.call('POST', 'devices:import', body, ndjson)
    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toContain('application/x-ndjson')
    expect(lines(answer.text)).toEqual([
      { id: 'a', status: 'created', credentials: { username: 'a', password: expect.any(String) } },
      { id: 'fridge-1', status: 'updated' },
      { id: null, status: 'failed', error: 'the line is not JSON' },
      { id: 'b/c', status: 'failed', error: expect.stringMatching(/^id: /) },
      { id: null, status: 'failed', error: 'the line is too long' },
      { id: 'e', status: 'created', credentials: expect.anything() },
    ])
    expect(api.devices.find('fridge-1')).toMatchObject({ type: 'generic', labels: {} })
  })

  test('an id that comes twice is created once and then updated', async () => {
    const api = await startApi()
    const body = ['fridge', 'generic'].map((type) => JSON.stringify({ id: 'a', type })).join('\n')
    const results = lines((await api.call('POST', 'devices:import', body, ndjson)).text)
    expect(results.map(({ status }) => status)).toEqual(['created', 'updated'])
    expect(api.devices.find('a')?.type).toBe('generic')
  })

  test('thousands of devices are all registered', async () => {
    const api = await startApi()
    const body = Array.from({ length: 2_500 }, (_, i) => `{"id":"d${i}","type":"generic"}\n`).join('')
    expect(lines((await api.call('POST', 'devices:import', body, ndjson)).text)).toHaveLength(2_500)
    expect(api.devices.size).toBe(2_500)
  })

  test('a known device keeps its labels where the line has none, and takes those that it has', async () => {
    const api = await startApi()
    const imported = async (device: object) => {
      await api.call('POST', 'devices:import', `${JSON.stringify(device)}\n`, ndjson)
      return (await api.get('devices/meter-1')).body.labels
    }
    expect(await imported({ id: 'meter-1', type: 'smart_meter' })).toEqual({})
    const labels = { site: 'berlin' }
    expect(await imported({ id: 'meter-1', type: 'smart_meter', labels })).toEqual(labels)
    expect(await imported({ id: 'meter-1', type: 'smart_meter' })).toEqual(labels)
    expect(await imported({ id: 'meter-1', type: 'smart_meter', labels: {} })).toEqual({})
  })

  test('one device as JSON is imported too, and what is nested too deep to be written again is refused', async () => {
    const api = await startApi()
    const one = await api.post('devices:import', { id: 'meter-1', type: 'smart_meter' })
    expect(JSON.parse(one.text)).toMatchObject({ id: 'meter-1', status: 'created' })
    const deep = await api.post('devices:import', '['.repeat(20_000) + ']'.repeat(20_000))
    expect([deep.status, JSON.parse(deep.text).status]).toEqual([200, 'failed'])
  })

  test('NDJSON is for the import only', async () => {
    const api = await startApi()
    const refused = await api.call('POST', 'devices', JSON.stringify(fridge), ndjson)
    expect([refused.status, refused.body.code]).toEqual([415, 'TIDEMARK_MEDIA_TYPE'])
  })
})
