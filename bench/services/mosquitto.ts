import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'

export interface Mosquitto {
  readonly url: string
  readonly pid: number
  stop(): Promise<void>
}

/** Debian puts it where a user's PATH does not look. */
const path = `${process.env.PATH}:/usr/sbin`

/** Starts Mosquitto on a free port for anybody; `settings` are further lines of its configuration. */
export async function startMosquitto(settings: readonly string[] = []): Promise<Mosquitto> {
  const dir = mkdtempSync(join(tmpdir(), 'tidemark-mosquitto-'))
  const port = await freePort()
  const config = join(dir, 'mosquitto.conf')
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'persistence false',
    'log_type none',
    ...settings,
  ]
  writeFileSync(config, `${lines.join('\n')}\n`)
  const child = spawn('mosquitto', ['-c', config], { stdio: 'ignore', env: { ...process.env, PATH: path } })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const until = Date.now() + 10_000
  while (!(await accepts(port))) {
    if (Date.now() > until) throw new Error('mosquitto did not start')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return {
    url: `mqtt://127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    stop: async () => {
      child.kill('SIGTERM')
      await ended
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
