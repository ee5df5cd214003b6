import { describe, expect, test } from 'vitest'
import { encodeIngressGroup } from '../../../log/ingress-codec.ts'
import { consumers, counters, type Log } from '../../../log/log.ts'
import { alarmId } from '../../../rules/alarm-events.ts'
import { alarmEvent, writeEvents } from '../../rules/alarm-fixture.ts'
import { appendLetters, letterOf, startApi, startMs, type TestApi } from '../api.ts'

/** Values of `/metrics` by name and labels. */
async function metricsOf(api: TestApi): Promise<Map<string, number>> {
  const answer = await api.call('GET', '/metrics', undefined, { token: undefined })
  expect(answer.status).toBe(200)
  expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/)
  const lines = answer.text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  )
}

async function identity(api: TestApi) {
  const metrics = await metricsOf(api)
  const of = (name: string) => metrics.get(name) ?? Number.NaN
  const deadLettered = [...metrics]
    .filter(([name]) => name.startsWith('tidemark_messages_dead_lettered_total{'))
    .reduce((sum, [, value]) => sum + value, 0)
  const pending = of('tidemark_messages_pending')
  expect(of('tidemark_messages_acknowledged_total')).toBe(
    of('tidemark_messages_stored_total') + deadLettered + pending,
  )
  return { acknowledged: of('tidemark_messages_acknowledged_total'), deadLettered, pending }
}

const append = (log: Log, count: number) => log.appendIngress(encodeIngressGroup(startMs, [], 0), count)

/** What ingest does with `count` messages of which `bad` are not valid. */
async function ingest(log: Log, count: number, bad: number): Promise<void> {
  await log.transaction((tx) => {
    for (let i = 0; i < bad; i++) tx.append('dead-letters', Buffer.from(JSON.stringify(letterOf(i))), 1)
    if (bad > 0) tx.count(counters.deadLettered('value.wrong_type'), bad)
    if (count > bad) tx.append('readings', Buffer.from('batch'), count - bad)
    tx.commitOffset(consumers.ingest, log.offset(consumers.ingest) + count)
  })
}

/** What the storage writer does with `count` messages of which the database refuses `refused`. */
async function store(log: Log, count: number, refused: number): Promise<void> {
  await log.transaction((tx) => {
    if (refused > 0) tx.count(counters.deadLettered('store.rejected'), refused)
    tx.count(counters.messagesStored, count - refused)
    tx.commitOffset(consumers.storage, log.offset(consumers.storage) + count)
  })
}

describe('/metrics', () => {
  test('acknowledged = stored + dead-lettered + pending at every step', async () => {
    const api = await startApi()
    expect(await identity(api)).toEqual({ acknowledged: 0, deadLettered: 0, pending: 0 })
    await append(api.log, 10)
    expect(await identity(api)).toEqual({ acknowledged: 10, deadLettered: 0, pending: 10 })
    await ingest(api.log, 6, 2)
    expect(await identity(api)).toEqual({ acknowledged: 10, deadLettered: 2, pending: 8 })
    await store(api.log, 3, 1)
    expect(await identity(api)).toEqual({ acknowledged: 10, deadLettered: 3, pending: 5 })
    await api.post('dead-letters:replay', { reason: 'value.wrong_type' })
    expect(await identity(api)).toEqual({ acknowledged: 12, deadLettered: 3, pending: 7 })
  })

  test('has every name that the contract lists', async () => {
    const api = await startApi()
    api.online.add('d')
    await appendLetters(api.log, [letterOf(0)])
    await api.log.transaction((tx) => {
      tx.count(counters.events('maintenance', 'major', 'raised'), 2)
      tx.count(counters.ruleEvaluations, 7)
      tx.count(counters.readingsStored, 9)
    })
    const metrics = await metricsOf(api)
    expect(metrics.get('process_resident_memory_bytes')).toBeGreaterThan(1e7)
    if (process.platform === 'linux')
      expect(metrics.get('tidemark_memory_anonymous_bytes')).toBeGreaterThan(1e7)
    expect(Object.fromEntries(metrics)).toMatchObject({
      tidemark_messages_acknowledged_total: 0,
      tidemark_readings_stored_total: 9,
      tidemark_messages_stored_total: 0,
      'tidemark_messages_dead_lettered_total{reason="value.wrong_type"}': 1,
      tidemark_messages_pending: 0,
      'tidemark_log_bytes{stream="dead-letters"}': expect.any(Number),
      'tidemark_consumer_lag{consumer="ingest"}': 0,
      tidemark_connected_devices: 1,
      'tidemark_events_total{class="maintenance",severity="major",state="raised"}': 2,
      tidemark_rule_evaluations_total: 7,
      tidemark_store_up: 1,
      tidemark_ack_seconds_count: 0,
      tidemark_event_seconds_count: 0,
      tidemark_store_write_seconds_count: 0,
    })
  })

  test('says that the database is away', async () => {
    const api = await startApi({ storeStatus: () => ({ kind: 'influxdb', up: false }) })
    expect((await metricsOf(api)).get('tidemark_store_up')).toBe(0)
  })
})

