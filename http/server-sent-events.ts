import { once, setMaxListeners } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { messageOf } from '../lib/errors.ts'
import type { Api } from './api.ts'
import type { HttpDeps } from './http-deps.ts'
import { sendProblem } from './problem.ts'

/** Of one route. A socket that takes nothing holds what was read for it last, so this bounds memory too. */
export const streamsMax = 500

/** Between two looks at whether the token of a stream still stands. */
const tokenCheckMs = 500

const defaultLimits: StreamLimits = { heartbeatMs: 15_000, stalledMsMax: 30_000 }

export interface StreamLimits {
  /** Silence after which a comment is sent, so that proxies keep the connection. */
  readonly heartbeatMs: number
  /** A client that takes nothing for so long is cut off. */
  readonly stalledMsMax: number
}

/** The client of a stream of server-sent events (WHATWG HTML, section 9.2), until it leaves or is cut off. */
export class StreamClient {
  readonly #response: ServerResponse
  readonly #limits: StreamLimits
  readonly #leaving = new AbortController()
  readonly #closing: AbortSignal
  readonly #leave = () => this.#leaving.abort()
  #lastWriteAt = performance.now()

  /** `closing` ends the stream; the head of `response` is written. */
  constructor(response: ServerResponse, closing: AbortSignal, limits: StreamLimits = defaultLimits) {
    this.#response = response
    this.#closing = closing
    this.#limits = limits
    response.once('close', this.#leave)
    closing.addEventListener('abort', this.#leave, { once: true })
    if (closing.aborted || response.destroyed) this.#leave()
    this.send('retry: 2000\n\n')
  }

  /** Aborts when there is nobody to write to any more. */
  get left(): AbortSignal {
    return this.#leaving.signal
  }

  /** Ms from now at which silence is to be filled, 0 when that is due. */
  get silenceMs(): number {
    return Math.max(0, this.#lastWriteAt + this.#limits.heartbeatMs - performance.now())
  }

  /** Resolves when the socket takes more: false when the client has left, or took nothing for too long and was cut off. */
  async isReady(): Promise<boolean> {
    if (this.left.aborted) return false
    if (!this.#response.writableNeedDrain) return true
    const stalled = setTimeout(this.#leave, this.#limits.stalledMsMax)
    try {
      await once(this.#response, 'drain', { signal: this.left })
      return true
    } catch {
      return false
    } finally {
      clearTimeout(stalled)
    }
  }

  send(text: string): void {
    this.#response.write(text)
    this.#lastWriteAt = performance.now()
  }

  /** Fills silence where that is due with a comment, which is no event. */
  keepAlive(): void {
    if (this.silenceMs === 0) this.send(': heartbeat\n\n')
  }

  close(): void {
    this.#response.off('close', this.#leave)
    this.#closing.removeEventListener('abort', this.#leave)
    this.#response.destroy()
  }
}

/** An event of a stream as it is sent. `data` has no line breaks. */
export function streamedEvent(id: string, event: string, data: string): string {
  return `id: ${id}\nevent: ${event}\ndata: ${data}\n\n`
}

/** The open streams of a route. They are bounded, and end when the server closes or their token does not stand any more. */
export class OpenStreams {
  readonly #deps: Pick<HttpDeps, 'logger' | 'tokens'>
  readonly #closing = new AbortController()
  #open = 0

  constructor(app: Api, deps: Pick<HttpDeps, 'logger' | 'tokens'>) {
    this.#deps = deps
    setMaxListeners(streamsMax + 1, this.#closing.signal)
    app.addHook('preClose', async () => this.#closing.abort())
  }

  /** Answers with what `write` sends, which ends when its client has left; 503 where too many are open. */
  async answer(
    request: FastifyRequest,
    reply: FastifyReply,
    write: (client: StreamClient) => Promise<void>,
  ): Promise<FastifyReply> {
    if (this.#open >= streamsMax) {
      return sendProblem(reply, 503, 'TIDEMARK_STREAM_LIMIT', `${streamsMax} streams are open`)
    }
    this.#open++
    reply.hijack()
    request.raw.socket.setTimeout(0)
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    const client = new StreamClient(reply.raw, this.#closing.signal)
    const { logger, tokens } = this.#deps
    const check = setInterval(() => tokens.stands(request.caller!) || reply.raw.destroy(), tokenCheckMs)
    // `write` may end a moment later, when the log is closed already.
    client.left.addEventListener('abort', () => clearInterval(check), { once: true })
    try {
      await write(client)
    } catch (error) {
      logger.error({ code: 'TIDEMARK_INTERNAL', detail: messageOf(error) }, 'a stream failed')
    } finally {
      clearInterval(check)
      client.close()
      this.#open--
    }
    return reply
  }
}

/** The problem of a `Last-Event-ID` that no event of this stream has. */
export function sendUnknownEventId(reply: FastifyReply, detail: string): FastifyReply {
  const errors = [{ pointer: '/headers/last-event-id', detail }]
  return sendProblem(reply, 422, 'TIDEMARK_INVALID', 'Last-Event-ID is not valid', errors)
}
