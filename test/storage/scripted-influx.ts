import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** An answer to one write. */
export type ScriptedAnswer = (response: ServerResponse, body: string) => void

export interface ScriptedInflux {
  readonly url: string
  /** Bodies of all writes, in the order they came, and where they went. */
  readonly writes: string[]
  readonly writePaths: string[]
  /** `METHOD path?query` of everything that was no write. */
  readonly others: string[]
  /** Takes the place of the usual answer to whatever is no write, when it returns true. */
  answerOther: (path: string, response: ServerResponse, body: string) => boolean
}

export function answer(status: number, body = '', headers: Record<string, string> = {}): ScriptedAnswer {
  return (response) => response.writeHead(status, headers).end(body)
}

/**
 * A database that gives the answers that a real one cannot be made to give: `script` answers the writes one by one,
 * and after its end all are taken; one that is no list answers each. Stopped when the test ends.
 */
export async function startScriptedInflux(
  version: '1' | '2',
  script: readonly ScriptedAnswer[] | ScriptedAnswer = [],
): Promise<ScriptedInflux> {
  const left = typeof script === 'function' ? [] : [...script]
  const server = createServer(async (request, response) => {
    const body = await textOf(request)
    const url = request.url ?? ''
    if (/^\/(api\/v2\/)?write/.test(url)) {
      scripted.writes.push(body)
      scripted.writePaths.push(url)
      const next = typeof script === 'function' ? script : (left.shift() ?? answer(204))
      next(response, body)
      return
    }
    scripted.others.push(`${request.method} ${decodeURIComponent(url)}`)
    if (scripted.answerOther(url, response, body)) return
    if (url === '/ping') {
      const reported = version === '1' ? '1.6.7' : 'v2.7.5'
      response.writeHead(204, { 'x-influxdb-version': reported }).end()
    } else if (url.startsWith('/api/v2/orgs')) json(response, 200, { orgs: [{ id: 'org-id' }] })
    else if (url.startsWith('/api/v2/buckets')) json(response, 201, {})
    else if (url.startsWith('/api/v2/delete')) response.writeHead(204).end()
    else json(response, 200, { results: [{ statement_id: 0 }] })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  const { port } = server.address() as AddressInfo
  const scripted: ScriptedInflux = {
    url: `http://127.0.0.1:${port}`,
    writes: [],
    writePaths: [],
    others: [],
    answerOther: () => false,
  }
  return scripted
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) text += chunk
  return text
}
