import { promises as dns, type LookupAddress } from 'node:dns'
import http, { type ClientRequest, type IncomingHttpHeaders } from 'node:http'
import https from 'node:https'
import type { LookupFunction } from 'node:net'
import { forbiddenRange, type OutboundPolicy, urlProblem } from '../lib/address-guard.ts'
import type { Clock } from '../lib/clock.ts'
import { messageOf } from '../lib/errors.ts'
import { signedHeaders } from './webhook-signature.ts'

/** All addresses of a name; rejects when it has none. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>

export interface WebhookClientOptions {
  readonly policy: OutboundPolicy
  readonly clock: Clock
  readonly resolve?: Resolve
  /** For everything: resolving, connecting, sending, the answer. */
  readonly timeoutMs?: number
}

/** How an attempt ended. Only a status of 200 to 299 is a delivery (Standard Webhooks 1.0.0). */
export type AttemptOutcome =
  | { readonly delivered: true; readonly status: number }
  | {
      readonly delivered: false
      /** None where no answer came. */
      readonly status?: number
      readonly detail: string
      /** How long the receiver asks to be left alone. */
      readonly retryAfterMs?: number
    }

/** What is read of an answer before its connection is cut; nothing of it is kept. */
const answerBytesMax = 4 * 1024
const idleConnectionMs = 4_000
const dnsTimeout = { timeout: 1_500, tries: 2 } as const

/**
 * Sends signed deliveries over HTTP, to where the policy allows and nowhere else: a URL may name anything, and a name may
 * resolve to anything at any time. So each address is checked when a connection is made to it, redirects are not followed, and
 * the proxy of the environment is not used.
 */