test('/stats has what the dashboard shows', async () => {
  const api = await startApi()
  await append(api.log, 10)
  await ingest(api.log, 6, 2)
  await api.devices.create({ id: 'a', type: 'generic' })
  await api.devices.create({ id: 'b', type: 'generic' })
  api.online.add('a')
  await writeEvents(api.log, [
    alarmEvent('raised', { device: 'a' }),
    alarmEvent('raised', { device: 'b' }),
    alarmEvent('cleared', { device: 'b' }),
  ])
  expect((await api.get('stats')).body).toEqual({
    messages: { acknowledged: 10, stored: 0, deadLettered: 2, pending: 8, perSecond: expect.any(Number) },
    devices: { total: 2, online: 1 },
    alarms: expect.objectContaining({
      standing: 1,
      unacknowledged: 2,
      shelved: 0,
      stale: 0,
      truncated: false,
    }),
    consumers: expect.arrayContaining([
      { name: 'ingest', lag: 4 },
      { name: 'storage', lag: 4 },
    ]),
    store: { kind: 'duckdb', up: true },
    disk: { freeBytes: expect.any(Number), totalBytes: expect.any(Number) },
  })
})

test('/metrics has the figures of the alarms', async () => {
  const api = await startApi()
  const chattering = [0, 1, 2].map((n) => alarmEvent('raised', { since: startMs + n, time: startMs + n }))
  const others = Array.from({ length: 8 }, (_, n) =>
    alarmEvent('raised', { device: `d${n}`, severity: 'major', time: startMs + 10 }),
  )
  await writeEvents(api.log, [...chattering, ...others])
  await api.post(`alarms/${alarmId('too-warm', 'd0')}:ack`)
  await api.post(`alarms/${alarmId('too-warm', 'd1')}:shelve`, { until: '2026-11-23T13:00:00Z' })
  api.setNow(startMs + 10)
  expect(Object.fromEntries(await metricsOf(api))).toMatchObject({
    'tidemark_alarms_standing{severity="critical"}': 0,
    'tidemark_alarms_standing{severity="major"}': 8,
    'tidemark_alarms_standing{severity="minor"}': 1,
    'tidemark_alarms_standing{severity="warning"}': 0,
    'tidemark_alarms_standing{severity="info"}': 0,
    tidemark_alarms_unacknowledged: 8,
    tidemark_alarms_shelved: 1,
    tidemark_alarms_chattering: 1,
    tidemark_alarms_per_ten_minutes: 11,
    tidemark_alarm_flood: 1,
  })
  api.setNow(startMs + 10 + 600_000)
  expect(Object.fromEntries(await metricsOf(api))).toMatchObject({
    tidemark_alarms_chattering: 0,
    tidemark_alarms_per_ten_minutes: 0,
    tidemark_alarm_flood: 0,
  })
})

test('health needs no token, and readiness does not wait for the database', async () => {
  const api = await startApi({ storeStatus: () => ({ kind: 'influxdb', up: false }) })
  for (const path of ['/livez', '/readyz']) {
    const answer = await api.call('GET', path, undefined, { token: undefined })
    expect([answer.status, answer.body.status], path).toEqual([200, 'ok'])
  }
})

test('/docs loads nothing from elsewhere and lists the operations', async () => {
  const api = await startApi()
  const answer = await api.call('GET', '/docs', undefined, { token: undefined })
  expect(answer.status).toBe(200)
  expect(answer.headers['content-security-policy']).toContain("default-src 'none'")
  expect(answer.text).not.toMatch(/https?:|<script/)
  const docs = (await api.get('/docs')).text
  expect(docs).toContain('<td>POST<td>/api/v1/rules:validate<td>read')
  expect(docs).toContain('<td>GET<td>/metrics<td>none')
})
