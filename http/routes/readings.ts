import { z } from 'zod'
import type { Device } from '../../domain/device.ts'
import { durationMs } from '../../domain/duration.ts'
import { isMetricName } from '../../domain/names.ts'
import type { TimelinePlace } from '../../storage/reading-store.ts'
import type { Api } from '../api.ts'
import type { HttpDeps } from '../http-deps.ts'
import { encodeCursor, numberedPageQuery, page, pageQuery } from '../paging.ts'
import { sendProblem } from '../problem.ts'
import { withinTime } from '../store-answer.ts'
import { queryTime, rfc3339 } from '../time.ts'

const query = z.strictObject({
  ...numberedPageQuery,
  device: z.string().min(1),
  metric: z
    .string()
    .transform((text) => text.split(','))
    .refine((names) => names.every((name) => isMetricName(name)), 'not a metric name')
    .optional()
    .describe('names, by comma; all without it'),
  from: queryTime.optional(),
  to: queryTime.optional(),
  every: z
    .string()
    .refine((text) => (durationMs(text) ?? 0) > 0, 'expected a duration such as 1h')
    .optional()
    .describe('length of a window, such as `1h`; windows are aligned to the epoch'),
  fn: z
    .enum(['mean', 'min', 'max', 'sum', 'count', 'last'])
    .optional()
    .describe('of each window; the mean without it'),
})

/** More are not named to the store: it tells of all, and those of other types are left out. */
const devicesNamedMax = 1_000
const placeInTime = /^(\d{1,16}) (\d{1,16}) (.*)$/
const exportQuery = z.strictObject({
  ...pageQuery,
  cursor: pageQuery.cursor.transform((text, context): TimelinePlace | undefined => {
    if (text === undefined) return undefined
    const [, time, stretchMs, device] = placeInTime.exec(text) ?? []
    if (Number(stretchMs) > 0)
      return { time: Number(time), stretchMs: Number(stretchMs), device: device || undefined }
    context.addIssue({ code: 'custom', message: 'not a cursor of this list' })
    return z.NEVER
  }),
  device: z
    .string()
    .transform((text) => [...new Set(text.split(','))])
    .refine((ids) => ids.length <= devicesNamedMax, `more than ${devicesNamedMax} devices`)
    .optional()
    .describe(`ids, by comma, at most ${devicesNamedMax}`),
  type: z.string().optional(),
  from: queryTime.optional(),
  to: queryTime.optional(),
})

/** A future reading is at most this far ahead of what `to` defaults to; it is asked for by name. */
const everything = { from: Date.UTC(2000, 0, 1), to: Date.UTC(2100, 0, 1) }

/** Stored readings, of one device or in order of time; oldest first, and without `from` and `to` all of them. */
export function readingRoutes(app: Api, deps: HttpDeps): void {
  const { devices, store } = deps
  const selected = selections(deps)
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

  app.get(
    '/api/v1/readings::export',
    { config: { role: 'read' }, schema: { querystring: exportQuery } },
    async (request, reply) => {
      const { device: named, type, from, to, limit, cursor: at } = request.query
      const unknown = named?.find((id) => devices.find(id) === undefined)
      if (unknown !== undefined)
        return sendProblem(reply, 404, 'TIDEMARK_NOT_FOUND', `there is no device ${unknown}`)
      const { types, ids } = selected(named, type)
      const span = { from: from ?? everything.from, to: to ?? everything.to }
      const found = await withinTime(store.timeline({ types, devices: ids, ...span, at, limit }))
      // The store also has readings of devices that were deleted.
      const isSelected = (id: string) => {
        const device = devices.find(id)
        return device !== undefined && (type === undefined || device.type === type)
      }
      const items = found.readings
        .filter(({ device }) => isSelected(device))
        .map(({ device, time, values }) => ({ device, time: rfc3339(time), values }))
      return { items, nextCursor: found.next === undefined ? null : encodeCursor(placeOf(found.next)) }
    },
  )
}

interface Selection {
  readonly types: readonly string[]
  /** undefined where all devices are meant, or too many. */
  readonly ids: readonly string[] | undefined
}

/** What the store is asked for, kept from page to page: a fleet of 100,000 takes a tenth of a second to look through. */
function selections({ devices }: HttpDeps) {
  const ofTypes = new Map<string | undefined, Selection>()
  devices.onChange(() => ofTypes.clear())
  const select = (chosen: readonly Device[], areFew: boolean): Selection => ({
    types: [...new Set(chosen.map((device) => device.type))],
    ids: areFew ? chosen.map(({ id }) => id) : undefined,
  })
  return (named: readonly string[] | undefined, type: string | undefined): Selection => {
    if (named !== undefined) {
      const chosen = named.flatMap((id) => devices.find(id) ?? [])
      return select(
        chosen.filter((device) => type === undefined || device.type === type),
        true,
      )
    }
    const known = ofTypes.get(type)
    if (known !== undefined) return known
    const chosen = devices.list({ type, limit: Number.POSITIVE_INFINITY })
    const selection = select(chosen, type !== undefined && chosen.length <= devicesNamedMax)
    // Names of types that no device has are anyone's to make up.
    if (chosen.length > 0) ofTypes.set(type, selection)
    return selection
  }
}

function placeOf({ time, stretchMs, device = '' }: TimelinePlace): string {
  return `${time} ${stretchMs} ${device}`
}
