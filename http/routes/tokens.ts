import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import type { Api } from '../api.ts'
import type { HttpDeps } from '../http-deps.ts'
import { page, pageQuery } from '../paging.ts'
import { sendProblem } from '../problem.ts'

const name = z.string().min(1).max(100)
const role = z.enum(['read', 'operate', 'admin'])
const expiresAt = z.iso.datetime({ offset: true }).nullable()
const tokenInput = z.strictObject({ name, role, expiresAt: expiresAt.default(null) })
const tokenChange = z.strictObject({
  name: name.optional(),
  role: role.optional(),
  expiresAt: expiresAt.optional(),
})

/** API tokens; the token itself is in the answer to its creation and nowhere else. */
export function tokenRoutes(app: Api, { tokens }: HttpDeps): void {
  app.post(
    '/api/v1/tokens',
    { config: { role: 'admin', audit: ['token.created'] }, schema: { body: tokenInput } },
    async (request, reply) => {
      const { token, secret } = await tokens.create(request.body, request.act)
      return reply
        .code(201)
        .header('location', `/api/v1/tokens/${token.id}`)
        .send({ ...token, token: secret })
    },
  )

  app.get(
    '/api/v1/tokens',
    { config: { role: 'admin' }, schema: { querystring: z.strictObject(pageQuery) } },
    async ({ query: { limit, cursor } }) => {
      const after = cursor ?? ''
      return page(
        tokens.list().filter(({ id }) => id > after),
        limit,
        ({ id }) => id,
      )
    },
  )

  // Not one of those with an id: whoever may call anything may know what it may.
  app.get('/api/v1/tokens/self', { config: { role: 'read' } }, async ({ caller }) => caller)

  const params = z.object({ id: z.string() })
  const missing = (reply: FastifyReply, id: string) =>
    sendProblem(reply, 404, 'TIDEMARK_NOT_FOUND', `there is no token ${id}`)

  app.get('/api/v1/tokens/:id', { config: { role: 'admin' }, schema: { params } }, async (request, reply) => {
    return tokens.find(request.params.id) ?? missing(reply, request.params.id)
  })

  app.patch(
    '/api/v1/tokens/:id',
    { config: { role: 'admin', audit: ['token.updated'] }, schema: { params, body: tokenChange } },
    async (request, reply) => {
      const { id } = request.params
      return (await tokens.update(id, request.body, request.act)) ?? missing(reply, id)
    },
  )

  app.delete(
    '/api/v1/tokens/:id',
    { config: { role: 'admin', audit: ['token.revoked'] }, schema: { params } },
    async (request, reply) => {
      if (await tokens.remove(request.params.id, request.act)) return reply.code(204).send()
      return missing(reply, request.params.id)
    },
  )
}
