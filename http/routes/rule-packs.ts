import { z } from 'zod'
import { findRulePack, packRules, rulePacks } from '../../rules/rule-packs.ts'
import type { Api } from '../api.ts'
import type { HttpDeps } from '../http-deps.ts'
import { sendProblem } from '../problem.ts'

const params = z.object({ name: z.string() })

const installation = z.strictObject({
  pack: z.string(),
  select: z
    .strictObject({
      labels: z.record(z.string(), z.string()).optional(),
      devices: z.array(z.string()).optional(),
    })
    .optional(),
  replace: z.boolean().default(false),
})

/** Rule packs that ship: what is in them, and putting their rules among the others. */
export function rulePackRoutes(app: Api, { rules, profiles }: HttpDeps): void {
  const missing = (name: string) =>
    `there is no rule pack ${name}; there are ${rulePacks.map((p) => p.name).join(', ')}`

  app.get('/api/v1/rule-packs', { config: { role: 'read' } }, async () => ({
    items: rulePacks.map(({ name, description, standards, rules }) => ({
      name,
      description,
      standards,
      rules: rules.map(({ id }) => id),
    })),
    nextCursor: null,
  }))

  app.get(
    '/api/v1/rule-packs/:name',
    { config: { role: 'read' }, schema: { params } },
    async ({ params: { name } }, reply) =>
      findRulePack(name) ?? sendProblem(reply, 404, 'TIDEMARK_NOT_FOUND', missing(name)),
  )

  app.post(
    '/api/v1/rules::install',
    { config: { role: 'admin', audit: ['rule.created', 'rule.updated'] }, schema: { body: installation } },
    async ({ body: { pack: name, select, replace }, act }, reply) => {
      const pack = findRulePack(name)
      if (pack === undefined) return sendProblem(reply, 404, 'TIDEMARK_NOT_FOUND', missing(name))
      const narrowing = { labels: select?.labels ?? {}, devices: select?.devices ?? [] }
      const checked = packRules(pack, new Map(profiles.all().map((p) => [p.type, p])), narrowing)
      if (!checked.ok)
        return sendProblem(reply, 422, 'TIDEMARK_RULE_INVALID', `not installed: ${name}`, checked.errors)
      reply.code(201)
      return rules.install(checked.rules, { replace, act })
    },
  )
}
