import { z } from 'zod'
import { eventsFrom, offsetAfter } from '../../events/event-feed.ts'
import type { Alarm } from '../../rules/alarm-events.ts'
import { streamEvents } from '../event-stream.ts'
import type { HttpDeps } from '../http-deps.ts'
import type { Api } from '../http-server.ts'
import { decodeCursor, page, pageQuery } from '../paging.ts'
import { sendProblem } from '../problem.ts'

const sequence = z.string().refine((text) => offsetAfter(text) !== undefined, 'not a sequence')
const filters = { class: z.enum(['maintenance', 'health']).optional(), device: z.string().optional() }
const streamsMax = 100

/** Events (a list and a live stream) and alarms. */
export function eventRoutes(app: Api, { log }: HttpDeps): void {
  const query = z.object({ ...pageQuery, after: sequence.optional(), ...filters })
  app.get(
    '/api/v1/events',
    { config: { role: 'read' }, schema: { querystring: query } },
    async ({ query: { limit, cursor, after, class: eventClass, device } }) => {
      const from = offsetAfter(decodeCursor(cursor) ?? after ?? '0') ?? 0
      const { events } = eventsFrom(log, from, limit + 1, { class: eventClass, device })
      return page(events, limit, (event) => event.sequence)
    },
  )

  const closing = new AbortController()
  app.addHook('preClose', async () => closing.abort())
  let streams = 0
  const streamQuery = z.object({ after: sequence.optional(), ...filters })
  app.get(
    '/api/v1/events/stream',
    { config: { role: 'read' }, schema: { querystring: streamQuery } },
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
      await streamEvents(log, reply.raw, from, { class: eventClass, device }, closing.signal).finally(
        () => streams--,
      )
      return reply
    },
  )

  const alarmQuery = z.object({
    ...pageQuery,
    state: z.enum(['active', 'recovering', 'normal']).optional(),
    severity: z.string().optional(),
    device: z.string().optional(),
  })
  app.get(
    '/api/v1/alarms',
    { config: { role: 'read' }, schema: { querystring: alarmQuery } },
    async ({ query: { limit, cursor, state, severity, device } }) => {
      const after = decodeCursor(cursor)
      const alarms = log
        .entries<Alarm>('alarms', after === undefined ? {} : { after })
        .map(([, alarm]) => alarm)
      const found = alarms.filter(
        (alarm) =>
          (state === undefined || alarm.condition === state) &&
          (severity === undefined || alarm.severity === severity) &&
          (device === undefined || alarm.device === device),
      )
      return page(found, limit, ({ id }) => id)
    },
  )
}
