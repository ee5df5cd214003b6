import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { StoredRule } from '../../rules/rule.ts'
import type { Updated } from '../../rules/rule-registry.ts'
import type { Api } from '../api.ts'
import type { HttpDeps } from '../http-deps.ts'
import { numberedPageQuery, page, pageQuery } from '../paging.ts'
import { sendProblem } from '../problem.ts'
import { checkRule, ruleContext, takeAnyFieldNames } from '../rule-context.ts'
import { shownRule } from '../shown-rule.ts'

const params = z.object({ id: z.string() })
const body = z.unknown().describe('a rule (docs/RULES.md)')

/** Rules: versions with If-Match, so that nobody overwrites an edit that they have not seen. */
export function ruleRoutes(app: Api, deps: HttpDeps): void {
  const { rules } = deps
  takeAnyFieldNames(app)
  const check = (input: unknown) => checkRule(input, ruleContext(deps))
  const invalid = (reply: FastifyReply, errors: Parameters<typeof sendProblem>[4]) =>
    sendProblem(reply, 422, 'TIDEMARK_RULE_INVALID', 'the rule is not valid', errors)
  const missing = (reply: FastifyReply, id: string) =>
    sendProblem(reply, 404, 'TIDEMARK_NOT_FOUND', `there is no rule ${id}`)
  const send = (reply: FastifyReply, rule: StoredRule) =>
    reply.header('etag', `"${rule.version}"`).send(shownRule(rule, reply.request.caller?.role))
  const sendUpdated = (reply: FastifyReply, id: string, updated: Updated) => {
    if (updated.outcome === 'updated') return send(reply, updated.rule)
    if (updated.outcome === 'not_found') return missing(reply, id)
    return stale(reply, updated.rule)
  }

  app.post(
    '/api/v1/rules',
    { config: { role: 'admin', audit: ['rule.created'] }, schema: { body } },
    async (request, reply) => {
      const checked = check(request.body)
      if (!checked.ok) return invalid(reply, checked.errors)
      const created = await rules.create(checked.rule, request.act)
      if (created.outcome === 'exists')
        return sendProblem(reply, 409, 'TIDEMARK_EXISTS', `rule ${checked.rule.id} exists`)
      reply.code(201).header('location', `/api/v1/rules/${created.rule.id}`)
      return send(reply, created.rule)
    },
  )

  const listQuery = z.strictObject({ ...pageQuery, enabled: z.enum(['true', 'false']).optional() })
  app.get(
    '/api/v1/rules',
    { config: { role: 'read' }, schema: { querystring: listQuery } },
    async ({ query: { limit, cursor, enabled }, caller }) => {
      const wanted = enabled === undefined ? undefined : enabled === 'true'
      const found = rules.list({ enabled: wanted, after: cursor, limit: limit + 1 })
      return page(
        found.map((rule) => shownRule(rule, caller?.role)),
        limit,
        ({ id }) => id,
      )
    },
  )

  app.get('/api/v1/rules/:id', { config: { role: 'read' }, schema: { params } }, async (request, reply) => {
    const rule = rules.get(request.params.id)
    return rule === undefined ? missing(reply, request.params.id) : send(reply, rule)
  })

  app.get(
    '/api/v1/rules/:id/versions',
    { config: { role: 'read' }, schema: { params, querystring: z.strictObject(numberedPageQuery) } },
    async (request, reply) => {
      const { id } = request.params
      const versions = rules.versions(id)
      if (versions.length === 0) return missing(reply, id)
      const before = request.query.cursor ?? Number.POSITIVE_INFINITY
      const older = versions.filter(({ version }) => version < before)
      const shown = older.map((rule) => shownRule(rule, request.caller?.role))
      return page(shown, request.query.limit, ({ version }) => String(version))
    },
  )

  app.put(
    '/api/v1/rules/:id',
    { config: { role: 'admin', audit: ['rule.updated'] }, schema: { params, body } },
    async (request, reply) => {
      const expected = expectedVersion(request, reply)
      if (expected === undefined) return reply
      const { id } = request.params
      if (rules.get(id) === undefined) return missing(reply, id)
      return replace(request, reply, request.body, expected)
    },
  )

  app.patch(
    '/api/v1/rules/:id',
    {
      config: { role: 'admin', audit: ['rule.updated'] },
      schema: { params, body: z.unknown().describe('the fields that change') },
    },
    async (request, reply) => {
      const expected = expectedVersion(request, reply)
      if (expected === undefined) return reply
      const { id } = request.params
      const current = rules.get(id)
      if (current === undefined) return missing(reply, id)
      const seen = shownRule(current, request.caller?.role)
      return replace(request, reply, mergePatch(seen, request.body), expected)
    },
  )

  app.delete(
    '/api/v1/rules/:id',
    { config: { role: 'admin', audit: ['rule.deleted'] }, schema: { params } },
    async (request, reply) => {
      const expected = expectedVersion(request, reply)
      if (expected === undefined) return reply
      const removed = await rules.remove(request.params.id, expected, request.act)
      if (removed.outcome === 'removed') return reply.code(204).send()
      return removed.outcome === 'not_found' ? missing(reply, request.params.id) : stale(reply, removed.rule)
    },
  )

  for (const [verb, enabled, action] of [
    ['enable', true, 'rule.enabled'],
    ['disable', false, 'rule.disabled'],
  ] as const) {
    app.post(
      `/api/v1/rules/:id(^[^:]+)::${verb}`,
      { config: { role: 'admin', audit: [action] }, schema: { params } },
      async (request, reply) => {
        const { id } = request.params
        return sendUpdated(reply, id, await rules.setEnabled(id, enabled, request.act))
      },
    )
  }

  async function replace(
    { params: { id }, act }: { params: { id: string }; act: FastifyRequest['act'] },
    reply: FastifyReply,
    input: unknown,
    expected: number | '*',
  ) {
    const isObject = typeof input === 'object' && input !== null && !Array.isArray(input)
    const checked = check(isObject ? { id, ...input } : input)
    if (!checked.ok) return invalid(reply, checked.errors)
    if (checked.rule.id !== id)
      return invalid(reply, [{ pointer: '/id', detail: `expected ${id}, as in the path` }])
    return sendUpdated(reply, id, await rules.replace(id, checked.rule, expected, act))
  }
}

function stale(reply: FastifyReply, rule: StoredRule): FastifyReply {
  reply.header('etag', `"${rule.version}"`)
  return sendProblem(reply, 412, 'TIDEMARK_STALE', `the rule is at version ${rule.version} by now`)
}

/** The version in `If-Match`; undefined when the answer has already been given. */
function expectedVersion(request: FastifyRequest, reply: FastifyReply): number | '*' | undefined {
  const header = request.headers['if-match']
  if (header === undefined) {
    sendProblem(reply, 428, 'TIDEMARK_IF_MATCH', 'If-Match with the rule’s ETag is needed, or *')
    return undefined
  }
  if (header.trim() === '*') return '*'
  const version = /^"?(\d+)"?$/.exec(header.trim())?.[1]
  return version === undefined ? -1 : Number(version)
}

/** RFC 7396. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const merged = new Map(Object.entries(typeof target === 'object' && target !== null ? target : {}))
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key)
    else merged.set(key, mergePatch(merged.get(key), value))
  }
  return Object.fromEntries(merged)
}
