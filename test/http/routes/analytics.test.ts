import { expect, onTestFinished, test } from 'vitest'
import { Analytics } from '../../../analytics/analytics.ts'
import { silentLogger } from '../../../lib/logger.ts'
import { consumers, type Log } from '../../../log/log.ts'
import { append, reading } from '../../analytics/site.ts'
import type { TestReading } from '../../support/reading-batches.ts'
import { prototypeNames, startApi, type TestApi } from '../api.ts'
import { openStream, type StreamedEvent } from '../open-stream.ts'

const meters = 'type=smart_meter&metric=active_power_w'

async function counting() {
  const api = await startApi()
  const analytics = new Analytics({ log: api.log, store: api.store, logger: silentLogger, gatherMs: 0 })
  analytics.start()
  onTestFinished(() => analytics.stop())
  const give = async (...readings: TestReading[]) => {
    await append(api.log, readings)
    await caughtUp(api.log)
  }
  return { api, give }
}

async function caughtUp(log: Log): Promise<void> {
  await expect.poll(() => log.offset(consumers.analytics), { interval: 2 }).toBe(log.end('readings'))
}

const some = [
  reading('a', 0.5, 100, { site: 'berlin' }),
  reading('b', 0.5, 50, { site: 'berlin' }),
  reading('c', 0.5, 7, { site: 'paris' }),
  reading('a', 3.5, 120, { site: 'berlin' }),
]

test('a series by label: each minute with the value of each group, and whether it is closed', async () => {
  const { api, give } = await counting()
  await give(...some)
  const { body, status } = await api.get(`analytics/series?${meters}&by=site&fn=sum`)
  expect(status).toBe(200)
  expect(body).toEqual({
    items: [
      { time: '2026-11-23T12:00:00Z', values: { berlin: 150, paris: 7 }, closed: true },
      { time: '2026-11-23T12:03:00Z', values: { berlin: 120 }, closed: false },
    ],
    nextCursor: null,
    late: 0,
    bounds: [],
  })
})

test('without a label all devices are one group, and without a function it is their mean', async () => {
  const { api, give } = await counting()
  await give(...some)
  const values = async (query: string) =>
    (await api.get(`analytics/series?${meters}${query}`)).body.items.map(
      (item: { values: unknown }) => item.values,
    )
  expect(await values('&to=2026-11-23T12:01:00Z')).toEqual([{ all: 157 / 3 }])
  expect(await values('&fn=max&from=2026-11-23T12:00:01Z')).toEqual([{ all: 120 }])
  expect(await values('&fn=min')).toEqual([{ all: 7 }, { all: 120 }])
  expect(await values('&fn=count')).toEqual([{ all: 3 }, { all: 1 }])
})

test('a series pages through its minutes', async () => {
  const { api, give } = await counting()
  await give(...Array.from({ length: 100 }, (_, n) => reading('a', n + 0.5, n)))
  const items = await api.all(`analytics/series?${meters}`, 7)
  expect(items.map(({ values }) => values.all)).toEqual(Array.from({ length: 100 }, (_, n) => n))
})

test('of what no device has said there are no minutes', async () => {
  const { api, give } = await counting()
  await give(...some)
  for (const query of [
    'type=fridge&metric=active_power_w',
    'type=smart_meter&metric=voltage_v',
    `${meters}&by=floor`,
    `${meters}&from=2027-01-01`,
    `${meters}&to=2026-01-01`,
  ])
    expect((await api.get(`analytics/series?${query}`)).body.items, query).toEqual([])
  expect((await api.get('analytics/top?type=fridge&metric=power_w')).body).toEqual({
    highest: [],
    lowest: [],
    late: 0,
    bounds: [],
  })
})

test('the highest and lowest devices, each with the time of what it said', async () => {
  const { api, give } = await counting()
  await give(...some.slice(0, 3))
  const { body } = await api.get(`analytics/top?${meters}&n=2`)
  const time = '2026-11-23T12:00:30Z'
  expect(body).toEqual({
    highest: [
      { device: 'a', value: 100, time },
      { device: 'b', value: 50, time },
    ],
    lowest: [
      { device: 'c', value: 7, time },
      { device: 'b', value: 50, time },
    ],
    late: 0,
    bounds: [],
  })
})

test('what came too late is told', async () => {
  const { api, give } = await counting()
  await give(...some)
  await give(reading('d', 0.1, 1), reading('a', 3.6, 1))
  expect((await api.get(`analytics/series?${meters}`)).body.late).toBe(1)
  expect((await api.get(`analytics/top?${meters}`)).body.late).toBe(1)
})

