import { createHmac, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** One request as a receiver saw it. */
export interface Received {
  readonly id: string
  readonly headers: IncomingHttpHeaders
  readonly path: string
  readonly body: string
  // biome-ignore lint/suspicious/noExplicitAny: events and tests of webhooks alike
  readonly event: any
  /** How it was answered; none where it was not. */
  status?: number
}

/** How the `n`th request is answered, from 1: with a status, not at all (`undefined`), or by hand. */
export type Behaviour = (
  n: number,
  received: Received,
  response: ServerResponse,
) => number | undefined | 'by hand'

/** A real HTTP server on loopback that is up when the test says. */
export async function webhookReceiver(behave: Behaviour = () => 204) {
  const received: Received[] = []
  let count = 0
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const one: Received = {
      id: String(request.headers['webhook-id']),
      headers: request.headers,
      path: request.url!,
      body,
      event: JSON.parse(body),
    }
    received.push(one)
    const status = behave(++count, one, response)
    if (typeof status !== 'number') return
    one.status = status
    response.writeHead(status).end()
  })
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
  const down = async () => {
    if (!server.listening) return
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  const port = await listen(0)
  onTestFinished(down)
  return {
    url: `http://127.0.0.1:${port}/hook`,
    received,
    /** Those that were answered with success, in that order. */
    taken: () => received.filter(({ status }) => status !== undefined && status < 300),
    up: () => listen(port),
    down,
  }
}

/** Verifies as the Standard Webhooks specification says, with code of its own. */
export function isSigned({ headers, body }: Received, key: Buffer | string): boolean {
  const [version, signature = ''] = String(headers['webhook-signature']).split(',')
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
  const expected = createHmac('sha256', key).update(signed).digest()
  const given = Buffer.from(signature, 'base64')
  return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected)
}
