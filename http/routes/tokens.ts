import { z } from 'zod'
import type { HttpDeps } from '../http-deps.ts'
import type { Api } from '../http-server.ts'
import { decodeCursor, page, pageQuery } from '../paging.ts'
import { sendProblem } from '../problem.ts'

const tokenInput = z.strictObject({
  name: z.string().min(1).max(100),
  role: z.enum(['read', 'operate', 'admin']),
  expiresAt: z.iso.datetime({ offset: true }).nullable().default(null),
})

/** API tokens; the token itself is in the answer to its creation and nowhere else. */
export function tokenRoutes(app: Api, { tokens }: HttpDeps): void {
  app.post(
    '/api/v1/tokens',
    { config: { role: 'admin' }, schema: { body: tokenInput } },
    async (request, reply) => {
      const { token, secret } = await tokens.create(request.body)
      return reply
        .code(201)
        .header('location', `/api/v1/tokens/${token.id}`)
        .send({ ...token, token: secret })
    },
  )

  app.get(
    '/api/v1/tokens',
    { config: { role: 'admin' }, schema: { querystring: z.object(pageQuery) } },
    async ({ query: { limit, cursor } }) => {
      const after = decodeCursor(cursor) ?? ''
      return page(
        tokens.list().filter(({ id }) => id > after),
        limit,
        ({ id }) => id,
      )
    },
  )

  const params = z.object({ id: z.string() })
  app.delete(
    '/api/v1/tokens/:id',
    { config: { role: 'admin' }, schema: { params } },
    async (request, reply) => {
      if (await tokens.remove(request.params.id)) return reply.code(204).send()
      return sendProblem(reply, 404, 'TIDEMARK_NOT_FOUND', `there is no token ${request.params.id}`)
    },
  )
}
