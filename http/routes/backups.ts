import type { Api } from '../api.ts'
import type { HttpDeps } from '../http-deps.ts'
import { sendProblem } from '../problem.ts'

const heartbeatMs = 10_000

/**
 * What `tidemark backup` asks of a running platform before it copies the data directory: no path comes over HTTP, and what is copied is
 * read by a process that may read it.
 */
export function backupRoutes(app: Api, { backupHold, storeStatus }: HttpDeps): void {
  // A stream of lines, as long as the hold: a client that is gone, killed or not, holds nothing.
  app.post('/api/v1/backup-hold::stream', { config: { role: 'admin' } }, async (_request, reply) => {
    let heartbeat: NodeJS.Timeout | undefined
    const end = await backupHold.take(() => {
      clearInterval(heartbeat)
      if (reply.sent) reply.raw.end()
    })
    if (end === undefined)
      return sendProblem(reply, 409, 'TIDEMARK_BACKUP_RUNNING', 'another backup is being made')
    reply.hijack()
    reply.raw.once('close', end)
    reply.raw.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
    reply.raw.write(`${JSON.stringify({ pid: process.pid, store: storeStatus().kind })}\n`)
    heartbeat = setInterval(() => reply.raw.write('\n'), heartbeatMs)
    if (reply.raw.destroyed) end()
    return reply
  })

  app.delete('/api/v1/backup-hold', { config: { role: 'admin' } }, async (_request, reply) => {
    if (backupHold.end()) return reply.code(204).send()
    return sendProblem(reply, 409, 'TIDEMARK_BACKUP_HOLD', 'nothing is held: the hold has ended before')
  })
}
