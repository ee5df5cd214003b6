import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { messageOf } from '../lib/errors.ts'
import { isDeeperThan } from '../lib/nesting.ts'
import { bearerToken } from './access.ts'
import type { HttpDeps } from './http-deps.ts'
import { answerBytesMax, IdempotentAnswers } from './idempotent-answers.ts'
import { sendProblem } from './problem.ts'
import { seal, unseal } from './sealed-answer.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The creation that this request is the first to ask for, where it has an Idempotency-Key. */
    creation: Creation | undefined
  }
}

interface Creation {
  readonly id: string
  readonly fingerprint: string
  readonly token: string
  readonly idempotencyKey: string
}

/** An answer as it is sealed. */
interface SentAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** A string of RFC 8941, as the draft has it, or the same without its quotes. */
const idempotencyKeyPattern = /^"?([!#-~]{1,255})"?$/
const keptHeaders = ['content-type', 'location', 'etag'] as const
/** No creation takes a body that nests deeper: its route says so, and `JSON.stringify` might find no end to its stack. */
const levelsMax = 100
const running = 'a request with this Idempotency-Key is being worked on'
const reused = 'this Idempotency-Key came with another request'

/**
 * Answers a creation that is sent again as it was answered the first time (draft-ietf-httpapi-idempotency-key-header-07). An
 * answer is kept beside the transaction that created, not in it: docs/decisions/0035.
 */
export function answerRepeats(app: FastifyInstance, { log, clock, logger }: HttpDeps): void {
  const kept = new IdempotentAnswers(log, clock)
  app.decorateRequest('creation')

  app.addHook('preHandler', async (request, reply) => {
    const header = request.headers['idempotency-key']
    if (header === undefined || !isCreation(request) || isDeeperThan(request.body, levelsMax))
      return undefined
    const idempotencyKey = idempotencyKeyPattern.exec(String(header))?.[1]
    if (idempotencyKey === undefined) {
      const detail = 'expected 1 to 255 visible ASCII characters'
      return sendProblem(reply, 400, 'TIDEMARK_IDEMPOTENCY_KEY', detail)
    }
    const token = bearerToken(request) ?? ''
    const creation = {
      id: digest(token, idempotencyKey),
      fingerprint: digest(request.method, request.url, JSON.stringify(request.body ?? null)),
      token,
      idempotencyKey,
    }
    const begun = kept.begin(creation.id, creation.fingerprint)
    if (begun.outcome === 'running') return sendProblem(reply, 409, 'TIDEMARK_IDEMPOTENCY_RUNNING', running)
    if (begun.outcome === 'reused') return sendProblem(reply, 422, 'TIDEMARK_IDEMPOTENCY_REUSED', reused)
    if (begun.outcome === 'answered') return sendAgain(reply, unseal(begun.sealed, token, idempotencyKey))
    request.creation = creation
    return undefined
  })

  app.addHook('onSend', async ({ creation, id: requestId }, reply, payload) => {
    if (creation === undefined) return payload
    try {
      const answer = answerToKeep(reply, payload)
      if (answer !== undefined) {
        const sealed = seal(JSON.stringify(answer), creation.token, creation.idempotencyKey)
        await kept.keep(creation.id, { fingerprint: creation.fingerprint, sealed })
      }
    } catch (error) {
      // What was asked for has been done and is on disk: that is what the answer says.
      logger.warn(
        { code: 'TIDEMARK_IDEMPOTENCY_KEEP', requestId, detail: messageOf(error) },
        'an answer is not kept',
      )
    } finally {
      kept.end(creation.id)
    }
    return payload
  })
}

/** `POST` to a collection or below a resource; verbs (`:ack`) may be repeated as they are, and imports are streams. */
function isCreation({ method, routeOptions }: FastifyRequest): boolean {
  const { url = '', config } = routeOptions
  return method === 'POST' && config.role !== undefined && !url.includes('::')
}

/** Of a success; what was refused has changed nothing, and may be tried again with the same key. */
function answerToKeep(reply: FastifyReply, payload: unknown): SentAnswer | undefined {
  const status = reply.statusCode
  if (status >= 300 || typeof payload !== 'string' || Buffer.byteLength(payload) > answerBytesMax)
    return undefined
  const headers = keptHeaders.flatMap((name) => {
    const value = reply.getHeader(name)
    return value === undefined ? [] : [[name, String(value)] as const]
  })
  return { status, headers: Object.fromEntries(headers), body: payload }
}

function sendAgain(reply: FastifyReply, text: string): FastifyReply {
  const { status, headers, body } = JSON.parse(text) as SentAnswer
  return reply.code(status).headers(headers).send(body)
}

function digest(...parts: readonly string[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(`${part.length}:${part}`)
  return hash.digest('hex')
}
