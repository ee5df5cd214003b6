import { execFileSync, spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { messageLedger } from '../../http/ledger.ts'
import { delay } from '../../lib/clock.ts'
import { openLmdbLog } from '../../log/lmdb-log.ts'
import { DuckDbStore } from '../../storage/duckdb-store.ts'
import { watched } from '../cli/cli.ts'
import { startScriptedInflux } from '../storage/scripted-influx.ts'
import { changedBuild, replaceCode } from '../support/broken-build.ts'
import { tellFigures } from '../support/figures.ts'
import { type PlatformProcess, repositoryRoot, startPlatformProcess } from '../support/platform-process.ts'
import {
  loadMessagesPerSecond,
  nothingLost,
  platformUnderLoad,
  statsOf,
} from '../support/platform-under-load.ts'
import { sizeOf } from '../support/promises.ts'
import { batchOf } from '../support/reading-batches.ts'
import { tempDir } from '../support/temp-dir.ts'

/** R12: a signal under load ends in exit code 0 within 10 s, and nothing acknowledged is lost. */
const rounds = sizeOf('TIDEMARK_SHUTDOWNS')
const withinMs = 10_000
/** Within this time a repeated signal is npm's copy of a Ctrl-C, and no second one. */
const sameSignalMs = 2_000

/** Raised and cleared with every other message of the load, which counts them in this metric. */
const restless = {
  id: 'restless',
  name: 'restless',
  class: 'maintenance',
  severity: 'minor',
  select: { types: ['smart_meter'] },
  when: { kind: 'expression', cel: 'int(energy_import_kwh) % 2 == 0' },
}

/** Of a process that SIGKILL ended, also its own. */
const killed = null

/** Of a platform that has ended. */
async function pendingIn(dataDir: string): Promise<number> {
  const log = await openLmdbLog({ path: join(dataDir, 'log') })
  try {
    return messageLedger(log.stats()).pending
  } finally {
    await log.close()
  }
}

/** The embedded store of a platform that does not run yet, with `rows` readings of one device. */
async function storeOf(dataDir: string, device: string, rows: number): Promise<void> {
  const store = new DuckDbStore({ path: join(dataDir, 'readings.duckdb'), memoryLimitMb: 128 })
  await store.open()
  const reading = (time: number) => ({ device, type: 'generic', time, values: { a: time, b: 1, c: 2 } })
  const readings = Array.from({ length: rows }, (_, i) => reading(Date.UTC(2026, 0, 1) + i * 1_000))
  for (let at = 0; at < rows; at += 5_000) await store.write([batchOf(readings.slice(at, at + 5_000))])
  await store.close()
}

async function acknowledgedMore(platform: PlatformProcess, more: number): Promise<void> {
  const before = (await statsOf(platform)).messages.acknowledged
  const now = async () => (await statsOf(platform)).messages.acknowledged
  await expect.poll(now, { timeout: 30_000, interval: 20 }).toBeGreaterThan(before + more)
}

test(
  `SIGTERM and SIGINT, ${rounds} times under ${loadMessagesPerSecond} messages a second: exit code 0, and all is stored`,
  async () => {
    const { platform, load } = await platformUnderLoad({ flags: ['--log-level', 'error'] })
    await platform.api.request('POST', '/rules', restless)
    const stops: number[] = []
    for (let round = 0; round < rounds; round++) {
      await acknowledgedMore(platform, 200 + 77 * (round % 10))
      const startedAt = performance.now()
      expect(await platform.end(round % 2 === 0 ? 'SIGTERM' : 'SIGINT')).toBe(0)
      stops.push(Math.round(performance.now() - startedAt))
      expect(stops.at(-1)).toBeLessThan(withinMs)
      // Drained: what was acknowledged is stored, and does not wait for the next start.
      expect(await pendingIn(platform.dataDir)).toBe(0)
      await platform.restart()
    }
    // Nor is an event told to a broker that has gone.
    expect(platform.stderr()).toBe('')
    await acknowledgedMore(platform, 200)
    const { acknowledged } = await load.stop()
    const report = await load.verified()
    stops.sort((a, b) => a - b)
    const stopMs = { p50: stops[stops.length >> 1], max: stops.at(-1) }
    tellFigures({ rounds, acknowledged, stored: report.stored, missing: report.missing, stopMs })
    expect(report).toMatchObject({ acknowledged, ...nothingLost })
  },
  Math.max(240_000, rounds * 24_000),
)

test('where a database hangs, a signal that is repeated at once counts once, and a later one forces the exit', async () => {
  const influx = await startScriptedInflux(
    '1',
    Array(3).fill(() => undefined),
  )
  const flags = ['--store', 'influxdb', '--influx-url', influx.url]
  const { platform, load } = await platformUnderLoad({ flags })
  await acknowledgedMore(platform, 100)
  await expect.poll(() => influx.writes.length, { timeout: 10_000 }).toBe(1)
  const { acknowledged } = await load.stop()
  const ended = platform.end('SIGINT')
  await expect.poll(platform.stderr, { interval: 10 }).toContain('"stopping"')
  process.kill(platform.pid, 'SIGINT')
  await delay(sameSignalMs + 200)
  expect(platform.stderr()).not.toContain('TIDEMARK_FORCED')
  process.kill(platform.pid, 'SIGTERM')
  expect(await ended).toBe(killed)
  expect(platform.stderr()).toContain('TIDEMARK_FORCED')
  await platform.restart()
  expect((await statsOf(platform)).messages.acknowledged).toBeGreaterThanOrEqual(acknowledged)
}, 60_000)

test('SIGTERM while queries wait for the embedded store: what runs is broken off, and the exit code is 0', async () => {
  const dataDir = tempDir()
  await storeOf(dataDir, 'd', 20_000)
  const platform = await startPlatformProcess(dataDir)
  onTestFinished(async () => void (await platform.end('SIGKILL')))
  await platform.api.provision([{ id: 'd', type: 'generic' }])
  for (let round = 0; round < 2; round++) {
    if (round > 0) await platform.restart()
    let answered = 0
    const queries = Array.from({ length: 60 }, async () => {
      await platform.api.request('GET', '/readings?device=d&limit=1000').catch(() => undefined)
      answered++
    })
    await expect.poll(() => answered, { timeout: 30_000, interval: 5 }).toBeGreaterThan(0)
    expect(answered).toBeLessThan(queries.length)
    expect(await platform.end('SIGTERM')).toBe(0)
    await Promise.all(queries)
  }
}, 60_000)

test('a thread that native code holds is not waited for: the process says so and kills itself, and all is in the log', async () => {
  const dir = tempDir()
  const fifo = join(dir, 'fifo')
  execFileSync('mkfifo', [fifo])
  // Opening it waits, outside of JavaScript, for a writer that never comes.
  const hang = `(await import('node:fs')).openSync(${JSON.stringify(fifo)});`
  const main = changedBuild(dir, 'threads/data-thread.js', 'await store.close();', hang)
  replaceCode(join(dirname(main), '../platform.js'), 'stopMsMax = 15_000', 'stopMsMax = 3_000')
  const { platform, load } = await platformUnderLoad({ main })
  await acknowledgedMore(platform, 500)
  const { acknowledged } = await load.stop()
  // So that nothing but the thread takes time to stop.
  const pending = async () => (await statsOf(platform)).messages.pending
  await expect.poll(pending, { timeout: 30_000 }).toBe(0)
  expect(await platform.end('SIGTERM')).toBe(killed)
  expect(platform.stderr()).toMatch(/"code":"TIDEMARK_STOP","stopping":"data"/)
  const log = await openLmdbLog({ path: join(platform.dataDir, 'log') })
  onTestFinished(() => log.close())
  expect(messageLedger(log.stats()).acknowledged).toBeGreaterThanOrEqual(acknowledged)
}, 60_000)

test('Ctrl-C through npm start, which passes it on as well, ends in exit code 0', async () => {
  const flags = ['--no-demo', '--data-dir', tempDir(), '--http-port', '0', '--mqtt-port', '0']
  const child = spawn('npm', ['start', '--', ...flags], {
    cwd: repositoryRoot,
    // A process group of its own, as a terminal makes one: Ctrl-C reaches npm, the shell and node.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const npm = watched(child)
  onTestFinished(() => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, 'SIGKILL')
  })
  await expect.poll(npm.stdout, { timeout: 60_000 }).toContain('Tidemark is running')
  process.kill(-child.pid!, 'SIGINT')
  const { exitCode, stderr } = await npm.ended
  expect(stderr).not.toContain('TIDEMARK_FORCED')
  expect(exitCode).toBe(0)
}, 90_000)
