import type { Api } from '../api.ts'
import type { HttpDeps } from '../http-deps.ts'
import { sendProblem } from '../problem.ts'

const heartbeatMs = 10_000
const hasEnded = 'nothing is held: the hold has ended before'

/**
 * What `tidemark backup` asks of a running platform before it copies the data directory: no path comes over HTTP, and what is copied is
 * read by a process that may read it.
 */
export function backupRoutes(app: Api, { backupHold, storeStatus }: HttpDeps): void {
  // A stream of lines, as long as the hold: a client that is gone, killed or not, holds nothing.
  app.post(
    '/api/v1/backup-hold::stream',
    { config: { role: 'admin', audit: ['backup_hold.begun'] } },
    async ({ act }, reply) => {
      let heartbeat: NodeJS.Timeout | undefined
      let isHeld = true
      const end = await backupHold.take(() => {
        isHeld = false
        clearInterval(heartbeat)
        if (reply.sent) reply.raw.end()
      })
      if (end === undefined)
        return sendProblem(reply, 409, 'TIDEMARK_BACKUP_RUNNING', 'another backup is being made')
      try {
        await act.begin('backup_hold.begun', null)
      } catch (error) {
        end()
        throw error
      }
      if (!isHeld) return sendProblem(reply, 409, 'TIDEMARK_BACKUP_HOLD', hasEnded)
      reply.hijack()
      reply.raw.once('close', end)
      reply.raw.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
      reply.raw.write(`${JSON.stringify({ pid: process.pid, store: storeStatus().kind })}\n`)
      heartbeat = setInterval(() => reply.raw.write('\n'), heartbeatMs)
      if (reply.raw.destroyed) end()
      return reply
    },
  )

  app.delete(
    '/api/v1/backup-hold',
    { config: { role: 'admin', audit: ['backup_hold.ended'] } },
    async ({ act }, reply) => {
      if (backupHold.end()) {
        await act.begin('backup_hold.ended', null)
        return reply.code(204).send()
      }
      return sendProblem(reply, 409, 'TIDEMARK_BACKUP_HOLD', hasEnded)
    },
  )
}
