import { z } from 'zod'
import type { Api } from '../api.ts'
import { sendPage } from '../html-page.ts'
import { sendProblem } from '../problem.ts'
import { problemPage, readErrorLines } from '../problem-page.ts'

const params = z.object({ code: z.string() })

/** The pages to which the `type` of a problem leads; open to everybody, as is what they are made of. */
export function problemRoutes(app: Api): void {
  const lines = readErrorLines()

  app.get('/problems/:code', { schema: { hide: true, params } }, async ({ params: { code } }, reply) => {
    const line = lines.get(code)
    return line === undefined
      ? sendProblem(reply, 404, 'TIDEMARK_NOT_FOUND', 'there is no such error code')
      : sendPage(reply, problemPage(line))
  })
}