export class WebhookClient {
  readonly #options: Required<WebhookClientOptions>
  readonly #lookup: LookupFunction
  readonly #agents = {
    http: new http.Agent({ keepAlive: true, timeout: idleConnectionMs }),
    https: new https.Agent({ keepAlive: true, timeout: idleConnectionMs }),
  }

  constructor(options: WebhookClientOptions) {
    this.#options = { resolve: dnsResolve(), timeoutMs: 5_000, ...options }
    this.#lookup = guardedLookup(this.#options)
  }

  /** One attempt. Never rejects; ends early, as not delivered, when `signal` aborts. */
  async post(
    target: { readonly url: string; readonly secret: string },
    message: { readonly id: string; readonly body: string },
    signal: AbortSignal,
  ): Promise<AttemptOutcome> {
    const { policy, clock, timeoutMs } = this.#options
    // Again: the policy may be stricter than when the webhook was made. Node looks no name up where the host is an address.
    const problem = urlProblem(target.url, policy)
    if (problem !== undefined) return { delivered: false, detail: problem }
    const headers = {
      ...signedHeaders(target.secret, message, clock.now()),
      // CloudEvents 1.0, HTTP binding, structured mode.
      'content-type': 'application/cloudevents+json; charset=utf-8',
      'user-agent': 'tidemark',
    }
    // Not `AbortSignal.any`, which leaves something behind in a signal that lives long (nodejs/node#54614).
    const attempt = new AbortController()
    const callOff = () => attempt.abort()
    const timer = setTimeout(callOff, timeoutMs)
    signal.addEventListener('abort', callOff)
    if (signal.aborted) callOff()
    const send = () => this.#send(new URL(target.url), headers, message.body, attempt.signal)
    try {
      const first = await send()
      return first === 'closed before' ? lastOutcome(await send()) : first
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', callOff)
    }
  }

  /** Closes idle connections. */
  close(): void {
    for (const agent of Object.values(this.#agents)) agent.destroy()
  }

  #send(
    url: URL,
    headers: Readonly<Record<string, string>>,
    body: string,
    signal: AbortSignal,
  ): Promise<AttemptOutcome | 'closed before'> {
    const { clock, timeoutMs } = this.#options
    return new Promise((resolve) => {
      const options = { method: 'POST', headers, lookup: this.#lookup, signal }
      const sent =
        url.protocol === 'https:'
          ? https.request(url, { ...options, agent: this.#agents.https })
          : http.request(url, { ...options, agent: this.#agents.http })
      let outcome: AttemptOutcome | undefined
      const end = (detail: string) => resolve(outcome ?? { delivered: false, detail })
      sent.on('response', (answer) => {
        outcome = outcomeOf(answer.statusCode ?? 0, answer.headers, clock.now())
        let bytes = 0
        answer.on('data', (chunk: Buffer) => {
          bytes += chunk.length
          if (bytes > answerBytesMax) answer.destroy()
        })
        // Cut off by us, or by the receiver: its status is known.
        answer.on('error', () => undefined)
        answer.on('close', () => end(''))
      })
      sent.on('error', (error) => {
        if (signal.aborted) end(`no answer within ${timeoutMs / 1000} s`)
        else if (outcome === undefined && isClosedBefore(sent, error)) resolve('closed before')
        // With several addresses tried there is a code and no message.
        else end(messageOf(error) || String((error as NodeJS.ErrnoException).code))
      })
      sent.on('close', () => end('the connection was closed without an answer'))
      sent.end(body)
    })
  }
}

/** A kept connection that the receiver closed while the request was on its way: see `request.reusedSocket` in Node's documentation. */
function isClosedBefore(request: ClientRequest, error: Error): boolean {
  return request.reusedSocket && (error as NodeJS.ErrnoException).code === 'ECONNRESET'
}

function lastOutcome(outcome: AttemptOutcome | 'closed before'): AttemptOutcome {
  return outcome === 'closed before'
    ? { delivered: false, detail: 'the connection was closed without an answer' }
    : outcome
}

function outcomeOf(status: number, headers: IncomingHttpHeaders, nowMs: number): AttemptOutcome {
  if (status >= 200 && status < 300) return { delivered: true, status }
  const isRedirect = status >= 300 && status < 400
  const detail = `the answer was ${status}${isRedirect ? ': redirects are not followed' : ''}`
  const isThrottled = status === 429 || status === 503
  const retryAfterMs = isThrottled ? retryAfter(headers['retry-after'], nowMs) : undefined
  return { delivered: false, status, detail, ...(retryAfterMs !== undefined && { retryAfterMs }) }
}

/** Seconds or a date (RFC 9110, section 10.2.3). */
function retryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined
  const ms = /^\d{1,9}$/.test(header) ? Number(header) * 1000 : Date.parse(header) - nowMs
  return ms > 0 ? ms : undefined
}

/** Looks names up for a connection; fails when any address may not be reached, rather than choose another. */
function guardedLookup({ policy, resolve }: Required<WebhookClientOptions>): LookupFunction {
  const checked = async (hostname: string): Promise<LookupAddress[]> => {
    const found = await resolve(hostname)
    for (const { address } of found) {
      const range = forbiddenRange(address, policy.networks)
      if (range !== undefined)
        throw new Error(`${hostname} is ${address}, which may not be reached: ${range}`)
    }
    return [...found]
  }
  return (hostname, options, callback) => {
    checked(hostname).then(
      (found) => {
        // With `autoSelectFamily`, the default, Node asks for all of them.
        if (options.all === true) callback(null, found)
        else callback(null, found[0]!.address, found[0]!.family)
      },
      (error: Error) => callback(error, []),
    )
  }
}

/**
 * Names by DNS alone: `dns.lookup` waits in libuv's pool, whose four threads also sync the log, and a dead DNS server
 * would hold up acknowledgements. So /etc/hosts is not read; `localhost` is what RFC 6761 says.
 */
function dnsResolve(): Resolve {
  const resolver = new dns.Resolver(dnsTimeout)
  return async (hostname) => {
    if (/^(.+\.)?localhost\.?$/.test(hostname)) {
      return [
        { address: '127.0.0.1', family: 4 },
        { address: '::1', family: 6 },
      ]
    }
    const [four, six] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)])
    const found = [
      ...(four.status === 'fulfilled' ? four.value.map((address) => ({ address, family: 4 })) : []),
      ...(six.status === 'fulfilled' ? six.value.map((address) => ({ address, family: 6 })) : []),
    ]
    if (found.length === 0)
      throw four.status === 'rejected' ? four.reason : new Error(`${hostname} has no address`)
    return found
  }
}
