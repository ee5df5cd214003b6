import { setMaxListeners } from 'node:events'
import { z } from 'zod'
import { eventOf, offsetAfter } from '../../events/event-feed.ts'
import { messageOf } from '../../lib/errors.ts'
import type { Api } from '../api.ts'
import { streamEvents } from '../event-stream.ts'
import type { HttpDeps } from '../http-deps.ts'
import { encodeCursor, numberedPageQuery } from '../paging.ts'
import { sendProblem } from '../problem.ts'
import { scanStream } from '../stream-scan.ts'

const sequence = z.string().refine((text) => offsetAfter(text) !== undefined, 'not a sequence')
const filters = { class: z.enum(['maintenance', 'health']).optional(), device: z.string().optional() }
const streamsMax = 100

/** Events: a list and a live stream. */
export function eventRoutes(app: Api, { log, logger }: HttpDeps): void {
  const query = z.strictObject({ ...numberedPageQuery, after: sequence.optional(), ...filters })
  app.get(
    '/api/v1/events',
    { config: { role: 'read' }, schema: { querystring: query } },
    async ({ query: { limit, cursor, after, class: eventClass, device } }) => {
      // The place of an event in the list is the offset that follows it, which is its sequence as a number.
      const from = cursor ?? offsetAfter(after ?? '0') ?? 0
      const { found, next } = await scanStream(log, 'events', { from }, limit, (record) =>
        eventOf(record, { class: eventClass, device }),
      )
      return { items: found, nextCursor: next === undefined ? null : encodeCursor(String(next)) }
    },
  )

  const closing = new AbortController()
  setMaxListeners(streamsMax + 1, closing.signal)
  app.addHook('preClose', async () => closing.abort())
  let streams = 0
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
      if (from === undefined) {
        const errors = [{ pointer: '/headers/last-event-id', detail: 'not a sequence' }]
        return sendProblem(reply, 422, 'TIDEMARK_INVALID', 'Last-Event-ID is not valid', errors)
      }
      if (streams >= streamsMax)
        return sendProblem(reply, 503, 'TIDEMARK_STREAM_LIMIT', `${streamsMax} streams are open`)
      streams++
      reply.hijack()
      request.raw.socket.setTimeout(0)
      reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
      // A sequence beyond the end is of a log that is gone: what comes next is then new to the client.
      const start = Math.min(from, log.end('events'))
      await streamEvents(log, reply.raw, start, { class: eventClass, device }, closing.signal)
        .catch((error) =>
          logger.error({ code: 'TIDEMARK_INTERNAL', detail: messageOf(error) }, 'a stream of events failed'),
        )
        .finally(() => streams--)
      return reply
    },
  )
}
