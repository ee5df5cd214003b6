import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { type AlarmActed, AlarmActions, commentsMax, shown } from '../../rules/alarm-actions.ts'
import type { Alarm } from '../../rules/alarm-events.ts'
import { type AlarmRecord, isListed } from '../../rules/alarm-table.ts'
import type { Api } from '../api.ts'
import type { HttpDeps } from '../http-deps.ts'
import { page, pageQuery } from '../paging.ts'
import { sendProblem } from '../problem.ts'

const severity = z.enum(['critical', 'major', 'minor', 'warning', 'info'])
const eventClass = z.enum(['maintenance', 'health'])
const text = z.string().min(1).max(1_000)
const params = z.object({ id: z.string() })

const dayMs = 86_400_000
/** An alarm that is to be silent for longer wants a change of its rule. */
const shelvedMsMax = 30 * dayMs

/** Alarms that are up or not yet acknowledged, and what people do with them. */
export function alarmRoutes(app: Api, { log, clock }: HttpDeps): void {
  const actions = new AlarmActions(log, clock)

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
      config: { role: 'operate', audit: ['alarm.acknowledged'] },
      schema: { params, body: z.strictObject({ comment: text.optional() }).nullish() },
    },
    async (request, reply) => {
      const { id } = request.params
      return send(reply, id, await actions.acknowledge(id, request.act, request.body?.comment))
    },
  )

  app.post(
    '/api/v1/alarms/:id(^[^:]+)::clear',
    {
      config: { role: 'operate', audit: ['alarm.cleared'] },
      schema: { params, body: z.strictObject({ reason: text.optional() }).nullish() },
    },
    async (request, reply) => {
      const { id } = request.params
      return send(reply, id, await actions.clear(id, request.act, request.body?.reason), 202)
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
    { config: { role: 'operate', audit: ['alarm.shelved'] }, schema: { params, body: shelving } },
    async (request, reply) => {
      const { id } = request.params
      const { until } = request.body
      const detail = until === null ? undefined : untilProblem(until, clock.now())
      if (detail !== undefined) {
        const errors = [{ pointer: '/until', detail }]
        return sendProblem(reply, 422, 'TIDEMARK_INVALID', 'the request does not match its schema', errors)
      }
      return send(reply, id, await actions.shelve(id, request.act, until))
    },
  )

  app.post(
    '/api/v1/alarms/:id(^[^:]+)::comment',
    {
      config: { role: 'operate', audit: ['alarm.commented'] },
      schema: { params, body: z.strictObject({ text }) },
    },
    async (request, reply) => {
      const { id } = request.params
      return send(reply, id, await actions.comment(id, request.act, request.body.text))
    },
  )
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
