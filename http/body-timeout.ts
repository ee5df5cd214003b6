import { IncomingMessage } from 'node:http'
import type { FastifyRequest } from 'fastify'
import { requestIdHeader } from './request-id.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** True where a body is worked on as it comes, and may take as long as it is. */
    isStreamed?: boolean
  }
}

const refusal = (requestId: string) =>
  `HTTP/1.1 408 Request Timeout\r\n${requestIdHeader}: ${requestId}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`

/**
 * Closes the connection when a request's body has not come within `timeoutMs`. In place of Node's `requestTimeout`, which is
 * the same for every route and would cut an import off in the middle.
 */
export function limitBodyTime(request: FastifyRequest, timeoutMs: number): void {
  const { raw } = request
  if (raw.complete || request.routeOptions.config.isStreamed === true) return
  // A request injected without a socket has nothing to close.
  if (!(raw instanceof IncomingMessage)) return
  const timer = setTimeout(() => {
    if (raw.complete || raw.destroyed) return
    raw.socket.write(refusal(request.id))
    raw.socket.destroySoon()
  }, timeoutMs)
  raw.once('close', () => clearTimeout(timer))
}
