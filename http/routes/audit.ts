import { z } from 'zod'
import { type AuditEntry, auditActions } from '../../domain/audit-entry.ts'
import { recordNumber } from '../../domain/record-number.ts'
import type { LogRecord } from '../../log/log.ts'
import type { Api } from '../api.ts'
import type { HttpDeps } from '../http-deps.ts'
import { encodeCursor, numberedPageQuery } from '../paging.ts'
import { scanStream, scanStreamBackward } from '../stream-scan.ts'
import { queryTime } from '../time.ts'

const query = z
  .strictObject({
    ...numberedPageQuery,
    order: z.enum(['oldest', 'newest']).default('oldest'),
    after: z
      .string()
      .regex(/^\d{1,20}$/, 'not an id of an entry')
      .optional()
      .describe('id of the last entry seen, which is not told again'),
    actor: z.string().optional().describe('id of a token, or its name'),
    action: z.enum(auditActions).optional(),
    target: z.string().optional().describe('id of what was changed'),
    outcome: z.enum(['done', 'refused']).optional(),
    from: queryTime.optional(),
    to: queryTime.optional(),
  })
  .refine(({ order, after }) => order === 'oldest' || after === undefined, {
    message: 'goes with the oldest first',
    path: ['after'],
  })

type Listed = AuditEntry & { readonly id: string }

/** The audit log: read, and nothing else. No route changes or removes an entry. */
export function auditRoutes(app: Api, { log }: HttpDeps): void {
  app.get(
    '/api/v1/audit',
    { config: { role: 'admin' }, schema: { querystring: query } },
    async ({ query: { limit, cursor, order, after = '0', ...wanted } }) => {
      const select = (record: LogRecord) => {
        const entry = entryOf(record)
        return isWanted(entry, wanted) ? entry : undefined
      }
      // The id of an entry is the offset of the next one, as a number.
      const { found, next } =
        order === 'oldest'
          ? await scanStream(log, 'audit', { from: cursor ?? Number(after) }, limit, select)
          : await scanStreamBackward(log, 'audit', cursor ?? log.end('audit'), limit, select)
      return { items: found, nextCursor: next === undefined ? null : encodeCursor(String(next)) }
    },
  )
}

function entryOf({ offset, value }: LogRecord): Listed {
  return { id: recordNumber(offset), ...(JSON.parse(value.toString()) as AuditEntry) }
}

function isWanted(
  { actor, action, target, outcome, time }: AuditEntry,
  wanted: Omit<Partial<z.output<typeof query>>, 'limit' | 'cursor' | 'order' | 'after'>,
): boolean {
  const at = Date.parse(time)
  return (
    (wanted.actor === undefined || actor.id === wanted.actor || actor.name === wanted.actor) &&
    (wanted.action === undefined || action === wanted.action) &&
    (wanted.target === undefined || target.id === wanted.target) &&
    (wanted.outcome === undefined || outcome === wanted.outcome) &&
    (wanted.from === undefined || at >= wanted.from) &&
    (wanted.to === undefined || at < wanted.to)
  )
}
