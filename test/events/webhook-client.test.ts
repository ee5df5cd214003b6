import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { type Resolve, WebhookClient } from '../../events/webhook-client.ts'
import { parseNetworks } from '../../lib/address-guard.ts'
import { wallClock } from '../../lib/clock.ts'
import { isSigned, webhookReceiver } from './webhook-receiver.ts'

const secret = 'a secret of sixteen or more'
const message = { id: 'event-1', body: '{"n":1}' }
const never = new AbortController().signal

function clientOf(
  given: { networks?: string; resolve?: Resolve; timeoutMs?: number; allowHttp?: boolean } = {},
) {
  const client = new WebhookClient({
    policy: { allowHttp: given.allowHttp ?? true, networks: parseNetworks(given.networks ?? '127.0.0.0/8')! },
    clock: wallClock,
    ...(given.resolve && { resolve: given.resolve }),
    ...(given.timeoutMs !== undefined && { timeoutMs: given.timeoutMs }),
  })
  onTestFinished(() => client.close())
  return { post: (url: string, signal = never) => client.post({ url, secret }, message, signal) }
}

/** A server that speaks as `serve` says. */
async function tcpPort(serve: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

test('posts the body with its id, the time, the signature and the type of CloudEvents', async () => {
  const receiver = await webhookReceiver()
  expect(await clientOf().post(receiver.url)).toEqual({ delivered: true, status: 204 })
  const [one] = receiver.received
  expect(one).toMatchObject({ id: 'event-1', body: '{"n":1}', path: '/hook' })
  expect(one!.headers['content-type']).toBe('application/cloudevents+json; charset=utf-8')
  expect(Math.abs(Number(one!.headers['webhook-timestamp']) - Date.now() / 1000)).toBeLessThan(60)
  expect([isSigned(one!, secret), isSigned(one!, 'another secret of theirs')]).toEqual([true, false])
})

test.each([200, 201, 202, 299])('%i is a delivery', async (status) => {
  const receiver = await webhookReceiver(() => status)
  expect(await clientOf().post(receiver.url)).toEqual({ delivered: true, status })
})

test.each([400, 401, 404, 410, 429, 500, 503])('%i is none', async (status) => {
  const receiver = await webhookReceiver(() => status)
  expect(await clientOf().post(receiver.url)).toEqual({
    ...{ delivered: false, status, detail: `the answer was ${status}` },
  })
})

test.each([301, 302, 303, 307, 308])('%i is not followed', async (status) => {
  const elsewhere = await webhookReceiver()
  const receiver = await webhookReceiver((_n, one, response) => {
    one.status = status
    response.writeHead(status, { location: elsewhere.url }).end()
    return 'by hand'
  })
  const outcome = await clientOf().post(receiver.url)
  expect(outcome).toMatchObject({ delivered: false, status, detail: expect.stringContaining('not followed') })
  expect(elsewhere.received).toEqual([])
})

test.each([
  [429, '7', 7_000],
  [503, '0', undefined],
  [503, 'soon', undefined],
  [500, '7', undefined],
])('%i with Retry-After %s asks for %s ms', async (status, header, expected) => {
  const receiver = await webhookReceiver((_n, _one, response) => {
    response.writeHead(status, { 'retry-after': header }).end()
    return 'by hand'
  })
  const outcome = await clientOf().post(receiver.url)
  expect(outcome.delivered === false && outcome.retryAfterMs).toBe(expected)
})

test('Retry-After may be a date', async () => {
  const receiver = await webhookReceiver((_n, _one, response) => {
    response.writeHead(503, { 'retry-after': new Date(Date.now() + 3_600_000).toUTCString() }).end()
    return 'by hand'
  })
  const outcome = await clientOf().post(receiver.url)
  const retryAfterMs = outcome.delivered ? 0 : (outcome.retryAfterMs ?? 0)
  expect(retryAfterMs).toBeGreaterThan(3_000_000)
  expect(retryAfterMs).toBeLessThanOrEqual(3_600_000)
})

test('a receiver that does not answer in time has failed', async () => {
  const receiver = await webhookReceiver(() => undefined)
  expect(await clientOf({ timeoutMs: 50 }).post(receiver.url)).toEqual({
    ...{ delivered: false, detail: 'no answer within 0.05 s' },
  })
})

test('an answer without end is cut off, and its status counts', async () => {
  let isCut = false
  const receiver = await webhookReceiver((_n, _one, response) => {
    response.writeHead(200)
    const pour = () => {
      while (!response.destroyed && response.write(Buffer.alloc(1024)));
    }
    response.on('drain', pour).on('close', () => {
      isCut = true
    })
    pour()
    return 'by hand'
  })
  // Not by the time-out: that would come long after this test's own.
  expect(await clientOf({ timeoutMs: 60_000 }).post(receiver.url)).toEqual({ delivered: true, status: 200 })
  await expect.poll(() => isCut).toBe(true)
}, 10_000)

test('nobody there, and a connection that is closed, are failures', async () => {
  const receiver = await webhookReceiver((_n, _one, response) => {
    response.destroy()
    return 'by hand'
  })
  expect(await clientOf().post(receiver.url)).toMatchObject({ delivered: false })
  await receiver.down()
  expect(await clientOf().post(receiver.url)).toMatchObject({
    ...{ delivered: false, detail: expect.stringContaining('ECONNREFUSED') },
  })
})

test('what is no HTTP is a failure', async () => {
  const port = await tcpPort((socket) => void socket.end('220 mail.example.com ESMTP\r\n'))
  expect(await clientOf().post(`http://127.0.0.1:${port}/`)).toMatchObject({ delivered: false })
})

test('a kept connection that the receiver has closed costs no attempt', async () => {
  let connections = 0
  let requests = 0
  const port = await tcpPort((socket) => {
    connections++
    let isFirst = true
    socket.on('data', () => {
      requests++
      // The first request of a connection is answered; the next finds it closed, as after an idle time-out.
      if (isFirst) socket.write('HTTP/1.1 204 No Content\r\n\r\n')
      else socket.resetAndDestroy()
      isFirst = false
    })
  })
  const { post } = clientOf()
  expect((await post(`http://127.0.0.1:${port}/`)).delivered).toBe(true)
  expect((await post(`http://127.0.0.1:${port}/`)).delivered).toBe(true)
  expect([connections, requests]).toEqual([2, 3])
})

test('an attempt that is called off ends at once', async () => {
  const calling = new AbortController()
  const receiver = await webhookReceiver(() => {
    calling.abort()
    return undefined
  })
  expect(await clientOf().post(receiver.url, calling.signal)).toMatchObject({ delivered: false })
})

test('a name that resolves to an address that may not be reached gets no connection', async () => {
  const receiver = await webhookReceiver()
  const { port } = new URL(receiver.url)
  const resolve: Resolve = async () => [{ address: '127.0.0.1', family: 4 }]
  const { post } = clientOf({ networks: '', resolve })
  expect(await post(`http://rebind.example.com:${port}/`)).toEqual({
    ...{ delivered: false, detail: 'rebind.example.com is 127.0.0.1, which may not be reached: loopback' },
  })
  expect(receiver.received).toEqual([])
  // The same name is reached where the network is allowed: it is the guard that refused.
  expect((await clientOf({ resolve }).post(`http://rebind.example.com:${port}/`)).delivered).toBe(true)
})

test('one address among several that may not be reached is enough', async () => {
  const receiver = await webhookReceiver()
  const { port } = new URL(receiver.url)
  const resolve: Resolve = async () => [
    { address: '127.0.0.1', family: 4 },
    { address: '169.254.169.254', family: 4 },
  ]
  expect(await clientOf({ resolve }).post(`http://both.example.com:${port}/`)).toMatchObject({
    ...{
      delivered: false,
      detail: expect.stringContaining('169.254.169.254, which may not be reached: linkLocal'),
    },
  })
  expect(receiver.received).toEqual([])
})

test('each connection is checked: a name that moves is refused from then on', async () => {
  const receiver = await webhookReceiver((_n, one, response) => {
    one.status = 200
    response.writeHead(200, { connection: 'close' }).end()
    return 'by hand'
  })
  const { port } = new URL(receiver.url)
  let address = '127.0.0.1'
  const { post } = clientOf({ networks: '127.0.0.1/32', resolve: async () => [{ address, family: 4 }] })
  expect((await post(`http://moves.example.com:${port}/`)).delivered).toBe(true)
  address = '127.0.0.2'
  expect(await post(`http://moves.example.com:${port}/`)).toMatchObject({ delivered: false })
  expect(receiver.received).toHaveLength(1)
})

test('an address in place of a name is checked too, though none is looked up', async () => {
  const receiver = await webhookReceiver()
  const resolve: Resolve = () => {
    throw new Error('nothing is to be looked up')
  }
  expect(await clientOf({ networks: '', resolve }).post(receiver.url)).toEqual({
    ...{ delivered: false, detail: '127.0.0.1 may not be reached: loopback' },
  })
  expect(receiver.received).toEqual([])
})

test('plain http that is allowed no more is not sent', async () => {
  const receiver = await webhookReceiver()
  const outcome = await clientOf({ allowHttp: false }).post(receiver.url)
  expect(outcome).toMatchObject({ delivered: false, detail: expect.stringContaining('http is not allowed') })
  expect(receiver.received).toEqual([])
})

test('localhost is loopback, without being looked up', async () => {
  const receiver = await webhookReceiver()
  const url = receiver.url.replace('127.0.0.1', 'localhost')
  expect(await clientOf({ networks: '' }).post(url)).toMatchObject({
    ...{ delivered: false, detail: 'localhost is 127.0.0.1, which may not be reached: loopback' },
  })
  expect((await clientOf({ networks: '127.0.0.1,::1' }).post(url)).delivered).toBe(true)
})
