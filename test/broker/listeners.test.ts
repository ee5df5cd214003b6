import { createServer, type Server } from 'node:http'
import net, { type AddressInfo } from 'node:net'
import tls from 'node:tls'
import { connectAsync } from 'mqtt'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { hasOpenssl, newCertificates } from '../support/certificates.ts'
import { type LiveBroker, startBroker } from './live-broker.ts'
import { poll, publish, RawClient } from './raw-client.ts'

const telemetry = 'v1/devices/me/telemetry'

describe.skipIf(!hasOpenssl)('TLS', () => {
  const { file, read, remove, makeAuthority, makeCertificate } = newCertificates()

  beforeAll(() => {
    for (const name of ['authority', 'stranger']) makeAuthority(name)
    makeCertificate('server', '/CN=localhost', 'authority')
    makeCertificate('d1', '/CN=d1', 'authority')
    makeCertificate('two', '/CN=d1/CN=d2', 'authority')
    makeCertificate('none', '/O=d1', 'authority')
    makeCertificate('forged', '/CN=d1', 'stranger')
    makeCertificate('expired', '/CN=d1', 'authority', -1)
  })
  afterAll(remove)

  const start = (withClients: boolean) => {
    const ca = withClients ? file('authority.pem') : undefined
    return startBroker({ mqttsPort: 0, tls: { cert: file('server.pem'), key: file('server.key'), ca } })
  }
  const open = (live: LiveBroker, certificate?: string, options: tls.ConnectionOptions = {}) => {
    const shown =
      certificate === undefined ? {} : { cert: read(`${certificate}.pem`), key: read(`${certificate}.key`) }
    const ca = read('authority.pem')
    return new RawClient(
      tls.connect({
        port: live.tlsPort!,
        host: 'localhost',
        servername: 'localhost',
        ca,
        ...shown,
        ...options,
      }),
    )
  }
  const login = (live: LiveBroker, client: RawClient, id = 'd1') =>
    client.login({ clientId: id, username: id, password: live.secret(id) })

  test('a device connects, publishes and is acknowledged', async () => {
    const live = await start(false)
    const client = await connectAsync(`mqtts://localhost:${live.tlsPort}`, {
      ca: read('authority.pem'),
      clientId: 'd1',
      username: 'd1',
      password: live.secret('d1'),
    })
    await client.publishAsync(telemetry, 'over TLS', { qos: 1 })
    expect(live.messages()).toEqual([{ device: 'd1', topic: 1, payload: 'over TLS' }])
    await client.endAsync()
  })

  test('with client certificates, one whose common name is the client id is accepted and acknowledged', async () => {
    const live = await start(true)
    const client = open(live, 'd1')
    expect((await login(live, client)).returnCode).toBe(0)
    client.send(publish(telemetry, 'with a certificate', 1))
    await client.expectCount('puback', 1)
  })

  test.each([
    ['of another device', 'd1', 'd2'],
    ['with two common names', 'two', 'd1'],
    ['without one', 'none', 'd1'],
  ])('a certificate %s is refused with code 5, whatever the secret', async (_name, certificate, id) => {
    const live = await start(true)
    const client = open(live, certificate)
    expect((await login(live, client, id)).returnCode).toBe(5)
    await client.expectClosed()
    expect(live.codes()).toEqual(['TIDEMARK_CERTIFICATE_NAME'])
  })

  test('the secret is needed beside the certificate', async () => {
    const live = await start(true)
    expect(
      (await open(live, 'd1').login({ clientId: 'd1', username: 'd1', password: 'wrong' })).returnCode,
    ).toBe(5)
  })

  test('an operator needs a certificate with its client id too', async () => {
    const live = await start(true)
    const credentials = { username: 'api', password: live.token('read') }
    expect((await open(live, 'd1').login({ clientId: 'dashboard', ...credentials })).returnCode).toBe(5)
  })

  test.each([
    ['of another authority', 'forged'],
    ['that has expired', 'expired'],
    ['that is missing', undefined],
  ])('a certificate %s gets no CONNACK', async (_name, certificate) => {
    const live = await start(true)
    const client = open(live, certificate)
    // With all that would let it in: without CONNECT it would be closed whatever it shows.
    await expect(login(live, client)).rejects.toThrow()
    expect(client.received).toEqual([])
  })

  test('TLS 1.0 and 1.1 are refused, and 1.2 is not', async () => {
    const live = await start(false)
    const only = (version: tls.SecureVersion) =>
      open(live, undefined, {
        minVersion: version,
        maxVersion: version,
        ciphers: 'DEFAULT@SECLEVEL=0',
      })
    for (const version of ['TLSv1', 'TLSv1.1'] as const)
      await expect(login(live, only(version))).rejects.toThrow()
    expect((await login(live, only('TLSv1.2'))).returnCode).toBe(0)
  })

  test('a connection that does not finish its handshake is closed, and counts until then', async () => {
    const { cert, key } = { cert: file('server.pem'), key: file('server.key') }
    const live = await startBroker({ mqttsPort: 0, tls: { cert, key }, connectionsMax: 2 })
    const idle = [RawClient.open(live.tlsPort!), RawClient.open(live.tlsPort!)]
    await expect
      .poll(() => idle.every(({ conn }) => (conn as net.Socket).readyState === 'open'), poll)
      .toBe(true)
    await RawClient.open(live.port).expectClosed()
    expect(live.codes()).toEqual(['TIDEMARK_CONNECTION_LIMIT'])
    for (const client of idle) await client.expectClosed()
    await (await live.connect('d1')).roundTrip()
  })
})

