import { describe, expect, test } from 'vitest'
import type { DeliveredEvent } from '../../../domain/event.ts'
import { streamsMax } from '../../../http/server-sent-events.ts'
import { appendEvents, eventOf, startApi, type TestApi } from '../api.ts'
import { openStream } from '../open-stream.ts'

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)

describe('the list', () => {
  test('is oldest first, each event with its sequence', async () => {
    const api = await startApi()
    await appendEvents(api.log, [eventOf(0), eventOf(1)])
    const { body } = await api.get('events')
    expect(body).toEqual({
      items: [
        { ...eventOf(0), sequence: '00000000000000000001' },
        { ...eventOf(1), sequence: '00000000000000000002' },
      ],
      nextCursor: null,
    })
  })

  test('goes on after the sequence last seen, which is not included', async () => {
    const api = await startApi()
    await appendEvents(
      api.log,
      upTo(3).map((n) => eventOf(n)),
    )
    const ids = async (after: string) => (await api.all(`events?after=${after}`, 1)).map(({ id }) => id)
    expect(await ids('0')).toEqual(['event-0', 'event-1', 'event-2'])
    expect(await ids('00000000000000000002')).toEqual(['event-2'])
    expect(await ids('3')).toEqual([])
    expect(await ids('99999999999999999999')).toEqual([])
  })

  test('pages by class and device through everything, however rare the matches', async () => {
    const api = await startApi()
    const events = upTo(2_000).map((n) =>
      eventOf(n, {
        device: n % 500 === 499 ? 'rare' : 'common',
        class: n % 2 === 0 ? 'health' : 'maintenance',
      }),
    )
    await appendEvents(api.log, events)
    const rare = await api.all('events?device=rare', 2)
    expect(rare.map(({ id }) => id)).toEqual(['event-499', 'event-999', 'event-1499', 'event-1999'])
    expect(await api.all('events?class=health', 1000)).toHaveLength(1_000)
    expect(await api.all('events?device=rare&class=health', 10)).toEqual([])
    expect(await api.all('events?device=constructor', 10)).toEqual([])
  })

  test.each(['after=x', 'after=-1', 'class=other', 'limit=0', 'cursor=a', 'since=1'])(
    '?%s is refused',
    async (query) => {
      const api = await startApi()
      for (const path of ['events', 'events/stream']) {
        const refused = await api.get(`${path}?${query}`)
        expect(refused.status).toBe(422)
        expect(refused.body.errors[0].pointer).toBe(`/query/${query.split('=')[0]}`)
      }
    },
  )
})

const eventStream = (api: TestApi, port: number, query: string, headers?: Record<string, string>) =>
  openStream<DeliveredEvent>(api, port, `events/stream${query}`, headers)

async function listening() {
  const api = await startApi()
  const { port } = await api.http.listen('127.0.0.1', 0)
  return { api, port }
}

