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