describe('WebSocket', () => {
  async function serve(options: Parameters<typeof startBroker>[0] = {}) {
    const server: Server = createServer((_request, response) => response.end('http'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const live = await startBroker(options)
    live.broker.attach(server)
    const { port } = server.address() as AddressInfo
    return { live, server, port, url: `ws://127.0.0.1:${port}` }
  }
  const upgrade = (path: string) =>
    `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'

  test('a device connects at /mqtt, publishes and is acknowledged', async () => {
    const { live, url } = await serve()
    const credentials = { clientId: 'd1', username: 'd1', password: live.secret('d1') }
    const client = await connectAsync(`${url}/mqtt`, credentials)
    await client.publishAsync(telemetry, 'over WebSocket', { qos: 1 })
    await client.publishAsync(telemetry, 'and once', { qos: 2 })
    expect(live.messages().map(({ payload }) => payload)).toEqual(['over WebSocket', 'and once'])
    await client.endAsync()
  })

  test('a frame larger than several packets ends the connection', async () => {
    const { url } = await serve()
    const socket = new WebSocket(`${url}/mqtt`, 'mqtt')
    socket.on('error', () => undefined)
    socket.on('open', () => socket.send(Buffer.alloc(300_000)))
    await expect.poll(() => socket.readyState, poll).toBe(WebSocket.CLOSED)
  })

  test.each(['/', '//', '/mqttx', '/mqtt/x', '*', 'http://[', '/%zz'])(
    'an upgrade at %s is answered with 404, and the server goes on',
    async (path) => {
      const { port, live, url } = await serve()
      const socket = net.connect(port, '127.0.0.1')
      let answer = ''
      socket.on('data', (bytes) => {
        answer += bytes
      })
      socket.on('error', () => undefined)
      socket.write(upgrade(path))
      await expect.poll(() => answer, poll).toContain('HTTP/1.1 404')
      socket.destroy()
      const credentials = { clientId: 'd1', username: 'd1', password: live.secret('d1') }
      await (await connectAsync(`${url}/mqtt?x=1`, credentials)).endAsync()
    },
  )

  test('a connection counts towards the limit, and one too many is refused', async () => {
    const { url, live } = await serve({ connectionsMax: 1 })
    const first = new WebSocket(`${url}/mqtt`, 'mqtt')
    onTestFinished(() => first.terminate())
    await expect.poll(() => first.readyState, poll).toBe(WebSocket.OPEN)
    const second = new WebSocket(`${url}/mqtt`, 'mqtt')
    second.on('error', () => undefined)
    await expect.poll(() => second.readyState, poll).toBe(WebSocket.CLOSED)
    expect(live.codes()).toEqual(['TIDEMARK_CONNECTION_LIMIT'])
  })
})

describe('connection limits', () => {
  test('an address that is not loopback has its own limit', async () => {
    const server = createServer()
    // Tests stay on loopback, so the address is what the connection says it is.
    let address = '10.0.0.1'
    server.on('connection', (socket) => {
      Object.defineProperty(socket, 'remoteAddress', { value: address })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const live = await startBroker({ connectionsPerAddressMax: 2 })
    live.broker.attach(server)
    const open = async (expected: number) => {
      const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/mqtt`, 'mqtt')
      onTestFinished(() => socket.terminate())
      socket.on('error', () => undefined)
      await expect.poll(() => socket.readyState, poll).toBe(expected)
      return socket
    }
    const first = await open(WebSocket.OPEN)
    await open(WebSocket.OPEN)
    await open(WebSocket.CLOSED)
    expect(live.codes()).toEqual(['TIDEMARK_CONNECTION_LIMIT'])
    address = '10.0.0.2'
    await open(WebSocket.OPEN)
    address = '10.0.0.1'
    first.close()
    await expect.poll(() => first.readyState, poll).toBe(WebSocket.CLOSED)
    await open(WebSocket.OPEN)
  })

  test('one too many in all is closed, and there is room again when one leaves', async () => {
    const { connect, port, codes } = await startBroker({ connectionsMax: 2 })
    const [first] = [await connect('d1'), await connect('d2')]
    await RawClient.open(port).expectClosed()
    expect(codes()).toEqual(['TIDEMARK_CONNECTION_LIMIT'])
    first!.send({ cmd: 'disconnect' })
    await first!.expectClosed()
    await (await connect('d1')).roundTrip()
  })

  test('loopback has no limit for one address', async () => {
    const { connect } = await startBroker({ connectionsPerAddressMax: 1 })
    for (const id of ['d1', 'd2']) await (await connect(id)).roundTrip()
  })
})

test('a port that is taken is told with a code', async () => {
  const { port } = await startBroker()
  await expect(startBroker({ mqttPort: port })).rejects.toMatchObject({ code: 'TIDEMARK_LISTEN' })
})
