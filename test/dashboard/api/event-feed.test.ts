import { expect, onTestFinished, test } from 'vitest'
import type { ApiClient } from '../../../dashboard/api/api-client.ts'
import { EventFeed } from '../../../dashboard/api/event-feed.ts'

const sent = (id: string, event: string, data: object) =>
  `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`

/** A feed that reads one stream of each text in turn. `told` are the events that its listeners got, `from` the ids that it asked from. */
function feedOf(texts: readonly string[]) {
  const told: string[][] = []
  const from: (string | undefined)[] = []
  const left = [...texts]
  const openStream: ApiClient['openStream'] = async (_path, { lastId, signal }) => {
    from.push(lastId)
    const text = left.shift()
    if (text !== undefined) return new Response(text)
    return new Response(
      new ReadableStream({ start: (body) => signal.addEventListener('abort', () => body.close()) }),
    )
  }
  const feed = new EventFeed({ openStream } as ApiClient)
  feed.listen((events) => void told.push(events.map(({ id }) => id)))
  onTestFinished(() => feed.stop())
  feed.start()
  return { told, from }
}

test('tells events, and goes on after the last one that it was sent', async () => {
  const { told, from } = feedOf([sent('1', 'raised', { id: 'a' }) + sent('2', 'cleared', { id: 'b' })])
  await expect.poll(() => from, { timeout: 5_000 }).toEqual([undefined, '2'])
  expect(told).toEqual([['a', 'b'], []])
})

test('takes a gap for no event: who listens is told to look, and it goes on after the gap', async () => {
  const gap = sent('7', 'gap', { reason: 'trimmed', missed: 7, nextSequence: '8' })
  const { told, from } = feedOf([gap + sent('8', 'raised', { id: 'a' })])
  await expect.poll(() => from, { timeout: 5_000 }).toEqual([undefined, '8'])
  expect(told).toEqual([[], ['a'], []])
})
