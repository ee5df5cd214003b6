import { describe, expect, test } from 'vitest'
import { prototypeNames, readingsOf, startApi, startMs } from '../api.ts'

/** A device with a value a minute from 12:00 on: 0, 1, 2 … */
async function withReadings(count = 120) {
  const api = await startApi()
  await api.devices.create({ id: 'd', type: 'fridge' })
  const points = Array.from({ length: count }, (_, i) => [startMs + i * 60_000, i] as const)
  await api.store.write([readingsOf('d', 'fridge', 'temperature_c', points)])
  return api
}

test('readings come raw, oldest first, with times in RFC 3339', async () => {
  const api = await withReadings()
  const { body } = await api.get('readings?device=d&limit=2')
  expect(body.items).toEqual([
    { time: '2026-11-23T12:00:00Z', values: { temperature_c: 0 } },
    { time: '2026-11-23T12:01:00Z', values: { temperature_c: 1 } },
  ])
  expect(body.nextCursor).toEqual(expect.any(String))
})

test('pages give every reading once, raw and in windows', async () => {
  const api = await withReadings()
  for (const limit of [7, 120, 1000]) {
    const all = await api.all('readings?device=d', limit)
    expect(all.map(({ values }) => values.temperature_c)).toEqual(Array.from({ length: 120 }, (_, i) => i))
  }
  const windows = await api.all('readings?device=d&every=10m&fn=count', 5)
  expect(windows.map(({ values }) => values.temperature_c)).toEqual(Array(12).fill(10))
})

test('from is included, to is not; both as RFC 3339 with any offset or Unix ms', async () => {
  const api = await withReadings()
  const values = async (range: string) =>
    (await api.all(`readings?device=d&${range}`, 50)).map((item) => item.values.temperature_c)
  expect(await values('from=2026-11-23T12:01:00Z&to=2026-11-23T12:03:00Z')).toEqual([1, 2])
  expect(await values('from=2026-11-23T13:01:00%2B01:00&to=2026-11-23T12:03:00Z')).toEqual([1, 2])
  expect(await values(`from=${startMs + 60_000}&to=${startMs + 180_000}`)).toEqual([1, 2])
  expect(await values('from=2026-11-24')).toEqual([])
})

test('windows are aligned to the epoch and mean is the default', async () => {
  const api = await withReadings(90)
  const { body } = await api.get('readings?device=d&every=1h')
  expect(body).toEqual({
    items: [
      { time: '2026-11-23T12:00:00Z', values: { temperature_c: 29.5 } },
      { time: '2026-11-23T13:00:00Z', values: { temperature_c: 74.5 } },
    ],
    nextCursor: null,
  })
})

test('metric takes several, and one that every object has is simply not there', async () => {
  const api = await withReadings(1)
  await api.store.write([readingsOf('d', 'fridge', 'power_w', [[startMs, 9]])])
  expect((await api.get('readings?device=d&metric=power_w')).body.items[0].values).toEqual({ power_w: 9 })
  const both = await api.get('readings?device=d&metric=power_w,temperature_c')
  expect(both.body.items[0].values).toEqual({ power_w: 9, temperature_c: 0 })
  for (const name of prototypeNames) {
    const isMetric = /^[A-Za-z]/.test(name)
    const answer = await api.get(`readings?device=d&metric=${name}`)
    expect([answer.status, answer.body.items], name).toEqual(isMetric ? [200, []] : [422, undefined])
    expect((await api.get(`readings?device=${name}`)).status, name).toBe(404)
  }
})

describe('what is refused', () => {
  test.each([
    ['', 'device'],
    ['device=d&from=yesterday', 'from'],
    ['device=d&from=2026-11-23T12:00:00', 'from'],
    ['device=d&from=2026-13-45', 'from'],
    ['device=d&to=', 'to'],
    ['device=d&every=1y', 'every'],
    ['device=d&every=0s', 'every'],
    ['device=d&fn=median', 'fn'],
    ['device=d&metric=a%20b', 'metric'],
    ['device=d&metric=', 'metric'],
    ['device=d&limit=1001', 'limit'],
    ['device=d&limit=1.5', 'limit'],
    ['device=d&cursor=abc', 'cursor'],
    ['device=d&cursor=%2B', 'cursor'],
    ['device=d&order=desc', 'order'],
    ['device=d&device=e', 'device'],
  ])('?%s at %s', async (query, name) => {
    const api = await startApi()
    const refused = await api.get(`readings?${query}`)
    expect(refused).toMatchObject({ status: 422, body: { code: 'TIDEMARK_INVALID' } })
    expect(refused.body.errors[0].pointer).toBe(`/query/${name}`)
  })
})

