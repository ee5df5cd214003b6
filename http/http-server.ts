import type { AddressInfo } from 'node:net'
import fastify, { type FastifyReply, type FastifyRequest, type RouteOptions } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { AuditAction } from '../domain/audit-entry.ts'
import { messageOf, TidemarkError } from '../lib/errors.ts'
import type { Role } from '../registry/token-registry.ts'
import { checkAccess } from './access.ts'
import type { Api } from './api.ts'
import { auditRequests } from './audit.ts'
import { limitBodyTime } from './body-timeout.ts'
import { answerError } from './error-answer.ts'
import { FailedAuthentications } from './failed-authentications.ts'
import type { HttpDeps } from './http-deps.ts'
import { answerRepeats } from './idempotency.ts'
import type { OpenApiDocument } from './openapi.ts'
import { sendProblem } from './problem.ts'
import { requestIdHeader, requestIdOf } from './request-id.ts'
import { limitRequestRate, requestsPerMinuteMax as perMinuteMax } from './request-rate.ts'
import { alarmHistoryRoutes } from './routes/alarm-history.ts'
import { alarmRoutes } from './routes/alarms.ts'
import { analyticsRoutes } from './routes/analytics.ts'
import { auditRoutes } from './routes/audit.ts'
import { backupRoutes } from './routes/backups.ts'
import { commandRoutes } from './routes/commands.ts'
import { dashboardRoutes } from './routes/dashboard.ts'
import { deadLetterRoutes } from './routes/dead-letters.ts'
import { deviceConnectRoute } from './routes/device-connect.ts'
import { deviceImportRoute } from './routes/device-import.ts'
import { deviceRoutes } from './routes/devices.ts'
import { eventRoutes } from './routes/events.ts'
import { exportImportRoutes } from './routes/export-import.ts'
import { maintenanceWindowRoutes } from './routes/maintenance-windows.ts'
import { operationRoutes } from './routes/operations.ts'
import { partRoutes } from './routes/parts.ts'
import { problemRoutes } from './routes/problems.ts'
import { profileRoutes } from './routes/profiles.ts'
import { readingRoutes } from './routes/readings.ts'
import { rulePackRoutes } from './routes/rule-packs.ts'
import { ruleSetRoutes } from './routes/rule-sets.ts'
import { ruleTestRoute } from './routes/rule-test.ts'
import { ruleRoutes } from './routes/rules.ts'
import { tokenRoutes } from './routes/tokens.ts'
import { webhookRoutes } from './routes/webhooks.ts'
import { schemaController } from './schema-controller.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** What `/openapi.json` answers; made once. */
    openApi(): Promise<OpenApiDocument>
  }
}

/** A route as it was registered: in `url` a colon of the path itself is written `::`. */
export interface Route {
  readonly method: string
  readonly url: string
  readonly role: Role | undefined
  /** What it may write into the audit log. */
  readonly audit: readonly AuditAction[]
}

const bodyBytesMax = 64 * 1024

/** One file for each resource: this is the table of contents of the API. */
const resources = [
  deviceRoutes,
  deviceConnectRoute,
  deviceImportRoute,
  commandRoutes,
  profileRoutes,
  ruleRoutes,
  rulePackRoutes,
  ruleSetRoutes,
  ruleTestRoute,
  readingRoutes,
  analyticsRoutes,
  eventRoutes,
  alarmRoutes,
  alarmHistoryRoutes,
  maintenanceWindowRoutes,
  deadLetterRoutes,
  exportImportRoutes,
  tokenRoutes,
  auditRoutes,
  webhookRoutes,
  operationRoutes,
  partRoutes,
  backupRoutes,
  problemRoutes,
  dashboardRoutes,
]

/** Builds the HTTP face; `listen` starts it. The schemas of the routes also make `/openapi.json`. */
export async function createHttpServer(
  deps: HttpDeps,
  { bodyMsMax = 10_000, requestsPerMinuteMax = perMinuteMax } = {},
) {
  const app = fastify({
    bodyLimit: bodyBytesMax,
    forceCloseConnections: true,
    genReqId: requestIdOf,
    schemaController,
    frameworkErrors: (error, request, reply) => {
      tellRequestId(request, reply)
      answerError(deps.logger, error, request, reply)
    },
  })
  const routes: Route[] = []
  app.setErrorHandler((error: Error, request, reply) => answerError(deps.logger, error, request, reply))
  app.setNotFoundHandler((_request, reply) =>
    sendProblem(reply, 404, 'TIDEMARK_NOT_FOUND', 'there is nothing at this path'),
  )
  app.decorateRequest('caller')
  const failed = new FailedAuthentications(deps.clock)
  const auditRefused = auditRequests(app, deps)
  app.addHook('onRequest', (request, reply) => {
    tellRequestId(request, reply)
    limitBodyTime(request, bodyMsMax)
    return checkAccess(deps.tokens, failed, auditRefused, request, reply)
  })
  await limitRequestRate(app, requestsPerMinuteMax)
  answerRepeats(app, deps)
  const registered: RouteOptions[] = []
  app.addHook('onRoute', (route) => {
    routes.push(...namedRoutes(route))
    registered.push(route)
  })
  let document: Promise<OpenApiDocument> | undefined
  app.decorate('openApi', () => {
    // Loaded when it is asked for: to load it takes a tenth of a start, and few read it.
    document ??= import('./openapi.ts').then(({ openApiDocument }) => openApiDocument(registered))
    return document
  })
  // Each in a scope of its own, so that one's parser of bodies is not the others'.
  for (const add of resources) {
    await app.register(async (scope) => add(scope.withTypeProvider<ZodTypeProvider>() as Api, deps))
  }
  await app.ready()
  return {
    server: app.server,
    routes: routes as readonly Route[],
    /** For tests: a request without a socket. */
    inject: app.inject.bind(app),
    listen: async (host: string, port: number): Promise<{ port: number }> => {
      try {
        await app.listen({ host, port })
      } catch (error) {
        throw new TidemarkError('TIDEMARK_LISTEN', `cannot listen on ${host}:${port}: ${messageOf(error)}`, {
          cause: error,
        })
      }
      return { port: (app.server.address() as AddressInfo).port }
    },
    close: () => app.close(),
  }
}

/** On the raw answer, so that a stream of events, which Fastify does not send, has it too. */
function tellRequestId({ id }: FastifyRequest, { raw }: FastifyReply): void {
  raw.setHeader(requestIdHeader, id)
}

/** A route of the API that forgot its role would be open to everybody, and one that forgot its audit would change things unseen: it is not built. */
export function namedRoutes({ method, url, config }: RouteOptions): Route[] {
  const role = config?.role
  if (url.startsWith('/api/') && role === undefined) throw new Error(`${method} ${url} names no role`)
  const audit = config?.audit
  const methods = [method].flat()
  const isRead = methods.every((one) => one === 'GET' || one === 'HEAD')
  if (url.startsWith('/api/') && !isRead && audit === undefined)
    throw new Error(`${method} ${url} names no action for the audit log`)
  return methods.map((one) => ({ method: one, url, role, audit: audit ?? [] }))
}
