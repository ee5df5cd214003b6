import { describe, expect, onTestFinished, test } from 'vitest'
import type { DeliveredEvent } from '../../../domain/event.ts'
import { appendEvents, eventOf, startApi, type TestApi } from '../api.ts'

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

/** A client of the stream: what it has been sent, until it is closed. */
async function openStream(api: TestApi, port: number, query: string, headers: Record<string, string> = {}) {
  const closing = new AbortController()
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1/events/stream${query}`, {
    headers: { authorization: `Bearer ${api.adminToken}`, ...headers },
    signal: closing.signal,
  })
  const received: { id: string; event: string; data: DeliveredEvent }[] = []
  let text = ''
  const reading = (async () => {
    for await (const chunk of answer.body!) {
      text += Buffer.from(chunk).toString()
      const blocks = text.split('\n\n')
      text = blocks.pop()!
      for (const block of blocks) {
        const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2)))
        if ('id' in fields)
          received.push({ ...fields, data: JSON.parse(fields.data) } as (typeof received)[number])
      }
    }
  })().catch(() => undefined)
  const close = async () => {
    closing.abort()
    await reading
  }
  onTestFinished(close)
  return { answer, received, close, reading }
}

async function listening() {
  const api = await startApi()
  const { port } = await api.http.listen('127.0.0.1', 0)
  return { api, port }
}

describe('the stream', () => {
  test('sends each event as it is written, its sequence as id', async () => {
    const { api, port } = await listening()
    await appendEvents(api.log, [eventOf(0)])
    const { answer, received } = await openStream(api, port, '')
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
      const stream = await openStream(
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
    const rest = await openStream(api, port, '', { 'last-event-id': last! })
    await expect.poll(() => seen.length + rest.received.length).toBe(655)
    seen.push(...rest.received.map(({ data }) => data.id))
    expect(seen).toEqual(upTo(655).map((n) => `event-${n}`))
  })

  test('is filtered like the list', async () => {
    const { api, port } = await listening()
    const { received } = await openStream(api, port, '?after=0&device=b')
    await appendEvents(api.log, [
      eventOf(0),
      eventOf(1, { device: 'b' }),
      eventOf(2),
      eventOf(3, { device: 'b' }),
    ])
    await expect.poll(() => received.map(({ data }) => data.id)).toEqual(['event-1', 'event-3'])
  })

  test('a sequence beyond the end waits for the next event, not for that number', async () => {
    const { api, port } = await listening()
    const { received } = await openStream(api, port, '', { 'last-event-id': '00000000000000999999' })
    await appendEvents(api.log, [eventOf(0)])
    await expect.poll(() => received.map(({ data }) => data.id)).toEqual(['event-0'])
  })

  test('a Last-Event-ID that is no sequence is refused', async () => {
    const { api, port } = await listening()
    const { answer } = await openStream(api, port, '', { 'last-event-id': 'abc' })
    expect(answer.status).toBe(422)
  })

  test('more streams than the limit are refused until one ends', async () => {
    const { api, port } = await listening()
    const streams = await Promise.all(upTo(100).map(() => openStream(api, port, '')))
    expect(streams.every(({ answer }) => answer.status === 200)).toBe(true)
    const refused = await openStream(api, port, '')
    expect(refused.answer.status).toBe(503)
    expect(refused.answer.headers.get('content-type')).toContain('application/problem+json')
    await streams[0]!.close()
    await expect.poll(async () => (await openStream(api, port, '')).answer.status).toBe(200)
  })

  test('HEAD of it is not there, where it would wait for an end that does not come', async () => {
    const api = await startApi()
    expect((await api.call('HEAD', 'events/stream', undefined)).status).toBe(404)
  })

  test('ends when the server closes, which does not wait for it', async () => {
    const { api, port } = await listening()
    const { reading } = await openStream(api, port, '')
    await api.http.close()
    await reading
  })
})
