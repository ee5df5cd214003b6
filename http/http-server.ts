import type { IncomingMessage, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import swagger from '@fastify/swagger'
import fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify'
import {
  hasZodFastifySchemaValidationErrors,
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod'
import { messageOf, TidemarkError } from '../lib/errors.ts'
import type { Role } from '../registry/token-registry.ts'
import type { HttpDeps } from './http-deps.ts'
import { type FieldProblem, sendProblem } from './problem.ts'
import { deadLetterRoutes } from './routes/dead-letters.ts'
import { deviceRoutes } from './routes/devices.ts'
import { eventRoutes } from './routes/events.ts'
import { operationRoutes } from './routes/operations.ts'
import { profileRoutes } from './routes/profiles.ts'
import { readingRoutes } from './routes/readings.ts'
import { ruleRoutes } from './routes/rules.ts'
import { tokenRoutes } from './routes/tokens.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Least role that may call the route; none for the public ones. */
    role?: Role
  }
}

export type Api = FastifyInstance<
  Server,
  IncomingMessage,
  import('node:http').ServerResponse,
  import('fastify').FastifyBaseLogger,
  ZodTypeProvider
>

const bodyBytesMax = 64 * 1024
const requestTimeoutMs = 10_000
const rank: Readonly<Record<Role, number>> = { read: 0, operate: 1, admin: 2 }

/** Builds the HTTP face; `listen` starts it. The schemas of the routes also make `/openapi.json`. */
export async function createHttpServer(deps: HttpDeps) {
  const app = fastify({
    bodyLimit: bodyBytesMax,
    requestTimeout: requestTimeoutMs,
    forceCloseConnections: true,
  })
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.addContentTypeParser('application/x-ndjson', (_request, payload, done) => done(null, payload))
  app.setErrorHandler((error: FastifyError, request, reply) => answerError(deps, error, request, reply))
  app.setNotFoundHandler((_request, reply) =>
    sendProblem(reply, 404, 'TIDEMARK_NOT_FOUND', 'there is nothing at this path'),
  )
  app.addHook('onRequest', async (request, reply) => authorise(deps, request, reply))
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Tidemark', version: '0.1.0' },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    transform: jsonSchemaTransform,
  })
  const routes = [
    deviceRoutes,
    profileRoutes,
    ruleRoutes,
    readingRoutes,
    eventRoutes,
    deadLetterRoutes,
    tokenRoutes,
    operationRoutes,
  ]
  await app.register(async (scope) => {
    for (const add of routes) add(scope.withTypeProvider<ZodTypeProvider>() as Api, deps)
  })
  await app.ready()
  return {
    server: app.server,
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

async function authorise(deps: HttpDeps, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const { role } = request.routeOptions.config
  if (role === undefined) {
    // An unknown path under the API tells nothing to a caller without a token.
    if (!request.url.startsWith('/api/') || !request.is404) return undefined
  }
  const token = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
  const caller = token === undefined ? undefined : deps.tokens.authenticate(token)
  if (caller === undefined) {
    reply.header('www-authenticate', 'Bearer realm="tidemark"')
    return sendProblem(
      reply,
      401,
      'TIDEMARK_NOT_AUTHENTICATED',
      'a valid token is needed: Authorization: Bearer <token>',
    )
  }
  if (role !== undefined && rank[caller.role] < rank[role]) {
    return sendProblem(
      reply,
      403,
      'TIDEMARK_FORBIDDEN',
      `the role ${role} is needed; this token has ${caller.role}`,
    )
  }
  return undefined
}

function answerError(
  deps: HttpDeps,
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (hasZodFastifySchemaValidationErrors(error)) {
    const prefix = error.validationContext === 'querystring' ? '/query' : ''
    const errors = error.validation.flatMap(({ instancePath, message, params }): FieldProblem[] => {
      const keys =
        (params as { issue?: { keys?: string[] } } | undefined)?.issue?.keys ??
        (params as { keys?: string[] }).keys
      const problem = { pointer: `${prefix}${instancePath}`, detail: message ?? 'invalid' }
      return keys === undefined
        ? [problem]
        : keys.map((key) => ({ pointer: `${problem.pointer}/${key}`, detail: 'unknown field' }))
    })
    return sendProblem(reply, 422, 'TIDEMARK_INVALID', 'the request does not match its schema', errors)
  }
  if (error instanceof TidemarkError) {
    const status =
      error.code.startsWith('TIDEMARK_LOG') || error.code.startsWith('TIDEMARK_STORE') ? 503 : 500
    return sendProblem(reply, status, error.code, error.message)
  }
  const status = error.statusCode ?? 500
  if (status < 500) return sendProblem(reply, status, 'TIDEMARK_BAD_REQUEST', error.message)
  deps.logger.error(
    { code: 'TIDEMARK_INTERNAL', path: request.routeOptions.url, err: error },
    'a request failed',
  )
  return sendProblem(reply, 500, 'TIDEMARK_INTERNAL', 'the request failed; the log of the platform says why')
}
