import type { FastifyReply } from 'fastify'

export interface FieldProblem {
  /** RFC 6901, into the body as it was sent; `/query/name` for a query parameter. */
  readonly pointer: string
  readonly detail: string
}

const titles: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Not authenticated',
  403: 'Forbidden',
  404: 'Not found',
  409: 'Conflict',
  412: 'Precondition failed',
  413: 'Payload too large',
  415: 'Unsupported media type',
  422: 'Unprocessable content',
  428: 'Precondition required',
  500: 'Internal error',
  501: 'Not implemented',
  503: 'Service unavailable',
}

/** Answers with a problem document (RFC 9457). */
export function sendProblem(
  reply: FastifyReply,
  status: number,
  code: `TIDEMARK_${string}`,
  detail: string,
  errors?: readonly FieldProblem[],
): FastifyReply {
  const body = {
    type: 'about:blank',
    title: titles[status] ?? 'Error',
    status,
    code,
    detail,
    ...(errors && { errors }),
  }
  return reply.code(status).type('application/problem+json').send(body)
}
