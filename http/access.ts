import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Role, Token, TokenRegistry } from '../registry/token-registry.ts'
import type { FailedAuthentications } from './failed-authentications.ts'
import { sendProblem } from './problem.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Least role that may call the route; none for the public ones, which stand outside `/api/`. */
    role?: Role
  }
  interface FastifyRequest {
    /** The token of who calls; none on public routes. */
    caller: Token | undefined
  }
}

/** The token that a request carries, known or not. */
export function bearerToken({ headers }: Pick<FastifyRequest, 'headers'>): string | undefined {
  return /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1]
}

const rank: Readonly<Record<Role, number>> = { read: 0, operate: 1, admin: 2 }

/** Keeps the caller on the request. Answers 401, 403 (`onRefused` before) or 429 when it may not use the route, before anything of the body is read. */
export async function checkAccess(
  tokens: Pick<TokenRegistry, 'authenticate'>,
  failed: FailedAuthentications,
  onRefused: (request: FastifyRequest) => Promise<void>,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const { role } = request.routeOptions.config
  // An unknown path under the API tells nothing to a caller without a token.
  if (role === undefined && !(request.is404 && request.url.startsWith('/api/'))) return undefined
  const waitSeconds = failed.waitSeconds(request.ip)
  if (waitSeconds > 0) {
    reply.header('retry-after', waitSeconds)
    const detail = `too many requests without a valid token from ${request.ip}`
    return sendProblem(reply, 429, 'TIDEMARK_AUTHENTICATION_LIMIT', detail)
  }
  const token = bearerToken(request)
  const caller = token === undefined ? undefined : tokens.authenticate(token)
  if (caller === undefined) {
    failed.count(request.ip)
    reply.header('www-authenticate', 'Bearer realm="tidemark"')
    const detail = 'a valid token is needed: Authorization: Bearer <token>'
    return sendProblem(reply, 401, 'TIDEMARK_NOT_AUTHENTICATED', detail)
  }
  request.caller = caller
  if (role === undefined || rank[caller.role] >= rank[role]) return undefined
  await onRefused(request)
  const detail = `the role ${role} is needed; this token has ${caller.role}`
  return sendProblem(reply, 403, 'TIDEMARK_FORBIDDEN', detail)
}
