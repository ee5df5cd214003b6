import { z } from 'zod'
import { topMax } from '../../analytics/limits.ts'
import { leftOutOf, seriesOf, topOf } from '../../analytics/live-series.ts'
import { isDeviceType, isLabelName, isMetricName } from '../../domain/names.ts'
import type { Api } from '../api.ts'
import type { HttpDeps } from '../http-deps.ts'
import { streamMinutes } from '../minute-stream.ts'
import { encodeCursor, numberedPageQuery } from '../paging.ts'
import { OpenStreams, sendUnknownEventId } from '../server-sent-events.ts'
import { queryTime, rfc3339, timeMax, timeMin } from '../time.ts'

const type = z.string().refine(isDeviceType, 'not a device type')
const metric = z.string().refine((name) => isMetricName(name), 'not a metric name')
const by = z.string().refine(isLabelName, 'not a label name').optional().describe('a label to group by')
const seriesQuery = z.strictObject({
  ...numberedPageQuery,
  type,
  metric,
  by,
  fn: z.enum(['sum', 'mean', 'min', 'max', 'count']).default('mean'),
  from: queryTime.optional(),
  to: queryTime.optional(),
})
const topQuery = z.strictObject({
  type,
  metric,
  n: z.coerce.number().int().min(1).max(topMax).default(10),
})
const minuteStart = z.coerce.number().int().min(timeMin).max(timeMax)

/** Live aggregates of the last day: series by minute, the highest and lowest devices, a stream. */
export function analyticsRoutes(app: Api, deps: HttpDeps): void {
  const { log } = deps
  app.get(
    '/api/v1/analytics/series',
    { config: { role: 'read' }, schema: { querystring: seriesQuery } },
    async ({ query: { limit, cursor, from, to, fn, ...query } }) => {
      // The cursor holds the minute with which the next page begins.
      const span = { from: cursor ?? from ?? timeMin, to: to ?? timeMax, limit }
      const { minutes, next } = seriesOf(log, query, span)
      const items = minutes.map(({ time, figures, isClosed }) => ({
        time: rfc3339(time),
        values: Object.fromEntries([...figures].map(([group, own]) => [group, own[fn]])),
        closed: isClosed,
      }))
      const nextCursor = next === undefined ? null : encodeCursor(String(next))
      return { items, nextCursor, ...leftOutOf(log, query.type) }
    },
  )

  app.get(
    '/api/v1/analytics/top',
    { config: { role: 'read' }, schema: { querystring: topQuery } },
    async ({ query: { n, ...query } }) => {
      const { highest, lowest } = await topOf(log, query, n)
      const shown = (ranked: typeof highest) => ranked.map((one) => ({ ...one, time: rfc3339(one.time) }))
      return { highest: shown(highest), lowest: shown(lowest), ...leftOutOf(log, query.type) }
    },
  )

  const streams = new OpenStreams(app, deps)
  app.get(
    '/api/v1/analytics/stream',
    {
      config: { role: 'read' },
      // HEAD would wait for the end of a stream that has none.
      exposeHeadRoute: false,
      schema: { querystring: z.strictObject({ type, metric, by }) },
    },
    async (request, reply) => {
      const given = request.headers['last-event-id']
      const last = given === undefined ? undefined : minuteStart.safeParse(given)
      if (last?.success === false) return sendUnknownEventId(reply, 'not the start of a minute')
      return streams.answer(request, reply, (client) => streamMinutes(log, client, request.query, last?.data))
    },
  )
}
