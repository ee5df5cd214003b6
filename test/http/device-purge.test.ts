import { expect, test } from 'vitest'
import { consumers } from '../../log/log.ts'
import { alarmEvent, rule as alarmRule, writeEvents } from '../rules/alarm-fixture.ts'
import { appendEvents, appendLetters, eventOf, letterOf, startApi, startMs } from './api.ts'
import { openStream } from './open-stream.ts'

const poll = { timeout: 15_000 }
const person = { id: 'person-1', type: 'wearable' }

test('a device that is purged is shut out, and removed once what it had sent has passed every reader', async () => {
  const api = await startApi()
  await api.post('devices', person)
  const { secretHash } = api.devices.find(person.id)!
  await api.republish(person.id, Buffer.from('no JSON'), 0)
  let isAnswered = false
  const purging = api.call('DELETE', 'devices/person-1?purge=data').then(({ status }) => {
    isAnswered = true
    return status
  })
  await expect.poll(() => api.devices.find(person.id)?.secretHash === secretHash, poll).toBe(false)
  // As ingest does, and later than the purge has looked.
  const letter = letterOf(0, { device: person.id })
  expect([isAnswered, api.devices.find(person.id)?.id]).toEqual([false, person.id])
  await appendLetters(api.log, [letter, letterOf(1)])
  await api.log.transaction((tx) => tx.commitOffset(consumers.ingest, 1))
  expect(await purging).toBe(204)
  expect(api.devices.find(person.id)).toBeUndefined()
  const { items } = (await api.get('dead-letters')).body
  expect(items.map((one: { device: string }) => one.device)).toEqual(['fridge-1'])
})

test('a stream that is opened later has none of its events, though it was sent them before', async () => {
  const api = await startApi()
  const { port } = await api.http.listen('127.0.0.1', 0)
  await api.post('devices', person)
  const of = (n: number, device: string) => eventOf(n, { device })
  await appendEvents(api.log, [of(0, person.id), of(1, 'fridge-1'), of(2, person.id)])
  for (const consumer of [consumers.eventStorage, consumers.eventDelivery])
    await api.log.transaction((tx) => tx.commitOffset(consumer, 3))
  const before = await openStream<{ id: string }>(api, port, 'events/stream?after=0')
  await expect.poll(() => before.received.length, poll).toBe(3)
  expect((await api.call('DELETE', 'devices/person-1?purge=data')).status).toBe(204)
  const after = await openStream<{ id: string }>(api, port, 'events/stream?after=0')
  await appendEvents(api.log, [of(3, 'fridge-1')])
  await expect.poll(() => after.received.at(-1)?.data.id, poll).toBe('event-3')
  const told = after.received.map(({ event, data }) => data.id ?? event)
  expect(told).toEqual(['gap', 'event-1', 'gap', 'event-3'])
})

test('its alarms are gone when it is, also those of a rule that there is no more', async () => {
  const api = await startApi()
  await api.post('devices', person)
  const gone = { ...alarmRule, id: 'gone' }
  const others = alarmEvent('raised', { device: 'fridge-1' })
  const own = [
    alarmEvent('raised', { device: person.id }),
    alarmEvent('raised', { device: person.id, rule: gone }),
  ]
  await writeEvents(api.log, [others, ...own])
  const shelving = { until: new Date(startMs + 60_000).toISOString() }
  const [up, ended] = own.map(({ data }) => `alarms/${data.alarm}`)
  expect((await api.post(`${up}:shelve`, shelving)).status).toBe(200)
  expect((await api.post(`${ended}:clear`, {})).status).toBe(202)
  const end = api.log.end('events')
  for (const consumer of [consumers.eventStorage, consumers.eventDelivery])
    await api.log.transaction((tx) => tx.commitOffset(consumer, end))
  expect((await api.call('DELETE', 'devices/person-1?purge=data')).status).toBe(204)
  expect((await api.all('alarms', 10)).map(({ device }) => device)).toEqual(['fridge-1'])
  for (const table of ['shelvings', 'alarm-requests'] as const) expect(api.log.entries(table)).toEqual([])
})

test('the history of the alarms of others is whole, however much of it was of the device', async () => {
  const api = await startApi()
  await api.post('devices', person)
  const episodeOf = (device: string, n: number) => {
    const facts = { device, since: startMs + n, time: startMs + n }
    return [alarmEvent('raised', facts), alarmEvent('cleared', { ...facts, ordinal: 2 })]
  }
  const own = Array.from({ length: 1_100 }, (_, n) => episodeOf(person.id, n + 1))
  await writeEvents(api.log, [episodeOf('fridge-1', 0), ...own, episodeOf('fridge-1', 2_000)].flat())
  const end = api.log.end('events')
  for (const consumer of [consumers.eventStorage, consumers.eventDelivery])
    await api.log.transaction((tx) => tx.commitOffset(consumer, end))
  expect((await api.call('DELETE', 'devices/person-1?purge=data')).status).toBe(204)
  const left = await api.all('alarm-history', 1)
  expect(left.map(({ device, since }) => [device, Date.parse(since) - startMs])).toEqual([
    ['fridge-1', 2_000],
    ['fridge-1', 0],
  ])
})
