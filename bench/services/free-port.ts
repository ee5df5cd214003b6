import { randomInt } from 'node:crypto'
import net from 'node:net'

/**
 * Below the ports that systems give to outgoing connections (from 32768 on Linux, 49152 elsewhere: RFC 6335, section 6): one of those
 * can be taken by anybody's connection between the look and the use, or while a server is started again.
 */
const ports = { first: 12_000, end: 32_000 } as const
const attemptsMax = 100
/** Processes that look for ports at the same time begin in different places. */
let next = randomInt(ports.first, ports.end)

/** A port on loopback that nobody listens on, and that this process is not given again soon. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const port = next
    next = next + 1 === ports.end ? ports.first : next + 1
    if (await isFree(port)) return port
  }
  throw new Error(`none of ${attemptsMax} ports is free`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
