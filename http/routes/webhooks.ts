import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import type { WebhookRecord } from '../../domain/webhook.ts'
import { AllWebhooks } from '../../registry/all-webhooks.ts'
import type { Role } from '../../registry/token-registry.ts'
import { webhooksMax } from '../../registry/webhook-registry.ts'
import type { Api } from '../api.ts'
import type { HttpDeps } from '../http-deps.ts'
import { numberedPageQuery, page, pageQuery } from '../paging.ts'
import { sendProblem } from '../problem.ts'
import { shownUrl } from '../shown-rule.ts'

/** Of a webhook that was made this moment. */
const idle = { waiting: 0, deadDeliveries: 0, failing: null }
const params = z.object({ id: z.string() })
const sequence = z.string().regex(/^\d{20}$/, 'not the sequence of an event')
const replayInput = z.union(
  [z.strictObject({ ids: z.array(sequence).min(1).max(100) }), z.strictObject({ all: z.literal(true) })],
  'expected {"ids": ["00000000000000018734", …]}, at most 100, or {"all": true}',
)

/** Webhooks: whom events are sent to. A secret goes in and never comes back. */
export function webhookRoutes(app: Api, { webhooks, rules, webhookSender }: HttpDeps): void {
  const { schemas } = webhooks
  const all = new AllWebhooks(webhooks, rules)
  const shown = (webhook: WebhookRecord, role: Role | undefined) => asShown(webhook, role, webhookSender)

  app.post(
    '/api/v1/webhooks',
    { config: { role: 'admin', audit: ['webhook.created'] }, schema: { body: schemas.created } },
    async (request, reply) => {
      const created = await webhooks.create(request.body, request.act)
      if (created.outcome === 'exists')
        return sendProblem(reply, 409, 'TIDEMARK_EXISTS', `webhook ${request.body.id} exists`)
      if (created.outcome === 'full')
        return sendProblem(reply, 409, 'TIDEMARK_WEBHOOK_LIMIT', `there are ${webhooksMax} webhooks`)
      reply.code(201).header('location', `/api/v1/webhooks/${created.webhook.id}`)
      return reply.send(shown(created.webhook, request.caller?.role))
    },
  )

  app.get(
    '/api/v1/webhooks',
    { config: { role: 'read' }, schema: { querystring: z.strictObject(pageQuery) } },
    async ({ query: { limit, cursor }, caller }) => {
      const found = all.list().filter(({ id }) => cursor === undefined || id > cursor)
      return page(
        found.map((webhook) => shown(webhook, caller?.role)),
        limit,
        ({ id }) => id,
      )
    },
  )

  app.get(
    '/api/v1/webhooks/:id',
    { config: { role: 'read' }, schema: { params } },
    async (request, reply) => {
      const webhook = all.find(request.params.id)
      return webhook === undefined ? missing(reply, request.params.id) : shown(webhook, request.caller?.role)
    },
  )

  app.put(
    '/api/v1/webhooks/:id',
    { config: { role: 'admin', audit: ['webhook.updated'] }, schema: { params, body: schemas.replaced } },
    async (request, reply) => {
      const { id } = request.params
      const { id: given = id, ...settings } = request.body
      if (given !== id) {
        const errors = [{ pointer: '/id', detail: `expected ${id}, as in the path` }]
        return sendProblem(reply, 422, 'TIDEMARK_INVALID', 'the request does not match its schema', errors)
      }
      const changed = await webhooks.change(id, settings, request.act)
      return changed === undefined ? unchangeable(reply, id) : shown(changed, request.caller?.role)
    },
  )

  app.patch(
    '/api/v1/webhooks/:id',
    { config: { role: 'admin', audit: ['webhook.updated'] }, schema: { params, body: schemas.changed } },
    async (request, reply) => {
      const changed = await webhooks.change(request.params.id, request.body, request.act)
      return changed === undefined
        ? unchangeable(reply, request.params.id)
        : shown(changed, request.caller?.role)
    },
  )

  app.delete(
    '/api/v1/webhooks/:id',
    { config: { role: 'admin', audit: ['webhook.deleted'] }, schema: { params } },
    async (request, reply) => {
      if (await webhooks.remove(request.params.id, request.act)) return reply.code(204).send()
      return unchangeable(reply, request.params.id)
    },
  )

  app.post(
    '/api/v1/webhooks::test',
    { config: { role: 'admin', audit: ['webhook.tested'] }, schema: { body: schemas.tested } },
    async ({ body: { id, url = '', secret = '' }, act }, reply) => {
      const tested = id === undefined ? { url, secret } : all.find(id)
      if (tested === undefined) return missing(reply, id ?? '')
      await act.begin('webhook.tested', id ?? null, { origin: new URL(tested.url).origin })
      return webhookSender.test(tested)
    },
  )

  app.get(
    '/api/v1/webhooks/:id/dead-deliveries',
    { config: { role: 'read' }, schema: { params, querystring: z.strictObject(numberedPageQuery) } },
    async (request, reply) => {
      const { limit, cursor } = request.query
      const webhook = all.find(request.params.id)
      if (webhook === undefined) return missing(reply, request.params.id)
      const after = cursor === undefined ? undefined : String(cursor).padStart(20, '0')
      const found = webhookSender.deadDeliveries(webhook.uid, { after, limit: limit + 1 })
      return page(found, limit, ({ id }) => String(Number(id)))
    },
  )

  app.post(
    '/api/v1/webhooks/:id/dead-deliveries::replay',
    { config: { role: 'operate', audit: ['dead_delivery.replayed'] }, schema: { params, body: replayInput } },
    async (request, reply) => {
      const webhook = all.find(request.params.id)
      if (webhook === undefined) return missing(reply, request.params.id)
      const { act, body } = request
      return webhookSender.replay(webhook.uid, 'ids' in body ? body.ids : undefined, (tx, event) =>
        act.write(tx, 'dead_delivery.replayed', event, { webhook: webhook.id }),
      )
    },
  )

  /** None of that id, or one that its rule changes. */
  function unchangeable(reply: FastifyReply, id: string): FastifyReply {
    const rule = all.find(id)?.rule
    if (rule === undefined) return missing(reply, id)
    const detail = `webhook ${id} belongs to rule ${rule}: change its actions`
    return sendProblem(reply, 409, 'TIDEMARK_WEBHOOK_OF_RULE', detail)
  }
}

/** A webhook as people see it. */
function asShown(
  { id, url, classes, severities, rules, rule, uid }: WebhookRecord,
  role: Role | undefined,
  sender: HttpDeps['webhookSender'],
) {
  const { waiting, deadDeliveries, failing } = sender.status(uid) ?? idle
  return {
    ...{ id, url: shownUrl(url, role), classes, severities, rules, ...(rule !== undefined && { rule }) },
    ...{ waiting, deadDeliveries, failing },
  }
}

function missing(reply: FastifyReply, id: string): FastifyReply {
  return sendProblem(reply, 404, 'TIDEMARK_NOT_FOUND', `there is no webhook ${id}`)
}
