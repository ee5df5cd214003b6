import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'

export interface Influxd {
  readonly url: string
  readonly pid: number
  /** Ends the server; `start` brings it back on the same port with the same data. */
  stop(): Promise<void>
  start(): Promise<void>
  /** Ends the server and removes its data. */
  remove(): Promise<void>
  /** Rows of an InfluxQL query's first series, as the server itself answers. */
  query(statement: string): Promise<unknown[][]>
  /** Points in the write requests that it took since its start: a counter, so that asking often costs it nothing. */
  pointsWritten(): Promise<number>
}

/** Whether a real `influxd` is here; with CI=true its absence is a failure. */
export function influxdAvailable(): boolean {
  const found = spawnSync('influxd', ['version']).status === 0
  if (!found && process.env.CI === 'true') throw new Error('influxd is not installed')
  if (!found) process.stderr.write('skipping the suites of a real InfluxDB: influxd is not on the PATH\n')
  return found
}

/** Starts `influxd` 1.x on free ports with its data in a new folder. */
export async function startInfluxd(): Promise<Influxd> {
  const dir = mkdtempSync(join(tmpdir(), 'tidemark-influxd-'))
  const [httpPort, rpcPort] = [await freePort(), await freePort()]
  const config = join(dir, 'influxdb.conf')
  // `bind-address` must come first; without the limits at 0 a fleet of any size is cut off.
  writeFileSync(
    config,
    `reporting-disabled = true
bind-address = "127.0.0.1:${rpcPort}"
[meta]
  dir = "${dir}/meta"
[data]
  dir = "${dir}/data"
  wal-dir = "${dir}/wal"
  index-version = "tsi1"
  max-values-per-tag = 0
  max-series-per-database = 0
  query-log-enabled = false
[http]
  bind-address = "127.0.0.1:${httpPort}"
  log-enabled = false
[monitor]
  store-enabled = false
`,
  )
  const url = `http://127.0.0.1:${httpPort}`
  let child: ChildProcess | undefined
  const start = async () => {
    child = spawn('influxd', ['-config', config], { stdio: 'ignore' })
    const until = Date.now() + 20_000
    while (!(await answers(url))) {
      if (Date.now() > until) throw new Error('influxd did not start')
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  const stop = async () => {
    const running = child
    child = undefined
    if (running === undefined) return
    const ended = new Promise((resolve) => running.once('exit', resolve))
    running.kill('SIGKILL')
    await ended
  }
  await start()
  return {
    url,
    get pid() {
      return child?.pid ?? 0
    },
    start,
    stop,
    remove: async () => {
      await stop()
      rmSync(dir, { recursive: true, force: true })
    },
    query: async (statement) => {
      const path = `${url}/query?db=tidemark&epoch=ms&q=${encodeURIComponent(statement)}`
      const { results } = (await (await fetch(path)).json()) as {
        results: { series?: { values: unknown[][] }[] }[]
      }
      return results[0]?.series?.[0]?.values ?? []
    },
    pointsWritten: async () => {
      const statistics = (await (await fetch(`${url}/debug/vars`)).json()) as {
        write?: { values: { pointReq: number } }
      }
      return statistics.write?.values.pointReq ?? 0
    },
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/ping`)).status === 204
  } catch {
    return false
  }
}
