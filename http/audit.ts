import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { AuditAction, AuditDetails, AuditEntry } from '../domain/audit-entry.ts'
import { messageOf } from '../lib/errors.ts'
import type { Act } from '../log/act.ts'
import type { LogTransaction } from '../log/log.ts'
import type { HttpDeps } from './http-deps.ts'
import { WindowCounts } from './window-counts.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the route may write into the audit log, first as what it is refused; `[]` where it changes nothing. None for what only reads. */
    audit?: readonly AuditAction[]
  }
  interface FastifyRequest {
    /** What the caller does here; given on. Throws where the route names no action. */
    readonly act: RequestAct
  }
}

export interface RequestAct extends Act {
  /** Writes an entry alone, before what it tells of: that changes nothing in the log, or more than one transaction can. */
  begin(action: AuditAction, id: string | null, details?: AuditDetails): Promise<void>
}

/** Refusals of one token that are written down within `refusalWindowMs`: it must not push out what others did. */
export const refusalsMax = 20
export const refusalWindowMs = 60_000

/** Gives each request its act; what is returned writes down a request that its role does not allow. */
export function auditRequests(app: FastifyInstance, deps: Pick<HttpDeps, 'log' | 'clock' | 'logger'>) {
  const refusals = new WindowCounts(deps.clock, refusalWindowMs)
  app.decorateRequest('act', {
    getter(this: FastifyRequest) {
      return actOf(deps, this)
    },
  })
  return async (request: FastifyRequest): Promise<void> => {
    const { caller, params, routeOptions, id: requestId } = request
    const action = routeOptions.config.audit?.[0]
    if (caller === undefined || action === undefined || refusals.add(caller.id) > refusalsMax) return
    const named = params as { commandId?: string; id?: string; type?: string }
    const id = named.commandId ?? named.id ?? named.type ?? null
    const entry = entryOf(deps, request, { action, id, outcome: 'refused', details: {} })
    try {
      await deps.log.transaction((tx) => append(tx, entry))
    } catch (error) {
      // It is refused all the same.
      const failure = { code: 'TIDEMARK_AUDIT', requestId, detail: messageOf(error) }
      deps.logger.warn(failure, 'a refusal is not in the audit log')
    }
  }
}

function actOf(deps: Pick<HttpDeps, 'log' | 'clock'>, request: FastifyRequest): RequestAct {
  const { caller, routeOptions } = request
  const { audit = [] } = routeOptions.config
  if (caller === undefined || audit.length === 0) throw new Error(`${routeOptions.url} names no action`)
  // At once: a socket that has closed has no address.
  const begun = entryOf(deps, request, { action: audit[0]!, id: null, outcome: 'done', details: {} })
  const write: Act['write'] = (tx, action, id, details = {}) => {
    if (!audit.includes(action)) throw new Error(`${routeOptions.url} does not name ${action}`)
    append(tx, { ...begun, time: timeOf(deps), action, target: { kind: kindOf(action), id }, details })
  }
  return {
    by: caller.name,
    write,
    begin: (action, id, details) => deps.log.transaction((tx) => write(tx, action, id, details)),
  }
}

function entryOf(
  deps: Pick<HttpDeps, 'clock'>,
  { caller, ip, id: requestId, routeOptions, method }: FastifyRequest,
  told: Pick<AuditEntry, 'action' | 'outcome' | 'details'> & { id: string | null },
): AuditEntry {
  const { id, name, role } = caller!
  const { action, outcome, details } = told
  return {
    time: timeOf(deps),
    actor: { id, name, role },
    ...{ address: ip, requestId, operation: `${method} ${operationPath(routeOptions.url ?? '')}` },
    ...{ action, target: { kind: kindOf(action), id: told.id }, outcome, details },
  }
}

function append(tx: LogTransaction, entry: AuditEntry): void {
  tx.append('audit', Buffer.from(JSON.stringify(entry)), 1)
}

function kindOf(action: AuditAction): string {
  return action.slice(0, action.indexOf('.'))
}

function timeOf({ clock }: Pick<HttpDeps, 'clock'>): string {
  return new Date(clock.now()).toISOString()
}

/** The path of a route as `/openapi.json` has it. */
function operationPath(url: string): string {
  return url.replace(/(?<!:):(\w+)(\([^)]*\))?/g, '{$1}').replace('::', ':')
}
