import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { ApiClient } from '../../simulators/api-client.ts'

/** A client of a server on loopback that answers what a real platform cannot be made to; it ends with the test. */
export async function scriptedApi(answer: RequestListener): Promise<ApiClient> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return new ApiClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'token')
}
