import { z } from 'zod'
import { eventOf, isWanted, offsetAfter } from '../../events/event-feed.ts'
import type { Api } from '../api.ts'
import { StreamedEvents } from '../event-stream.ts'
import type { HttpDeps } from '../http-deps.ts'
import { encodeCursor, numberedPageQuery } from '../paging.ts'
import { OpenStreams, sendUnknownEventId } from '../server-sent-events.ts'
import { scanStream } from '../stream-scan.ts'

const sequence = z
  .string()
  .refine((text) => offsetAfter(text) !== undefined, 'not a sequence')
  .describe('sequence of the last event seen, which is not told again')
const filters = { class: z.enum(['maintenance', 'health']).optional(), device: z.string().optional() }

/** Events: a list and a live stream. */
export function eventRoutes(app: Api, deps: HttpDeps): void {
  const { log, devices } = deps
  const query = z.strictObject({ ...numberedPageQuery, after: sequence.optional(), ...filters })
  app.get(
    '/api/v1/events',
    { config: { role: 'read' }, schema: { querystring: query } },
    async ({ query: { limit, cursor, after, class: eventClass, device } }) => {
      // The place of an event in the list is the offset that follows it, which is its sequence as a number.
      const from = cursor ?? offsetAfter(after ?? '0') ?? 0
      const { found, next } = await scanStream(log, 'events', { from }, limit, (record) => {
        const event = eventOf(record)
        return isWanted(event, { class: eventClass, device }) ? event : undefined
      })
      return { items: found, nextCursor: next === undefined ? null : encodeCursor(String(next)) }
    },
  )

  const streams = new OpenStreams(app, deps)
  const streamed = new StreamedEvents(log)
  // Its events may have gone with it.
  devices.onChange((change) => change === 'removed' && streamed.forget())
  const streamQuery = z.strictObject({ after: sequence.optional(), ...filters })
  app.get(
    '/api/v1/events/stream',
    // HEAD would wait for the end of a stream that has none.
    { config: { role: 'read' }, exposeHeadRoute: false, schema: { querystring: streamQuery } },
    async (request, reply) => {
      const { after, class: eventClass, device } = request.query
      const last = request.headers['last-event-id'] ?? after
      // A client that names no event wants what happens from now on.
      const from = typeof last === 'string' ? offsetAfter(last) : log.end('events')
      if (from === undefined) return sendUnknownEventId(reply, 'not a sequence')
      return streams.answer(request, reply, (client) =>
        streamed.send(client, from, { class: eventClass, device }),
      )
    },
  )
}
