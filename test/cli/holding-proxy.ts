import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export interface HoldingProxy {
  readonly url: string
  /** Once somebody has asked for what is held. */
  readonly asked: Promise<void>
}

/** A platform behind a proxy that never answers what begins with `held`, as one that hangs; gone when the test ends. */
export async function holdingProxy(platformUrl: string, held: string): Promise<HoldingProxy> {
  const server = createServer(async (request, response) => {
    if (request.url?.startsWith(held)) return void server.emit('held')
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { authorization = '', 'content-type': type } = request.headers
    const answer = await fetch(`${platformUrl}${request.url}`, {
      method: request.method!,
      headers: { authorization, ...(type === undefined ? {} : { 'content-type': type }) },
      ...(chunks.length === 0 ? {} : { body: Buffer.concat(chunks) }),
    })
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/plain' })
    response.end(Buffer.from(await answer.arrayBuffer()))
  })
  const asked = once(server, 'held').then(() => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}
