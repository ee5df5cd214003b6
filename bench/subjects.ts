import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { delay } from '../lib/clock.ts'
import { ApiClient } from '../simulators/api-client.ts'
import { benchMetrics, installedRules } from './installed-rules.ts'
import { freePort } from './services/free-port.ts'
import type { Influxd } from './services/influxd.ts'
import { startMosquitto } from './services/mosquitto.ts'

/** What is measured: a broker to send to, and a way to know how much has reached the database. */
export interface Subject {
  readonly url: string
  /** Flags of the generator. */
  readonly generatorFlags: readonly string[]
  /** Its processes by name, without generator and database. */
  readonly pids: Readonly<Record<string, number>>
  /** Messages that reached the database, counted by a query; undefined for a broker alone. */
  stored(): Promise<number | undefined>
  /** Waits until nothing is left to do; resolves with when the last message reached the database, Unix ms. */
  finished(): Promise<number>
  /** Groups that the platform acknowledged so far; 0 for the others. */
  groupsAcknowledged(): Promise<number>
  stop(): Promise<void>
}

const dist = join(import.meta.dirname, '..')
const adminToken = 'bench-admin-token'
const pollMs = 10
const settleMsMax = 120_000
const silenceMs = 3_000

export async function bareMosquitto(): Promise<Subject> {
  const mosquitto = await startMosquitto()
  return {
    url: mosquitto.url,
    generatorFlags: ['--anonymous'],
    pids: { mosquitto: mosquitto.pid },
    stored: async () => undefined,
    finished: async () => Date.now(),
    groupsAcknowledged: async () => 0,
    stop: mosquitto.stop,
  }
}

/** The platform's own faces, beside those of any subject. */
export interface Platform extends Subject {
  readonly httpUrl: string
  readonly adminToken: string
}

export interface PlatformOptions {
  readonly profileDir?: string | undefined
  /** Enabled threshold rules, in turn over the metrics; one for each metric without it. */
  readonly rules?: number | undefined
  /** Flags of the limits on devices; the one on their rate is lifted without them, or it alone would be measured. */
  readonly limits?: readonly string[]
}

/** The platform with enabled threshold rules, storing into InfluxDB. */
export async function tidemark(influxd: Influxd, options: PlatformOptions = {}): Promise<Platform> {
  const { profileDir, rules = benchMetrics.length, limits = ['--device-rate-max', '0'] } = options
  const dir = mkdtempSync(join(tmpdir(), 'tidemark-bench-'))
  const [mqttPort, httpPort] = [await freePort(), await freePort()]
  const ports = ['--mqtt-port', String(mqttPort), '--http-port', String(httpPort), '--data-dir', dir]
  const store = ['--store', 'influxdb', '--influx-url', influxd.url]
  const others = ['--log-level', 'warn', '--admin-token', adminToken]
  const profiling = profileDir === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profileDir]
  // What is run; in a profile its modules, so that each function has its file.
  const program = profileDir === undefined ? 'bin/tidemark.js' : 'cli/main.js'
  const child = await started(
    [...profiling, join(dist, program), 'start', ...ports, ...store, ...limits, ...others],
    'Tidemark is running',
  )
  const httpUrl = `http://127.0.0.1:${httpPort}`
  const api = new ApiClient(httpUrl, adminToken)
  for (const rule of installedRules(rules)) await api.request('POST', '/rules', rule)
  const pending = async () =>
    (await api.request<{ messages: { pending: number } }>('GET', '/stats')).messages.pending
  return {
    url: `mqtt://127.0.0.1:${mqttPort}`,
    generatorFlags: ['--api', httpUrl, '--token', adminToken],
    pids: { tidemark: child.pid ?? 0 },
    stored: () => storedIn(influxd),
    finished: async () => {
      const until = Date.now() + settleMsMax
      while ((await pending()) > 0 && Date.now() < until) await delay(pollMs)
      return Date.now()
    },
    groupsAcknowledged: async () => {
      const metrics = await (await fetch(`${httpUrl}/metrics`)).text()
      return Number(/^tidemark_ack_seconds_count (\d+)$/m.exec(metrics)?.[1])
    },
    httpUrl,
    adminToken,
    stop: async () => {
      await ended(child)
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** Mosquitto, a subscriber and the InfluxDB client's write API; `settings` tune Mosquitto. */
export async function doItYourself(influxd: Influxd, settings: readonly string[]): Promise<Subject> {
  const mosquitto = await startMosquitto(settings)
  const child = await started([join(dist, 'bench/diy-subscriber.js'), mosquitto.url, influxd.url], 'ready')
  return {
    url: mosquitto.url,
    generatorFlags: ['--anonymous'],
    pids: { mosquitto: mosquitto.pid, subscriber: child.pid ?? 0 },
    stored: () => storedIn(influxd),
    // It has no way to say that it is done: it is when nothing has arrived for thrice its flush interval.
    finished: async () => {
      const until = Date.now() + settleMsMax
      let last = -1
      let lastRiseAt = Date.now()
      while (Date.now() - lastRiseAt < silenceMs && Date.now() < until) {
        const written = await influxd.pointsWritten()
        if (written !== last) lastRiseAt = Date.now()
        last = written
        await delay(pollMs)
      }
      return lastRiseAt
    },
    groupsAcknowledged: async () => 0,
    stop: async () => {
      await ended(child)
      await mosquitto.stop()
    },
  }
}

async function storedIn(influxd: Influxd): Promise<number> {
  const [row] = await influxd.query('SELECT count(voltage_v) FROM smart_meter')
  return (row?.[1] as number | undefined) ?? 0
}

function started(command: readonly string[], word: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] })
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => chunk.toString().includes(word) && resolve(child))
    child.once('exit', (code) => reject(new Error(`${command[0]} ended with ${code}`)))
  })
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.kill('SIGTERM')
  })
}
