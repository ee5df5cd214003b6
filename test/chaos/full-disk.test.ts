import { spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { influxdAvailable, startInfluxd } from '../../bench/services/influxd.ts'
import { bench, benchDeviceId } from '../../simulators/bench.ts'
import { verify } from '../../simulators/verify.ts'
import { tellFigures } from '../support/figures.ts'
import { type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import { smallDisk, smallDiskAvailable } from '../support/small-disk.ts'
import { newTempDir, tempDir } from '../support/temp-dir.ts'

/**
 * R2 and guarantee 4: a log that is full, a disk that is full and an fsync that fails stop acknowledgement (held at first,
 * then the publishers are disconnected); nothing acknowledged is lost, and it goes on by itself.
 */
const messagesPerSecond = 1_000
const devices = 10
const mib = 1024 * 1024
const disconnected = 'publishers are disconnected'

interface Stats {
  readonly messages: { readonly acknowledged: number; readonly pending: number }
}

async function startUnderLoad(dataDir: string, flags: readonly string[] = []) {
  const platform = await startPlatformProcess(dataDir, ['--device-rate-max', '0', ...flags])
  const finished = new AbortController()
  const ids = Array.from({ length: devices }, (_, i) => ({ id: benchDeviceId(i), type: 'smart_meter' }))
  const credentials = await platform.api.provision(ids)
  const ledger = join(tempDir(), 'ledger.ndjson')
  let acknowledged = 0
  const load = bench({
    ...{ url: platform.mqttUrl, devices, rate: messagesPerSecond, durationMs: 600_000, inFlight: 50, qos: 1 },
    ...{ credentials, ledger, reconnectMsMax: 200, signal: finished.signal },
    onProgress: (progress) => {
      acknowledged = progress.acknowledged
    },
  })
  onTestFinished(async () => {
    finished.abort()
    await load
    await platform.end('SIGKILL')
  })
  return {
    platform,
    /** As the devices see it. */
    acknowledged: () => acknowledged,
    finish: async () => {
      finished.abort()
      const report = await load
      expect(report.reconnects).toBeGreaterThan(0)
      return verify({ ledger, api: platform.api, settleMs: 60_000, isSent: () => true })
    },
  }
}

type Loaded = Awaited<ReturnType<typeof startUnderLoad>>

const timesLogged = ({ stderr }: PlatformProcess, text: string) => stderr().split(text).length - 1

/** Resolves when devices have been disconnected so often, each time after 5 s of holding, without an acknowledgement between. */
async function acknowledgementStopped({ platform, acknowledged }: Loaded, holds = 1): Promise<void> {
  let before = -1
  let disconnections = 0
  const inSilence = () => {
    const now = timesLogged(platform, disconnected)
    if (acknowledged() !== before) {
      before = acknowledged()
      disconnections = now
    }
    return now - disconnections
  }
  await expect.poll(inSilence, { timeout: 60_000, interval: 20 }).toBeGreaterThanOrEqual(holds)
}

function acknowledgesAgain({ acknowledged }: Loaded): Promise<void> {
  const before = acknowledged()
  return expect.poll(acknowledged, { timeout: 60_000, interval: 20 }).toBeGreaterThan(before + 500)
}

function print(name: string, report: object): void {
  tellFigures({ name, ...report })
}

test.runIf(influxdAvailable())(
  'with the database away the log fills to its limit; then nothing is acknowledged until there is room again',
  async () => {
    const dir = newTempDir()
    const influxd = await startInfluxd()
    onTestFinished(async () => {
      await influxd.remove()
      dir.remove()
    })
    const flags = ['--store', 'influxdb', '--influx-url', influxd.url, '--log-bytes-max', '1MiB']
    const loaded = await startUnderLoad(dir.path, flags)
    await influxd.stop()
    await acknowledgementStopped(loaded)
    expect(loaded.platform.stderr()).toContain('TIDEMARK_LOG_FULL')
    const { messages } = await loaded.platform.api.request<Stats>('GET', '/stats')
    expect(messages.pending).toBeGreaterThan(0)
    await influxd.start()
    await acknowledgesAgain(loaded)
    const report = await loaded.finish()
    print('log limit', report)
    expect(report).toMatchObject({ missing: 0, altered: 0, repeated: 0 })
  },
  120_000,
)

test.runIf(smallDiskAvailable())(
  'near the end of the disk acknowledgement stops, what was acknowledged is still stored, and a full disk ends nothing',
  async () => {
    const disk = smallDisk(160 * mib)
    const loaded = await startUnderLoad(disk.path)
    const { platform } = loaded
    const { pid } = platform
    await acknowledgesAgain(loaded)
    disk.fill(48 * mib)
    await acknowledgementStopped(loaded)
    expect(platform.stderr()).toContain('TIDEMARK_LOG_FULL')
    const pending = async () => (await platform.api.request<Stats>('GET', '/stats')).messages.pending
    await expect.poll(pending, { timeout: 20_000 }).toBe(0)
    disk.fill()
    await acknowledgementStopped(loaded)
    // A change of the registry is refused too, with a code.
    const registered = platform.api.request('POST', '/devices', { id: 'late', type: 'generic' })
    await expect(registered).rejects.toThrow('TIDEMARK_LOG_FULL')
    disk.empty()
    await acknowledgesAgain(loaded)
    const report = await loaded.finish()
    print('full disk', report)
    expect(report).toMatchObject({ missing: 0, altered: 0, repeated: 0 })
    expect(platform.pid).toBe(pid)
  },
  120_000,
)

test.runIf(straceAvailable())(
  'while fsync fails nothing is acknowledged; when it works again everything goes on and nothing is missing',
  async () => {
    const dir = newTempDir()
    onTestFinished(dir.remove)
    const loaded = await startUnderLoad(dir.path)
    await acknowledgesAgain(loaded)
    const endFailing = await failFsync(loaded.platform.pid)
    await acknowledgementStopped(loaded, 2)
    expect(loaded.platform.stderr()).toContain('TIDEMARK_LOG_WRITE')
    await endFailing()
    await acknowledgesAgain(loaded)
    const report = await loaded.finish()
    print('failed fsync', report)
    expect(report).toMatchObject({ missing: 0, altered: 0, repeated: 0 })
  },
  120_000,
)

/** Makes every fsync of the process fail with EIO until the returned function is called. */
async function failFsync(pid: number): Promise<() => Promise<void>> {
  const calls = 'fsync,fdatasync'
  const strace = spawn(
    'strace',
    ['-f', '-p', String(pid), '-e', `trace=${calls}`, '-e', `inject=${calls}:error=EIO`, '-o', '/dev/null'],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let said = ''
  strace.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const ended = new Promise((resolve) => strace.once('exit', resolve))
  const end = async () => {
    strace.kill('SIGINT')
    await ended
  }
  onTestFinished(end)
  await expect.poll(() => said, { timeout: 10_000 }).toContain('attached')
  return end
}

function straceAvailable(): boolean {
  const found = spawnSync('strace', ['-V']).status === 0
  if (!found && process.env.CI === 'true') throw new Error('strace is not installed')
  if (!found) process.stderr.write('skipping the test of a failing fsync: strace is not on the PATH\n')
  return found
}