const refusals = [
  ['series?metric=active_power_w', '/query/type'],
  ['series?type=smart_meter', '/query/metric'],
  ['series?type=a/b&metric=x', '/query/type'],
  ['series?type=smart_meter&metric=time', '/query/metric'],
  [`series?${meters}&by=device`, '/query/by'],
  [`series?${meters}&fn=median`, '/query/fn'],
  [`series?${meters}&cursor=a`, '/query/cursor'],
  [`series?${meters}&since=1`, '/query/since'],
  [`top?${meters}&n=0`, '/query/n'],
  [`top?${meters}&n=101`, '/query/n'],
  [`top?${meters}&by=site`, '/query/by'],
  ['stream?type=smart_meter', '/query/metric'],
  [`stream?${meters}&fn=sum`, '/query/fn'],
] as const

test('a query that is not one names what is wrong with it', async () => {
  const api = await startApi()
  for (const [query, pointer] of refusals) {
    const { status, body } = await api.get(`analytics/${query}`)
    expect([status, body.errors[0].pointer], query).toEqual([422, pointer])
  }
})

test('values of labels that every object has as names are values', async () => {
  const { api, give } = await counting()
  await give(...prototypeNames.map((site, n) => reading(`d${n}`, 0.5, n, { site })))
  const { text } = await api.get(`analytics/series?${meters}&by=site&fn=sum`)
  for (const [n, site] of prototypeNames.entries()) expect(text).toContain(`"${site}":${n}`)
})

interface Minute {
  readonly time: string
  readonly values: Record<string, object>
  readonly closed: boolean
}

const minuteStream = (api: TestApi, port: number, headers?: Record<string, string>) =>
  openStream<Minute>(api, port, `analytics/stream?${meters}&by=site`, headers)

async function listening() {
  const { api, give } = await counting()
  const { port } = await api.http.listen('127.0.0.1', 0)
  return { api, give, port }
}

const timesOf = (received: readonly StreamedEvent<Minute>[]) =>
  received.map(({ data }) => data.time.slice(11, 16))

test('the stream sends the open minutes, and then each that changes, whole', async () => {
  const { api, give, port } = await listening()
  await give(...some)
  const { answer, received } = await minuteStream(api, port)
  expect(answer.headers.get('content-type')).toBe('text/event-stream')
  await expect.poll(() => timesOf(received)).toEqual(['12:03'])
  const berlin = { count: 1, sum: 120, mean: 120, min: 120, max: 120 }
  expect(received[0]).toEqual({
    id: String(Date.UTC(2026, 10, 23, 12, 3)),
    event: 'minute',
    data: { time: '2026-11-23T12:03:00Z', values: { berlin }, closed: false },
  })
  await give(reading('c', 3.6, 8, { site: 'paris' }))
  const paris = { count: 1, sum: 8, mean: 8, min: 8, max: 8 }
  await expect.poll(() => received.at(-1)?.data.values, { timeout: 5_000 }).toEqual({ berlin, paris })
  await give(reading('a', 6.5, 1, { site: 'berlin' }))
  await expect.poll(() => timesOf(received), { timeout: 5_000 }).toEqual(['12:03', '12:03', '12:03', '12:06'])
  expect(received.map(({ data }) => data.closed)).toEqual([false, false, true, false])
})

test('a client that comes back is sent the minutes from the one it saw last', async () => {
  const { api, give, port } = await listening()
  await give(...Array.from({ length: 50 }, (_, n) => reading('a', n + 0.5, n, { site: 'berlin' })))
  const last = String(Date.UTC(2026, 10, 23, 12, 30))
  const { received } = await minuteStream(api, port, { 'last-event-id': last })
  await expect.poll(() => received).toHaveLength(20)
  expect(timesOf(received)[0]).toBe('12:30')
})

test('a Last-Event-ID that is no minute is refused', async () => {
  const { api, port } = await listening()
  expect((await minuteStream(api, port, { 'last-event-id': 'abc' })).answer.status).toBe(422)
})

test('HEAD of the stream is not there, where it would wait for an end that does not come', async () => {
  const { api } = await counting()
  expect((await api.call('HEAD', `analytics/stream?${meters}`, undefined)).status).toBe(404)
})

test('the stream ends when the server closes', async () => {
  const { api, port } = await listening()
  const { reading: ended } = await minuteStream(api, port)
  await api.http.close()
  await ended
})
