import { setImmediate as nextTurn } from 'node:timers/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { type AlarmActed, AlarmActions, commentsMax, shown } from '../../rules/alarm-actions.ts'
import type { Alarm } from '../../rules/alarm-events.ts'
import {
  type AlarmEpisode,
  type AlarmRecord,
  historyEnd,
  historyKey,
  isListed,
} from '../../rules/alarm-table.ts'
import type { Api } from '../api.ts'
import type { HttpDeps } from '../http-deps.ts'
import { encodeCursor, numberedPageQuery, page, pageQuery } from '../paging.ts'
import { sendProblem } from '../problem.ts'

const severity = z.enum(['critical', 'major', 'minor', 'warning', 'info'])
const eventClass = z.enum(['maintenance', 'health'])
const time = z.union(
  [z.iso.datetime({ offset: true }), z.iso.date()],
  'expected a time such as 2026-11-23T12:00:00Z',
)
const text = z.string().min(1).max(1_000)
const params = z.object({ id: z.string() })

const dayMs = 86_400_000
/** An alarm that is to be silent for longer wants a change of its rule. */
const shelvedMsMax = 30 * dayMs

const rowsAtOnce = 500
const rowsScannedMax = 50_000

/** Alarms: the list, what people do with them, and the episodes that have ended. */
export function alarmRoutes(app: Api, { log, clock, tokens }: HttpDeps): void {
  const actions = new AlarmActions(log, clock)
  const callerOf = (request: FastifyRequest) =>
    tokens.authenticate((request.headers.authorization ?? '').replace(/^Bearer /i, ''))?.name ?? ''

  const listQuery = z.strictObject({
    ...pageQuery,
    state: z.enum(['active', 'recovering', 'normal']).optional(),
    severity: severity.optional(),
    class: eventClass.optional(),
    device: z.string().optional(),
    rule: z.string().optional(),
    acknowledged: z.enum(['true', 'false']).optional(),
  })
  app.get(
    '/api/v1/alarms',
    { config: { role: 'read' }, schema: { querystring: listQuery } },
    async ({ query: { limit, cursor, ...wanted } }) => {
      const now = clock.now()
      const alarms = log
        .entries<AlarmRecord>('alarms', cursor === undefined ? {} : { after: cursor })
        .filter(([, alarm]) => isListed(alarm, now) && matches(alarm, wanted))
        .map(([, alarm]) => shown(alarm, now))
      return page(alarms, limit, ({ id }) => id)
    },
  )

  app.get('/api/v1/alarms/:id', { config: { role: 'read' }, schema: { params } }, async (request, reply) => {
    const now = clock.now()
    const alarm = log.get<AlarmRecord>('alarms', request.params.id)
    if (alarm === undefined || !isListed(alarm, now)) return missing(reply, request.params.id)
    return shown(alarm, now)
  })

  app.post(
    '/api/v1/alarms/:id(^[^:]+)::ack',
    {
      config: { role: 'operate' },
      schema: { params, body: z.strictObject({ comment: text.optional() }).nullish() },
    },
    async (request, reply) => {
      const { id } = request.params
      return send(reply, id, await actions.acknowledge(id, callerOf(request), request.body?.comment))
    },
  )

  app.post(
    '/api/v1/alarms/:id(^[^:]+)::clear',
    {
      config: { role: 'operate' },
      schema: { params, body: z.strictObject({ reason: text.optional() }).nullish() },
    },
    async (request, reply) => {
      const { id } = request.params
      return send(reply, id, await actions.clear(id, callerOf(request), request.body?.reason), 202)
    },
  )

  const shelving = z.strictObject({
    until: z.iso
      .datetime({ offset: true, error: 'expected a time such as 2026-11-23T12:00:00Z, or null' })
      .transform((at) => Date.parse(at))
      .nullable(),
  })
  app.post(
    '/api/v1/alarms/:id(^[^:]+)::shelve',
    { config: { role: 'operate' }, schema: { params, body: shelving } },
    async (request, reply) => {
      const { id } = request.params
      const { until } = request.body
      const detail = until === null ? undefined : untilProblem(until, clock.now())
      if (detail !== undefined) {
        const errors = [{ pointer: '/until', detail }]
        return sendProblem(reply, 422, 'TIDEMARK_INVALID', 'the request does not match its schema', errors)
      }
      return send(reply, id, await actions.shelve(id, callerOf(request), until))
    },
  )

  app.post(
    '/api/v1/alarms/:id(^[^:]+)::comment',
    { config: { role: 'operate' }, schema: { params, body: z.strictObject({ text }) } },
    async (request, reply) => {
      const { id } = request.params
      return send(reply, id, await actions.comment(id, callerOf(request), request.body.text))
    },
  )

  app.get(
    '/api/v1/alarms/:id/history',
    { config: { role: 'read' }, schema: { params, querystring: z.strictObject(numberedPageQuery) } },
    async ({ params: { id }, query: { limit, cursor } }) =>
      history({ limit, cursor }, (episode) => episode.alarm === id),
  )

  const historyQuery = z.strictObject({
    ...numberedPageQuery,
    rule: z.string().optional(),
    device: z.string().optional(),
    from: time.transform((at) => Date.parse(at)).optional(),
    to: time.transform((at) => Date.parse(at)).optional(),
  })
  app.get(
    '/api/v1/alarm-history',
    { config: { role: 'read' }, schema: { querystring: historyQuery } },
    async ({ query: { limit, cursor, rule, device, from, to } }) =>
      history({ limit, cursor }, (episode) => {
        if (rule !== undefined && episode.rule !== rule) return false
        if (device !== undefined && episode.device !== device) return false
        const clearedMs = Date.parse(episode.clearedAt)
        return (from === undefined || clearedMs >= from) && (to === undefined || clearedMs < to)
      }),
  )

  /** Newest first, like scanStream: a page may be short, and looks at 50,000 episodes at most. A place is an episode's ordinal. */
  async function history(
    { limit, cursor }: { limit: number; cursor: number | undefined },
    isWanted: (episode: AlarmEpisode) => boolean,
  ) {
    const items: AlarmEpisode[] = []
    let before = Math.min(cursor ?? Number.POSITIVE_INFINITY, historyEnd(log))
    for (let scanned = 0; scanned < rowsScannedMax; scanned += rowsAtOnce) {
      const from = Math.max(0, before - rowsAtOnce)
      // The oldest go first, so that what is kept has no gap: where there is nothing, there is nothing before it either.
      const rows = log
        .entries<AlarmEpisode>('alarm-history', { from: historyKey(from), limit: before - from })
        .filter(([key]) => Number(key) < before)
      if (rows.length === 0) break
      for (const [key, episode] of rows.reverse()) {
        if (!isWanted(episode)) continue
        if (items.length === limit) return { items, nextCursor: encodeCursor(String(Number(key) + 1)) }
        items.push(episode)
      }
      before = from
      await nextTurn()
    }
    const isMore = log.get('alarm-history', historyKey(before - 1)) !== undefined
    return { items, nextCursor: isMore ? encodeCursor(String(before)) : null }
  }
}

