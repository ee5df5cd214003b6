import { setImmediate as nextTurn } from 'node:timers/promises'
import { z } from 'zod'
import type { Log } from '../../log/log.ts'
import { type AlarmEpisode, historyEnd, historyKey } from '../../rules/alarm-table.ts'
import type { Api } from '../api.ts'
import type { HttpDeps } from '../http-deps.ts'
import { encodeCursor, numberedPageQuery } from '../paging.ts'

const time = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()], 'expected a time such as 2026-11-23T12:00:00Z')
  .transform((at) => Date.parse(at))
const params = z.object({ id: z.string() })

const rowsAtOnce = 500
const rowsScannedMax = 50_000

/** Episodes of alarms that have ended: of one alarm, or of all. */
export function alarmHistoryRoutes(app: Api, { log }: HttpDeps): void {
  app.get(
    '/api/v1/alarms/:id/history',
    { config: { role: 'read' }, schema: { params, querystring: z.strictObject(numberedPageQuery) } },
    async ({ params: { id }, query: { limit, cursor } }) =>
      history(log, { limit, cursor }, (episode) => episode.alarm === id),
  )

  const historyQuery = z.strictObject({
    ...numberedPageQuery,
    rule: z.string().optional(),
    device: z.string().optional(),
    from: time.optional(),
    to: time.optional(),
  })
  app.get(
    '/api/v1/alarm-history',
    { config: { role: 'read' }, schema: { querystring: historyQuery } },
    async ({ query: { limit, cursor, rule, device, from, to } }) =>
      history(log, { limit, cursor }, (episode) => {
        if (rule !== undefined && episode.rule !== rule) return false
        if (device !== undefined && episode.device !== device) return false
        const clearedMs = Date.parse(episode.clearedAt)
        return (from === undefined || clearedMs >= from) && (to === undefined || clearedMs < to)
      }),
  )
}

/** Newest first, like scanStream: a page may be short, and looks at 50,000 episodes at most. A place is an episode's ordinal. */
async function history(
  log: Log,
  { limit, cursor }: { limit: number; cursor: number | undefined },
  isWanted: (episode: AlarmEpisode) => boolean,
) {
  const items: AlarmEpisode[] = []
  let before = Math.min(cursor ?? Number.POSITIVE_INFINITY, historyEnd(log))
  const [oldest] = log.entries('alarm-history', { limit: 1 })
  const first = oldest === undefined ? before : Number(oldest[0])
  for (let scanned = 0; scanned < rowsScannedMax && before > first; scanned += rowsAtOnce) {
    const from = Math.max(0, before - rowsAtOnce)
    const rows = log
      .entries<AlarmEpisode>('alarm-history', { from: historyKey(from), limit: before - from })
      .filter(([key]) => Number(key) < before)
    for (const [key, episode] of rows.reverse()) {
      if (!isWanted(episode)) continue
      if (items.length === limit) return { items, nextCursor: encodeCursor(String(Number(key) + 1)) }
      items.push(episode)
    }
    before = from
    await nextTurn()
  }
  return { items, nextCursor: before > first ? encodeCursor(String(before)) : null }
}
