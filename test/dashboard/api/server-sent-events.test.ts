import fc from 'fast-check'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  readEvents,
  type ServerSentEvent,
  ServerSentEventReader,
} from '../../../dashboard/api/server-sent-events.ts'

const stream = [
  'retry: 2000\n\n',
  ': heartbeat\n\n',
  'id: 1\nevent: tidemark.maintenance.raised.v1\ndata: {"a":1}\n\n',
  'id: 2\r\ndata:first\r\ndata: second\r\n\r\n',
  'data: without an id\n\n',
  'unknown: x\nid\ndata\n\n',
].join('')
const expected: ServerSentEvent[] = [
  { id: '1', event: 'tidemark.maintenance.raised.v1', data: '{"a":1}' },
  { id: '2', event: '', data: 'first\nsecond' },
  { id: '2', event: '', data: 'without an id' },
  { id: '', event: '', data: '' },
]

test('events are read from one piece', () => {
  expect(new ServerSentEventReader().read(stream)).toEqual(expected)
})

test('wherever the stream is cut, the events are the same', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: stream.length }), { maxLength: 20 }), (cuts) => {
      const reader = new ServerSentEventReader()
      const places = [0, ...cuts.sort((a, b) => a - b), stream.length]
      const events = places.slice(1).flatMap((end, i) => reader.read(stream.slice(places[i], end)))
      expect(events).toEqual(expected)
    }),
  )
})

test('an event that has not ended is not told', () => {
  const reader = new ServerSentEventReader()
  expect(reader.read('id: 7\ndata: half\n')).toEqual([])
  expect(reader.read('\n')).toEqual([{ id: '7', event: '', data: 'half' }])
})

test('a line without end is an error, not memory', () => {
  const reader = new ServerSentEventReader()
  const piece = 'x'.repeat(1024 * 1024)
  expect(() => {
    for (let i = 0; i < 5; i++) reader.read(piece)
  }).toThrow('too long')
})

describe('a stream', () => {
  /** A response whose body is given piece by piece; `left` tells that nobody reads it any more. */
  function opened() {
    let controller: ReadableStreamDefaultController<Uint8Array>
    let isLeft = false
    const body = new ReadableStream<Uint8Array>({
      start: (own) => {
        controller = own
      },
      cancel: () => {
        isLeft = true
      },
    })
    const encoder = new TextEncoder()
    const seen: string[] = []
    const reading = readEvents(new Response(body), (events) => {
      seen.push(...events.map(({ data }) => data))
    })
    return {
      reading,
      seen,
      give: (text: string) => controller.enqueue(encoder.encode(text)),
      end: () => controller.close(),
      cut: () => controller.error(new Error('cut')),
      left: () => isLeft,
    }
  }

  test('is read until it ends; one that is cut off rejects', async () => {
    const [whole, broken] = [opened(), opened()]
    whole.give('data: a\n\ndata: b\n')
    whole.give('\n')
    whole.end()
    await whole.reading
    expect(whole.seen).toEqual(['a', 'b'])
    broken.cut()
    await expect(broken.reading).rejects.toThrow('cut')
  })

  test('that is silent for more than two heartbeats is left, and not one with heartbeats', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const [silent, beating] = [opened(), opened()]
    for (let beat = 0; beat < 3; beat++) {
      beating.give(': heartbeat\n\n')
      await vi.advanceTimersByTimeAsync(15_000)
    }
    expect([silent.left(), beating.left()]).toEqual([true, false])
    await silent.reading
    await vi.advanceTimersByTimeAsync(40_000)
    await beating.reading
  })
})
