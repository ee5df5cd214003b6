import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Server as HttpServer, IncomingMessage } from 'node:http'
import net, { type AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import tls from 'node:tls'
import { createWebSocketStream, WebSocketServer } from 'ws'
import { messageOf, TidemarkError } from '../lib/errors.ts'

/** Where connections go. */
export interface Door {
  /** A transport connection was made; false refuses it. Asked before any handshake, so that what is half open counts too. */
  admit(transport: Duplex, address: string): boolean
  /** It is ready for MQTT. `certificateName` is the common name of the client's certificate, where one is asked for. */
  accept(conn: Duplex, address: string, certificateName?: string): void
}

export interface Listener {
  readonly port: number
  /** Stops accepting; open connections go on. */
  close(): Promise<void>
}

export interface TlsListener extends Listener {
  /**
   * Reads the files again, for the connections that are made from then on; those that are open go on. Throws TIDEMARK_TLS_FILES, and what
   * was in use stays, where they do not fit together.
   */
  reload(): void
}

/** Paths of PEM files. */
export interface TlsFiles {
  readonly cert: string
  readonly key: string
  /** When given, clients must show a certificate of this authority, whose common name is their client id. */
  readonly ca?: string | undefined
}

const handshakeTimeoutMs = 5_000
/** [MQTT-6.0.0-2]: a frame may hold several packets. */
const packetsInFrameMax = 4

/** MQTT over TCP. */
export function listenTcp(host: string, port: number, door: Door): Promise<Listener> {
  const server = net.createServer({ noDelay: true }, (socket) => {
    const address = socket.remoteAddress ?? ''
    if (door.admit(socket, address)) door.accept(socket, address)
    else socket.destroy()
  })
  return listen(server, host, port)
}

/** MQTT over TLS. Throws TIDEMARK_TLS_FILES (exit code 2). */
export async function listenTls(
  host: string,
  port: number,
  files: TlsFiles,
  door: Door,
): Promise<TlsListener> {
  const asksCertificate = files.ca !== undefined
  const options: tls.TlsOptions = {
    ...readTlsFiles(files),
    noDelay: true,
    handshakeTimeout: handshakeTimeoutMs,
    requestCert: asksCertificate,
    rejectUnauthorized: asksCertificate,
  }
  const server = tls.createServer(options, (socket) => {
    door.accept(socket, socket.remoteAddress ?? '', asksCertificate ? commonName(socket) : undefined)
  })
  server.on('connection', (socket: net.Socket) => {
    if (!door.admit(socket, socket.remoteAddress ?? '')) socket.destroy()
  })
  // A handshake that fails or takes too long: Node tells, and leaves the socket open.
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  const listener = await listen(server, host, port)
  // With keys of its own for session tickets: what was let in before is not let in again without being judged.
  return { ...listener, reload: () => server.setSecureContext(readTlsFiles(files)) }
}

/** Also refuses what is half written, or a key of another certificate. */
function readTlsFiles({ cert, key, ca }: TlsFiles): tls.SecureContextOptions {
  try {
    const options: tls.SecureContextOptions = {
      cert: readFileSync(cert),
      key: readFileSync(key),
      minVersion: 'TLSv1.2',
      ...(ca !== undefined && { ca: checkedAuthorities(readFileSync(ca, 'utf8')) }),
    }
    tls.createSecureContext(options)
    return options
  } catch (error) {
    const names = [cert, key, ...(ca === undefined ? [] : [ca])].join(', ')
    throw new TidemarkError('TIDEMARK_TLS_FILES', `cannot use ${names}: ${messageOf(error)}`, {
      cause: error,
      exitCode: 2,
    })
  }
}

/** OpenSSL reads authorities up to the first that it cannot read, and says nothing. */
function checkedAuthorities(pem: string): string {
  const authorities = pem.split(/(?=-----BEGIN )/).filter((part) => part.startsWith('-----BEGIN '))
  if (authorities.length === 0) throw new Error('there is no certificate of an authority')
  for (const authority of authorities) new X509Certificate(authority)
  return pem
}

/** '' for a certificate without exactly one common name, which is no client's id. */
function commonName(socket: tls.TLSSocket): string {
  const name: unknown = socket.getPeerCertificate().subject?.CN
  return typeof name === 'string' ? name : ''
}

/** MQTT over WebSocket, at `/mqtt` of the HTTP server. */
export function attachWebSocket(server: HttpServer, packetBytesMax: number, door: Door): Listener {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: packetBytesMax * packetsInFrameMax,
    perMessageDeflate: false,
    // [MQTT-6.0.0-4]
    handleProtocols: (protocols) =>
      protocols.has('mqtt') ? 'mqtt' : protocols.has('mqttv3.1') ? 'mqttv3.1' : false,
  })
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const address = request.socket.remoteAddress ?? ''
    // Nobody else listens on a socket that was upgraded, and an error nobody hears ends the process.
    socket.on('error', () => socket.destroy())
    if (request.url?.split('?')[0] !== '/mqtt') {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n')
      return
    }
    if (!door.admit(socket, address)) {
      socket.destroy()
      return
    }
    sockets.handleUpgrade(request, socket, head, (ws) => {
      // [MQTT-6.0.0-1]
      ws.on('message', (_message, isBinary) => {
        if (!isBinary) ws.terminate()
      })
      door.accept(createWebSocketStream(ws), address)
    })
  }
  server.on('upgrade', onUpgrade)
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.off('upgrade', onUpgrade)
      sockets.close()
    },
  }
}

function listen(server: net.Server, host: string, port: number): Promise<Listener> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const message = `cannot listen on ${host}:${port}: ${messageOf(error)}`
      reject(new TidemarkError('TIDEMARK_LISTEN', message, { cause: error }))
    })
    server.listen(port, host, () => {
      resolve({
        port: (server.address() as AddressInfo).port,
        close: () => new Promise((done) => server.close(() => done())),
      })
    })
  })
}