describe('the stream', () => {
  test('sends each event as it is written, its sequence as id', async () => {
    const { api, port } = await listening()
    await appendEvents(api.log, [eventOf(0)])
    const { answer, received } = await eventStream(api, port, '')
    expect(answer.headers.get('content-type')).toBe('text/event-stream')
    await appendEvents(api.log, [eventOf(1)])
    await expect.poll(() => received).toHaveLength(1)
    expect(received[0]).toEqual({
      id: '00000000000000000002',
      event: 'tidemark.maintenance.raised.v1',
      data: { ...eventOf(1), sequence: '00000000000000000002' },
    })
  })

  test('a client that comes back with its Last-Event-ID misses nothing and gets nothing twice', async () => {
    const { api, port } = await listening()
    const seen: string[] = []
    await appendEvents(
      api.log,
      upTo(650).map((n) => eventOf(n)),
    )
    let last: string | undefined
    for (let round = 0; round < 5; round++) {
      const stream = await eventStream(
        api,
        port,
        '?after=0',
        last === undefined ? {} : { 'last-event-id': last },
      )
      const wanted = 130 * (round + 1)
      await expect.poll(() => seen.length + stream.received.length).toBeGreaterThanOrEqual(wanted)
      await stream.close()
      // As a client that dies in the middle: what it had not dealt with is asked for again.
      const kept = stream.received.slice(0, wanted - seen.length)
      seen.push(...kept.map(({ data }) => data.id))
      last = kept.at(-1)!.id
      await appendEvents(api.log, [eventOf(650 + round)])
    }
    const rest = await eventStream(api, port, '', { 'last-event-id': last! })
    await expect.poll(() => seen.length + rest.received.length).toBe(655)
    seen.push(...rest.received.map(({ data }) => data.id))
    expect(seen).toEqual(upTo(655).map((n) => `event-${n}`))
  })

  test('is filtered like the list', async () => {
    const { api, port } = await listening()
    const { received } = await eventStream(api, port, '?after=0&device=b')
    await appendEvents(api.log, [
      eventOf(0),
      eventOf(1, { device: 'b' }),
      eventOf(2),
      eventOf(3, { device: 'b' }),
    ])
    await expect.poll(() => received.map(({ data }) => data.id)).toEqual(['event-1', 'event-3'])
  })

  test('tells a client that comes back too late how many events are gone, once, and goes on', async () => {
    const { api, port } = await listening()
    await appendEvents(
      api.log,
      upTo(20).map((n) => eventOf(n)),
    )
    await api.log.trim('events', 15)
    const late = await eventStream(api, port, '?device=nobody', { 'last-event-id': '00000000000000000004' })
    const gap = { reason: 'trimmed', missed: 11, nextSequence: '00000000000000000016' }
    await expect.poll(() => late.received).toEqual([{ id: '00000000000000000015', event: 'gap', data: gap }])
    const again = await eventStream(api, port, '', { 'last-event-id': late.received[0]!.id })
    await expect.poll(() => again.received.map(({ event }) => event)).toHaveLength(5)
    expect(again.received[0]!.data.id).toBe('event-15')
  })

  test('tells a client that knows a sequence beyond the end that the log is another one, and waits for the next event', async () => {
    const { api, port } = await listening()
    await appendEvents(api.log, [eventOf(0)])
    const { received } = await eventStream(api, port, '', { 'last-event-id': '00000000000000999999' })
    await expect.poll(() => received).toHaveLength(1)
    const gap = { reason: 'reset', missed: null, nextSequence: '00000000000000000002' }
    expect(received[0]).toEqual({ id: '00000000000000000001', event: 'gap', data: gap })
    await appendEvents(api.log, [eventOf(1)])
    await expect.poll(() => received.map(({ data }) => data.id)).toEqual([undefined, 'event-1'])
  })

  test('a Last-Event-ID that is no sequence is refused', async () => {
    const { api, port } = await listening()
    const { answer } = await eventStream(api, port, '', { 'last-event-id': 'abc' })
    expect(answer.status).toBe(422)
  })

  test('more streams than the limit are refused until one ends', async () => {
    const { api, port } = await listening()
    const streams = await Promise.all(upTo(streamsMax).map(() => eventStream(api, port, '')))
    expect(streams.every(({ answer }) => answer.status === 200)).toBe(true)
    const refused = await eventStream(api, port, '')
    expect(refused.answer.status).toBe(503)
    expect(refused.answer.headers.get('content-type')).toContain('application/problem+json')
    await streams[0]!.close()
    await expect.poll(async () => (await eventStream(api, port, '')).answer.status).toBe(200)
  })

  test('HEAD of it is not there, where it would wait for an end that does not come', async () => {
    const api = await startApi()
    expect((await api.call('HEAD', 'events/stream', undefined)).status).toBe(404)
  })

  test('ends when the server closes, which does not wait for it', async () => {
    const { api, port } = await listening()
    const { reading } = await eventStream(api, port, '')
    await api.http.close()
    await reading
  })
})
