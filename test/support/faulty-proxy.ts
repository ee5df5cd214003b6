import { EventEmitter, once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { delay } from '../../lib/clock.ts'

/** What a network or the other side does; several at once where that makes sense. */
export interface Fault {
  /** Connections are taken and stay, and no byte passes until another fault is set. */
  readonly hangs?: boolean
  /** As `hangs`, for a connection whose client sends this text, and from there on. */
  readonly hangsAt?: string
  /** Every connection is ended with RST, new ones too. */
  readonly resets?: boolean
  /** Each piece waits so long, in both directions. */
  readonly delayMs?: number
  /** In each direction of a connection. */
  readonly bytesPerSecond?: number
  /** A connection ends after so many bytes of what is answered to its client. */
  readonly cutsAfterBytes?: number
}

export interface FaultyProxy {
  readonly port: number
  /** For connections that are there as for new ones; `{}` passes everything on. */
  set(fault: Fault): void
  /** Once a client has sent the text of `hangsAt`. */
  readonly hanging: Promise<void>
}

/** A TCP proxy before `target` (host and port of a URL), which can do to its connections what networks do. Ends with the test. */
export async function faultyProxy(target: string, first: Fault = {}): Promise<FaultyProxy> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  const happenings = new EventEmitter<{ set: []; hanging: [] }>().setMaxListeners(0)
  const hanging = once(happenings, 'hanging').then(() => undefined)
  let fault = first

  const tracked = (socket: Socket) => {
    sockets.add(socket)
    return socket.on('close', () => sockets.delete(socket)).on('error', () => undefined)
  }
  const pump = async (from: Socket, to: Socket, isAnswer: boolean) => {
    let passed = 0
    try {
      // Else its end would end the other direction too.
      const pieces: AsyncIterable<Buffer> = from.iterator({ destroyOnReturn: false })
      for await (const chunk of pieces) {
        if (!isAnswer && fault.hangsAt !== undefined && chunk.includes(fault.hangsAt)) {
          happenings.emit('hanging')
          return await once(from, 'close')
        }
        while (fault.hangs === true) await once(happenings, 'set')
        const { delayMs = 0, bytesPerSecond = Number.POSITIVE_INFINITY, cutsAfterBytes } = fault
        const waitMs = delayMs + (chunk.length / bytesPerSecond) * 1_000
        if (waitMs > 0) await delay(waitMs)
        const left = isAnswer && cutsAfterBytes !== undefined ? cutsAfterBytes - passed : chunk.length
        if (left < chunk.length) {
          from.destroy()
          return to.end(chunk.subarray(0, left))
        }
        passed += chunk.length
        if (!to.write(chunk)) await once(to, 'drain')
      }
      to.end()
    } catch {
      to.destroy()
    }
  }
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const client = tracked(socket)
    if (fault.resets === true) return void client.resetAndDestroy()
    const upstream = tracked(connect({ host: hostname, port: Number(port), allowHalfOpen: true }))
    client.on('close', () => upstream.destroy())
    upstream.on('error', () => client.resetAndDestroy())
    void pump(client, upstream, false)
    void pump(upstream, client, true)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const set = (next: Fault) => {
    fault = next
    happenings.emit('set')
    if (next.resets === true) for (const socket of sockets) socket.resetAndDestroy()
  }
  onTestFinished(async () => {
    server.close()
    set({ resets: true })
    await once(server, 'close')
  })
  return { port: (server.address() as AddressInfo).port, set, hanging }
}
