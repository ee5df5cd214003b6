import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ServerSentEvent, ServerSentEventReader } from '../../../dashboard/api/server-sent-events.ts'

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
