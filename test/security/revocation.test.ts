import { createServer } from 'node:http'
import net, { type AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import tls from 'node:tls'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { createWebSocketStream, WebSocket } from 'ws'
import { type LiveBroker, startBroker } from '../broker/live-broker.ts'
import { type ConnectOptions, poll, RawClient, serverSockets } from '../broker/raw-client.ts'
import { appendEvents, eventOf, startApi } from '../http/api.ts'
import { hasOpenssl, newCertificates } from '../support/certificates.ts'

const transports = hasOpenssl ? (['TCP', 'TLS', 'WebSocket'] as const) : (['TCP', 'WebSocket'] as const)
const certificates = newCertificates()
beforeAll(() => {
  if (!hasOpenssl) return
  certificates.makeAuthority('authority')
  certificates.makeCertificate('server', '/CN=localhost', 'authority')
})
afterAll(certificates.remove)

/** A broker that listens on every transport, and what connects over one of them. */
async function everywhere() {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const files = { cert: certificates.file('server.pem'), key: certificates.file('server.key') }
  const live = await startBroker({
    ...(hasOpenssl && { mqttsPort: 0, tls: files }),
    deviceIds: ['tcp', 'tls', 'websocket', 'other'],
  })
  live.broker.attach(server)
  const open = {
    TCP: () => net.connect(live.port, '127.0.0.1'),
    TLS: () => tls.connect({ port: live.tlsPort!, host: '127.0.0.1', rejectUnauthorized: false }),
    WebSocket: () => {
      const { port } = server.address() as AddressInfo
      const socket = new WebSocket(`ws://127.0.0.1:${port}/mqtt`, 'mqtt')
      const stream = createWebSocketStream(socket)
      // By itself it ends only what it reads.
      socket.on('close', () => stream.destroy())
      return stream
    },
  }
  const connect = async (transport: keyof typeof open, options: ConnectOptions) => {
    const client = new RawClient(open[transport]())
    expect((await client.login(options)).returnCode).toBe(0)
    return client
  }
  return { live, connect }
}

const asDevice = (live: LiveBroker, id: string) => ({
  clientId: id,
  username: id,
  password: live.secret(id),
})
const allClosed = (clients: readonly RawClient[]) =>
  expect.poll(() => clients.map(({ isClosed }) => isClosed), poll).toEqual(clients.map(() => true))

describe('a device', () => {
  test.each([
    ['that is removed', (live: LiveBroker, id: string) => live.devices.remove(id)],
    ['whose secret is renewed', (live: LiveBroker, id: string) => live.devices.rotateSecret(id)],
  ])('%s is disconnected, over each transport, and others are not', async (_name, revoke) => {
    const { live, connect } = await everywhere()
    const other = await connect('TCP', asDevice(live, 'other'))
    const revoked: RawClient[] = []
    for (const transport of transports) {
      const id = transport.toLowerCase()
      revoked.push(await connect(transport, asDevice(live, id)))
      await revoke(live, id)
    }
    await allClosed(revoked)
    await other.roundTrip()
  })

  test('is disconnected also where it does not read what it was sent', async () => {
    const live = await startBroker()
    const [socket] = await serverSockets(async () => {
      const device = await live.connect('d1')
      device.conn.pause()
    })
    // More than the kernel takes for a peer that does not read.
    socket!.write(Buffer.alloc(32 * 1024 * 1024))
    expect(socket!.writableNeedDrain).toBe(true)
    await live.devices.remove('d1')
    await expect.poll(() => socket!.closed, { timeout: 4_000 }).toBe(true)
  })
})

describe('the connections of a token', () => {
  const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString()

  test.each<[string, (live: LiveBroker, id: string) => Promise<unknown>]>([
    ['that is removed', (live, id) => live.tokens.remove(id)],
    ['that expires', (live, id) => live.tokens.update(id, { expiresAt: inSeconds(0.2) })],
    ['that gets another role', (live, id) => live.tokens.update(id, { role: 'operate' })],
  ])('%s end, over each transport, and those of others do not', async (_name, revoke) => {
    const { live, connect } = await everywhere()
    const { token, secret } = await live.tokens.create({ name: 'n', role: 'read', expiresAt: null })
    const other = await live.connect('other operator', { role: 'read' })
    const administrator = await live.connect('administrator', { role: 'admin' })
    const operators: RawClient[] = []
    for (const transport of transports) {
      const credentials = { clientId: `${transport} operator`, username: 'api', password: secret }
      operators.push(await connect(transport, credentials))
    }
    await other.subscribe({ 'events/#': 1 })
    await revoke(live, token.id)
    await allClosed(operators)
    await other.roundTrip()
    await administrator.roundTrip()
  })

  test('that ends publish no will', async () => {
    const live = await startBroker()
    const watcher = await live.connect('watcher', { role: 'admin' })
    await watcher.subscribe({ 'site/#': 1 })
    const { token, secret } = await live.tokens.create({ name: 'n', role: 'admin', expiresAt: null })
    const will = { topic: 'site/will', payload: Buffer.from('x'), qos: 1 as const, retain: false }
    const operator = await RawClient.connect(live.port, {
      ...{ clientId: 'operator', username: 'api', password: secret },
      will,
    })
    await live.tokens.remove(token.id)
    await operator.expectClosed()
    await watcher.roundTrip()
    expect(watcher.payloads()).toEqual([])
  })
})

describe('the streams of a token', () => {
  const paths = ['events/stream', 'analytics/stream?type=fridge&metric=temperature_c']

  /** A bare client of each stream. */
  async function streaming() {
    const api = await startApi()
    const { port } = await api.http.listen('127.0.0.1', 0)
    const open = async (path: string, secret: string) => {
      const socket = net.connect(port, '127.0.0.1')
      onTestFinished(() => void socket.destroy())
      let answer = ''
      socket.on('data', (bytes) => {
        answer += bytes
      })
      socket.on('error', () => undefined)
      socket.write(`GET /api/v1/${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${secret}\r\n\r\n`)
      await expect.poll(() => answer, poll).toContain('retry: 2000')
      return socket
    }
    const create = async () => {
      const expiresAt = new Date(api.clock.now() + 60_000).toISOString()
      return api.tokens.create({ name: 'n', role: 'read', expiresAt })
    }
    return { api, open, create }
  }

  test('end when it is removed and when it expires, and those of others do not', async () => {
    const { api, open, create } = await streaming()
    const [removed, expiring] = [await create(), await create()]
    const opened = (secret: string) => Promise.all(paths.map((path) => open(path, secret)))
    const [ofRemoved, ofExpiring] = [await opened(removed.secret), await opened(expiring.secret)]
    const others = await opened(api.adminToken)
    await api.tokens.remove(removed.token.id)
    await expect.poll(() => ofRemoved.every(({ closed }) => closed), poll).toBe(true)
    expect(ofExpiring.map(({ closed }) => closed)).toEqual([false, false])
    api.setNow(api.clock.now() + 60_000)
    await expect.poll(() => ofExpiring.every(({ closed }) => closed), poll).toBe(true)
    expect(others.map(({ closed }) => closed)).toEqual([false, false])
  })

  test('end also where their client does not read', async () => {
    const { api, open, create } = await streaming()
    const { token, secret } = await create()
    const [served] = await serverSockets(async () => (await open('events/stream', secret)).pause())
    const event = eventOf(1)
    const large = { ...event, data: { ...event.data, message: 'x'.repeat(100_000) } }
    await appendEvents(
      api.log,
      Array.from({ length: 200 }, () => large),
    )
    await expect.poll(() => served!.writableNeedDrain, poll).toBe(true)
    await api.tokens.remove(token.id)
    await expect.poll(() => served!.closed, poll).toBe(true)
  })

  test('are not looked after once the server has closed, though they still wait for the log', async () => {
    const { api, open } = await streaming()
    let ring = () => {}
    const waiting = new Promise<void>((resolve) => {
      ring = resolve
    })
    const waitFor = vi.spyOn(api.log, 'waitFor').mockReturnValue(waiting)
    await open('events/stream', api.adminToken)
    await expect.poll(() => waitFor.mock.calls.length, poll).toBe(1)
    const stands = vi.spyOn(api.tokens, 'stands')
    await expect.poll(() => stands.mock.calls.length, poll).toBeGreaterThan(0)
    await api.http.close()
    stands.mockClear()
    await delay(1_200)
    expect(stands).not.toHaveBeenCalled()
    ring()
  })
})
