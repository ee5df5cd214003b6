import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { messageLedger } from '../../http/ledger.ts'
import { delay } from '../../lib/clock.ts'
import { openLmdbLog } from '../../log/lmdb-log.ts'
import { bench, benchDeviceId } from '../../simulators/bench.ts'
import { verify } from '../../simulators/verify.ts'
import { watched } from '../cli/cli.ts'
import { startScriptedInflux } from '../storage/scripted-influx.ts'
import { type PlatformProcess, repositoryRoot, startPlatformProcess } from '../support/platform-process.ts'
import { newTempDir, tempDir } from '../support/temp-dir.ts'

/** R12: a signal under load ends in exit code 0 within 10 s, and nothing acknowledged is lost. */
const rounds = Number(process.env.TIDEMARK_SHUTDOWNS ?? 5)
const messagesPerSecond = 1_000
const devices = 10
const withinMs = 10_000
/** Within this time a repeated signal is npm's copy of a Ctrl-C, and no second one. */
const sameSignalMs = 2_000

interface Stats {
  readonly messages: { readonly acknowledged: number }
}

const stats = ({ api }: PlatformProcess) => api.request<Stats>('GET', '/stats')

async function startUnderLoad(flags: readonly string[] = []) {
  const dir = newTempDir()
  const platform = await startPlatformProcess(dir.path, ['--device-rate-max', '0', ...flags])
  const finished = new AbortController()
  const ids = Array.from({ length: devices }, (_, i) => ({ id: benchDeviceId(i), type: 'smart_meter' }))
  const credentials = await platform.api.provision(ids)
  const ledger = join(dir.path, 'ledger.ndjson')
  const load = bench({
    ...{ url: platform.mqttUrl, devices, rate: messagesPerSecond, durationMs: 600_000, inFlight: 50, qos: 1 },
    ...{ credentials, ledger, reconnectMsMax: 200, signal: finished.signal },
  })
  onTestFinished(async () => {
    finished.abort()
    await load
    await platform.end('SIGKILL')
    dir.remove()
  })
  return {
    platform,
    dataDir: dir.path,
    ledger,
    stopLoad: async () => {
      finished.abort()
      return load
    },
  }
}

/** Of a platform that has ended. */
async function pendingIn(dataDir: string): Promise<number> {
  const log = await openLmdbLog({ path: join(dataDir, 'log') })
  try {
    return messageLedger(log.stats()).pending
  } finally {
    await log.close()
  }
}

async function acknowledgedMore(platform: PlatformProcess, more: number): Promise<void> {
  const before = (await stats(platform)).messages.acknowledged
  const now = async () => (await stats(platform)).messages.acknowledged
  await expect.poll(now, { timeout: 30_000, interval: 20 }).toBeGreaterThan(before + more)
}

test(`SIGTERM and SIGINT, ${rounds} times under ${messagesPerSecond} messages a second: exit code 0, and all is stored`, async () => {
  const { platform, dataDir, ledger, stopLoad } = await startUnderLoad(['--log-level', 'error'])
  for (let round = 0; round < rounds; round++) {
    await acknowledgedMore(platform, 200 + 77 * round)
    const startedAt = performance.now()
    expect(await platform.end(round % 2 === 0 ? 'SIGTERM' : 'SIGINT')).toBe(0)
    expect(performance.now() - startedAt).toBeLessThan(withinMs)
    // Drained: what was acknowledged is stored, and does not wait for the next start.
    expect(await pendingIn(dataDir)).toBe(0)
    await platform.restart()
  }
  await acknowledgedMore(platform, 200)
  const { acknowledged } = await stopLoad()
  const report = await verify({ ledger, api: platform.api, settleMs: 30_000, isSent: () => true })
  process.stdout.write(
    `${JSON.stringify({ rounds, acknowledged, stored: report.stored, missing: report.missing })}\n`,
  )
  expect(report).toMatchObject({ acknowledged, missing: 0, altered: 0, repeated: 0 })
}, 120_000)

test('where a database hangs, a signal that is repeated at once counts once, and a later one forces the exit', async () => {
  const influx = await startScriptedInflux(
    '1',
    Array(3).fill(() => undefined),
  )
  const { platform, stopLoad } = await startUnderLoad(['--store', 'influxdb', '--influx-url', influx.url])
  await acknowledgedMore(platform, 100)
  await expect.poll(() => influx.writes.length, { timeout: 10_000 }).toBe(1)
  const { acknowledged } = await stopLoad()
  const ended = platform.end('SIGINT')
  await expect.poll(platform.stderr, { interval: 10 }).toContain('"stopping"')
  process.kill(platform.pid, 'SIGINT')
  await delay(sameSignalMs + 200)
  expect(platform.stderr()).not.toContain('TIDEMARK_FORCED')
  process.kill(platform.pid, 'SIGTERM')
  expect(await ended).toBe(1)
  expect(platform.stderr()).toContain('TIDEMARK_FORCED')
  await platform.restart()
  expect((await stats(platform)).messages.acknowledged).toBeGreaterThanOrEqual(acknowledged)
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