function matches(
  alarm: Alarm,
  wanted: {
    state?: string | undefined
    severity?: string | undefined
    class?: string | undefined
    device?: string | undefined
    rule?: string | undefined
    acknowledged?: 'true' | 'false' | undefined
  },
): boolean {
  return (
    (wanted.state === undefined || alarm.condition === wanted.state) &&
    (wanted.severity === undefined || alarm.severity === wanted.severity) &&
    (wanted.class === undefined || alarm.class === wanted.class) &&
    (wanted.device === undefined || alarm.device === wanted.device) &&
    (wanted.rule === undefined || alarm.rule === wanted.rule) &&
    (wanted.acknowledged === undefined || alarm.acknowledged === (wanted.acknowledged === 'true'))
  )
}

function send(reply: FastifyReply, id: string, acted: AlarmActed, status = 200): FastifyReply {
  switch (acted.outcome) {
    case 'done':
      return reply.code(status).send(acted.alarm)
    case 'not_found':
      return missing(reply, id)
    case 'not_up':
      return sendProblem(reply, 409, 'TIDEMARK_ALARM_NOT_UP', `alarm ${id} is normal already`)
    case 'comments_full':
      return sendProblem(reply, 409, 'TIDEMARK_ALARM_COMMENTS', `alarm ${id} has ${commentsMax} comments`)
  }
}

function missing(reply: FastifyReply, id: string): FastifyReply {
  return sendProblem(reply, 404, 'TIDEMARK_NOT_FOUND', `there is no alarm ${id}`)
}

function untilProblem(until: number, now: number): string | undefined {
  if (until <= now) return 'must be in the future'
  return until > now + shelvedMsMax ? 'must be at most 30 days ahead' : undefined
}
