import { z } from 'zod'
import { profileSchema } from '../../registry/profile-schema.ts'
import type { Api } from '../api.ts'
import type { HttpDeps } from '../http-deps.ts'
import { page, pageQuery } from '../paging.ts'
import { fieldProblems, sendProblem } from '../problem.ts'

const params = z.object({ type: z.string() })

/** Profiles of device types. */
export function profileRoutes(app: Api, { profiles }: HttpDeps): void {
  app.get(
    '/api/v1/profiles',
    { config: { role: 'read' }, schema: { querystring: z.strictObject(pageQuery) } },
    async ({ query: { limit, cursor } }) => {
      const after = cursor ?? ''
      return page(
        profiles.all().filter(({ type }) => type > after),
        limit,
        ({ type }) => type,
      )
    },
  )

  app.get(
    '/api/v1/profiles/:type',
    { config: { role: 'read' }, schema: { params } },
    async (request, reply) => {
      const profile = profiles.find(request.params.type)
      return (
        profile ?? sendProblem(reply, 404, 'TIDEMARK_NOT_FOUND', `there is no profile ${request.params.type}`)
      )
    },
  )

  const body = z.looseObject({}).describe('a profile, as it is answered')
  app.put(
    '/api/v1/profiles/:type',
    { config: { role: 'admin', audit: ['profile.put'] }, schema: { params, body } },
    async (request, reply) => {
      const { type } = request.params
      const parsed = profileSchema.safeParse({ ...request.body, type: request.body.type ?? type })
      if (!parsed.success) {
        const errors = fieldProblems(parsed.error.issues)
        return sendProblem(reply, 422, 'TIDEMARK_INVALID', 'the profile is not valid', errors)
      }
      if (parsed.data.type !== type) {
        const errors = [{ pointer: '/type', detail: `expected ${type}, as in the path` }]
        return sendProblem(reply, 422, 'TIDEMARK_INVALID', 'the profile is not valid', errors)
      }
      await profiles.put(parsed.data as Parameters<typeof profiles.put>[0], request.act)
      return parsed.data
    },
  )

  app.delete(
    '/api/v1/profiles/:type',
    { config: { role: 'admin', audit: ['profile.deleted'] }, schema: { params } },
    async (request, reply) => {
      const { type } = request.params
      const outcome = await profiles.remove(type, request.act)
      if (outcome === 'removed') return reply.code(204).send()
      if (outcome === 'not_found')
        return sendProblem(reply, 404, 'TIDEMARK_NOT_FOUND', `there is no profile ${type}`)
      return sendProblem(
        reply,
        409,
        'TIDEMARK_SHIPPED',
        `${type} ships with the platform; put one in its place instead`,
      )
    },
  )
}
