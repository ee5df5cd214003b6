import { readFileSync } from 'node:fs'
import type { Server as HttpServer, IncomingMessage } from 'node:http'
import net, { type AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import tls from 'node:tls'
import { createWebSocketStream, WebSocketServer } from 'ws'
import { messageOf, TidemarkError } from '../lib/errors.ts'

export type Accept = (conn: Duplex, address: string, request?: IncomingMessage) => void

export interface Listener {
  readonly port: number
  /** Stops accepting; open connections go on. */
  close(): Promise<void>
}

export interface TlsFiles {
  readonly cert: string
  readonly key: string
  /** When given, clients must show a certificate of this authority, whose common name is their client id. */
  readonly ca?: string | undefined
}

/** MQTT over TCP. */
export function listenTcp(host: string, port: number, accept: Accept): Promise<Listener> {
  const server = net.createServer({ noDelay: true }, (socket) => accept(socket, socket.remoteAddress ?? ''))
  return listen(server, host, port)
}

/** MQTT over TLS. */
export function listenTls(host: string, port: number, files: TlsFiles, accept: Accept): Promise<Listener> {
  const options: tls.TlsOptions = {
    cert: readFileSync(files.cert),
    key: readFileSync(files.key),
    minVersion: 'TLSv1.2',
    noDelay: true,
    ...(files.ca === undefined
      ? {}
      : { ca: readFileSync(files.ca), requestCert: true, rejectUnauthorized: true }),
  }
  const server = tls.createServer(options, (socket) => accept(socket, socket.remoteAddress ?? ''))
  return listen(server, host, port)
}

/** MQTT over WebSocket, at `/mqtt` of the HTTP server. */
export function attachWebSocket(server: HttpServer, packetBytesMax: number, accept: Accept): Listener {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: packetBytesMax,
    perMessageDeflate: false,
    // [MQTT-6.0.0-4]
    handleProtocols: (protocols) =>
      protocols.has('mqtt') ? 'mqtt' : protocols.has('mqttv3.1') ? 'mqttv3.1' : false,
  })
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (new URL(request.url ?? '/', 'http://localhost').pathname !== '/mqtt') {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n')
      return
    }
    sockets.handleUpgrade(request, socket, head, (ws) => {
      accept(createWebSocketStream(ws), request.socket.remoteAddress ?? '', request)
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
