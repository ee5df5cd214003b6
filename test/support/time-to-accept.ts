import net from 'node:net'
import { delay } from '../../lib/clock.ts'
import type { PlatformProcess } from './platform-process.ts'

const lookMs = 5

/** Starts a platform again that has ended; the time until it took the first connection of MQTT, ms. */
export async function restartedWithin(platform: PlatformProcess): Promise<number> {
  const startedAt = performance.now()
  const { hostname, port } = new URL(platform.mqttUrl)
  let isStarting = true
  const restarted = platform.restart().finally(() => {
    isStarting = false
  })
  const accepted = async () => {
    while (isStarting && !(await accepts(hostname, Number(port)))) await delay(lookMs)
    return performance.now() - startedAt
  }
  const [acceptsMs] = await Promise.all([accepted(), restarted])
  return Math.round(acceptsMs)
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port })
    const told = (isAccepted: boolean) => {
      socket.destroy()
      resolve(isAccepted)
    }
    socket.once('connect', () => told(true)).once('error', () => told(false))
  })
}
