import { z } from 'zod'
import type { Api } from '../api.ts'
import type { HttpDeps, PartState } from '../http-deps.ts'
import { sendProblem } from '../problem.ts'

/** The parts that read the log: what each has yet to read, and starting one of them anew. */
export function partRoutes(app: Api, { parts }: HttpDeps): void {
  app.get('/api/v1/parts', { config: { role: 'read' } }, async () => ({ items: parts.list().map(shown) }))

  app.post(
    '/api/v1/parts/:id(^[^:]+)::restart',
    {
      config: { role: 'admin', audit: ['part.restarted'] },
      schema: { params: z.object({ id: z.string() }) },
    },
    async (request, reply) => {
      const { id: part } = request.params
      const isThere = parts.list().some(({ name }) => name === part)
      if (isThere) await request.act.begin('part.restarted', part)
      const restarted = isThere ? await parts.restart(part) : undefined
      if (restarted === undefined)
        return sendProblem(reply, 404, 'TIDEMARK_NOT_FOUND', `there is no part ${part}`)
      return reply.code(202).send({ part, restarts: restarted.restarts })
    },
  )
}

function shown({ name, restarts, startedAt, lag }: PartState) {
  return { name, restarts, startedAt: new Date(startedAt).toISOString(), lag }
}
