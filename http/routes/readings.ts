import { z } from 'zod'
import { durationMs } from '../../domain/duration.ts'
import { isMetricName } from '../../domain/names.ts'
import type { Api } from '../api.ts'
import type { HttpDeps } from '../http-deps.ts'
import { numberedPageQuery, page } from '../paging.ts'
import { sendProblem } from '../problem.ts'
import { withinTime } from '../store-answer.ts'
import { queryTime } from '../time.ts'

const query = z.strictObject({
  ...numberedPageQuery,
  device: z.string().min(1),
  metric: z
    .string()
    .transform((text) => text.split(','))
    .refine((names) => names.every((name) => isMetricName(name)), 'not a metric name')
    .optional(),
  from: queryTime.optional(),
  to: queryTime.optional(),
  every: z
    .string()
    .refine((text) => (durationMs(text) ?? 0) > 0, 'expected a duration such as 1h')
    .optional(),
  fn: z.enum(['mean', 'min', 'max', 'sum', 'count', 'last']).optional(),
})

/** A future reading is at most this far ahead of what `to` defaults to; it is asked for by name. */
const everything = { from: Date.UTC(2000, 0, 1), to: Date.UTC(2100, 0, 1) }

/** Stored readings of a device, oldest first; without `from` and `to` all of them. */
export function readingRoutes(app: Api, { devices, store }: HttpDeps): void {
  app.get(
    '/api/v1/readings',
    { config: { role: 'read' }, schema: { querystring: query } },
    async (request, reply) => {
      const { device: id, metric, from, to, every, fn, limit, cursor } = request.query
      const device = devices.find(id)
      if (device === undefined)
        return sendProblem(reply, 404, 'TIDEMARK_NOT_FOUND', `there is no device ${id}`)
      const everyMs = every === undefined ? undefined : durationMs(every)
      // A page of windows goes on after the whole window that ended the last one.
      const start = cursor === undefined ? (from ?? everything.from) : cursor + (everyMs ?? 1)
      const reading = store.readings({
        device: device.id,
        type: device.type,
        metrics: metric ?? [],
        from: start,
        to: to ?? everything.to,
        ...(everyMs === undefined ? {} : { everyMs, fn: fn ?? 'mean' }),
        limit: limit + 1,
      })
      const found = await withinTime(reading)
      const { items, nextCursor } = page(found, limit, (reading) => String(reading.time))
      return { items: items.map((item) => ({ time: rfc3339(item.time), values: item.values })), nextCursor }
    },
  )
}

/** Whole seconds without a fraction, as the contract shows them. */
function rfc3339(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z')
}