describe('the export', () => {
  /** Three devices of two types, each with a value a minute from 12:00 on. */
  async function withFleet(count = 40) {
    const api = await startApi()
    for (const [id, type] of [
      ['b', 'fridge'],
      ['a', 'fridge'],
      ['r', 'room_sensor'],
    ] as const) {
      await api.devices.create({ id, type })
      const points = Array.from({ length: count }, (_, i) => [startMs + i * 60_000, i] as const)
      await api.store.write([readingsOf(id, type, 'temperature_c', points)])
    }
    return api
  }
  // biome-ignore lint/suspicious/noExplicitAny: items are of any shape
  const names = (items: any[]) => items.map(({ device, values }) => `${device}${values.temperature_c}`)

  test('has readings of all devices by time, then by device', async () => {
    const api = await withFleet()
    const { body } = await api.get('readings:export?limit=4')
    expect(body.items).toEqual([
      { device: 'a', time: '2026-11-23T12:00:00Z', values: { temperature_c: 0 } },
      { device: 'b', time: '2026-11-23T12:00:00Z', values: { temperature_c: 0 } },
      { device: 'r', time: '2026-11-23T12:00:00Z', values: { temperature_c: 0 } },
      { device: 'a', time: '2026-11-23T12:01:00Z', values: { temperature_c: 1 } },
    ])
    expect(body.nextCursor).toEqual(expect.any(String))
  })

  test('gives every reading once, page by page', async () => {
    const api = await withFleet()
    const expected = Array.from({ length: 40 }, (_, i) => [`a${i}`, `b${i}`, `r${i}`]).flat()
    for (const limit of [1, 7, 120, 1000])
      expect(names(await api.all('readings:export', limit)), `${limit}`).toEqual(expected)
  })

  test('has what is asked for: types, devices, and from a time, included, to another, not included', async () => {
    const api = await withFleet(3)
    const asked = async (query: string) => names(await api.all(`readings:export?${query}`, 50))
    expect(await asked('type=fridge')).toEqual(['a0', 'b0', 'a1', 'b1', 'a2', 'b2'])
    expect(await asked('type=none')).toEqual([])
    expect(await asked('device=r,a,a')).toEqual(['a0', 'r0', 'a1', 'r1', 'a2', 'r2'])
    expect(await asked('device=r,a&type=fridge')).toEqual(['a0', 'a1', 'a2'])
    expect(await asked('device=r&type=fridge')).toEqual([])
    expect(await asked(`from=2026-11-23T12:01:00Z&to=${startMs + 120_000}`)).toEqual(['a1', 'b1', 'r1'])
  })

  test('follows the devices as they come and go', async () => {
    const api = await withFleet(1)
    const all = async (query = '') => names(await api.all(`readings:export?${query}`, 50))
    expect([await all(), await all('type=fridge')]).toEqual([
      ['a0', 'b0', 'r0'],
      ['a0', 'b0'],
    ])
    await api.devices.remove('a')
    await api.devices.update('r', { type: 'fridge' })
    expect([await all(), await all('type=fridge')]).toEqual([
      ['b0', 'r0'],
      ['b0', 'r0'],
    ])
    expect(await api.get('readings:export?device=b,a')).toMatchObject({
      status: 404,
      body: { code: 'TIDEMARK_NOT_FOUND', detail: 'there is no device a' },
    })
  })

  test('of more devices of a type than the store is named leaves the others out', async () => {
    const api = await withFleet(2)
    await Promise.all(
      Array.from({ length: 1_000 }, (_, i) => api.devices.create({ id: `x${i}`, type: 'fridge' })),
    )
    expect(names(await api.all('readings:export?type=fridge', 3))).toEqual(['a0', 'b0', 'a1', 'b1'])
  })

  test('may be read by anyone who may read, and by nobody else', async () => {
    const api = await withFleet(1)
    const answers = [await api.tokenOf('read'), 'wrong'].map((token) =>
      api.call('GET', 'readings:export', undefined, { token }),
    )
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 401])
  })

  test.each([
    ['from=yesterday', 'from'],
    ['to=', 'to'],
    ['limit=1001', 'limit'],
    ['cursor=abc', 'cursor'],
    ['cursor=%2B', 'cursor'],
    [`cursor=${Buffer.from('1 0 a').toString('base64url')}`, 'cursor'],
    [`cursor=${Buffer.from('1').toString('base64url')}`, 'cursor'],
    [`device=${Array.from({ length: 1_001 }, (_, i) => i).join(',')}`, 'device'],
    ['type=a&type=b', 'type'],
    ['metric=v', 'metric'],
  ])('refuses ?%s at %s', async (query, name) => {
    const api = await startApi()
    const refused = await api.get(`readings:export?${query}`)
    expect(refused).toMatchObject({ status: 422, body: { code: 'TIDEMARK_INVALID' } })
    expect(refused.body.errors[0].pointer).toBe(`/query/${name}`)
  })
})
