import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { TidemarkError } from '../lib/errors.ts'
import type { Logger } from '../lib/logger.ts'
import { fieldProblems, InvalidRequest, sendProblem } from './problem.ts'

/** Of Fastify's own refusals, those that have a code of ours; the others are TIDEMARK_BAD_REQUEST. */
const refusals: Readonly<Record<number, `TIDEMARK_${string}`>> = {
  413: 'TIDEMARK_BODY_TOO_LARGE',
  415: 'TIDEMARK_MEDIA_TYPE',
  429: 'TIDEMARK_REQUEST_RATE',
}

const retryAfterSeconds = 2

/** Turns what was thrown into a problem: what the caller can mend says how, a bug says nothing and is logged. */
export function answerError(
  logger: Logger,
  error: FastifyError | Error,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (error instanceof InvalidRequest) {
    const prefix = error.validationContext === 'querystring' ? '/query' : ''
    return sendProblem(reply, 422, 'TIDEMARK_INVALID', error.message, fieldProblems(error.issues, prefix))
  }
  if (error instanceof TidemarkError && /^TIDEMARK_(LOG|STORE|RULE_TEST)_/.test(error.code)) {
    reply.header('retry-after', retryAfterSeconds)
    return sendProblem(reply, 503, error.code, error.message)
  }
  const status = 'statusCode' in error ? (error.statusCode ?? 500) : 500
  if (status >= 400 && status < 500) {
    return sendProblem(reply, status, refusals[status] ?? 'TIDEMARK_BAD_REQUEST', error.message)
  }
  const failure = {
    code: 'TIDEMARK_INTERNAL',
    requestId: request.id,
    path: request.routeOptions.url,
    err: error,
  }
  logger.error(failure, 'a request failed')
  return sendProblem(reply, 500, 'TIDEMARK_INTERNAL', 'the request failed; the log of the platform says why')
}
