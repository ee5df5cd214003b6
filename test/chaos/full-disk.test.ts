import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { influxdAvailable, startInfluxd } from '../../bench/services/influxd.ts'
import type { LedgerEntry } from '../../simulators/ledger.ts'
import { watched } from '../cli/cli.ts'
import { brokenBuild } from '../support/broken-build.ts'
import { failCalls, failing, straceAvailable } from '../support/failing-calls.ts'
import { faultyProxy } from '../support/faulty-proxy.ts'
import { tellFigures } from '../support/figures.ts'
import { builtMain, type PlatformProcess } from '../support/platform-process.ts'
import { type Load, nothingLost, platformUnderLoad, statsOf } from '../support/platform-under-load.ts'
import { sizeOf } from '../support/promises.ts'
import { smallDisk, smallDiskAvailable } from '../support/small-disk.ts'
import { tempDir } from '../support/temp-dir.ts'

/**
 * R2 and guarantee 4: a log that is full, a disk that is full and an fsync that fails stop acknowledgement (held at first,
 * then the publishers are disconnected); nothing acknowledged is lost, and it goes on by itself.
 */
const failures = sizeOf('TIDEMARK_DISK_FAILURES')
/** Of five failures three are of system calls, one of the disk's room, one of the log's limit. */
const counts = {
  calls: Math.ceil((failures * 3) / 5),
  full: Math.ceil(failures / 5),
  limit: Math.ceil(failures / 5),
} as const
const cycleMs = 60_000
const startMs = 60_000
const mib = 1024 * 1024
const errorsOnly = ['--log-level', 'error']
const syncs = ['fsync', 'fdatasync'] as const
const writes = ['pwrite64', 'pwritev', 'ftruncate', 'fallocate'] as const
const held = 'acknowledgements are held'
const disconnected = 'publishers are disconnected'
/** Sent in a window in which nothing may be acknowledged. */
const windowMessages = 700

interface Loaded {
  readonly platform: PlatformProcess
  readonly load: Load
}

/** Resolves when the platform has logged `text` once more than `before` times. */
function loggedSince({ stderr }: PlatformProcess, text: string, before: number): Promise<void> {
  return expect
    .poll(() => timesLogged(stderr(), text), { timeout: 60_000, interval: 20 })
    .toBeGreaterThan(before)
}

const timesLogged = (log: string, text: string) => log.split(text).length - 1

/** Times in which nothing may be acknowledged, and what was. */
class Windows {
  readonly #windows: { readonly from: number; readonly to: number }[] = []
  #sent = 0

  /** `while` runs while the log refuses: it has said so, and what was acknowledged before that is on its way to its device. */
  async watch({ platform, load }: Loaded, before: number, during: () => Promise<unknown>): Promise<void> {
    await loggedSince(platform, held, before)
    await load.sentMore(100)
    const [from, sent] = [Date.now(), load.sent()]
    await load.sentMore(windowMessages)
    await during()
    this.#sent += load.sent() - sent
    this.#windows.push({ from, to: Date.now() })
  }

  /** With what the ledger says that was acknowledged in them; of a load that has ended. */
  report({ load }: Loaded) {
    const entries = readFileSync(load.ledger, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as LedgerEntry)
    const isWithin = (at: number) => this.#windows.some(({ from, to }) => at >= from && at < to)
    return {
      windows: this.#windows.length,
      windowSeconds: Math.round(this.#windows.reduce((sum, { from, to }) => sum + to - from, 0) / 1_000),
      sentInWindows: this.#sent,
      acknowledgedInWindows: entries.filter(({ ackedAt }) => isWithin(ackedAt)).length,
    }
  }
}

/** Resolves when nothing more is acknowledged: near its limit the log has room again whenever ingest has passed something. */
async function silent(load: Load): Promise<void> {
  for (let last = -1; load.acknowledged() !== last; ) {
    last = load.acknowledged()
    await load.sentMore(windowMessages)
  }
}

/** Ends the load and checks all that was promised to it. */
async function judged(name: string, loaded: Loaded, windows: Windows, figures: object = {}): Promise<void> {
  const report = await loaded.load.verified()
  const { acknowledged, stored, missing } = report
  const told = { name, ...windows.report(loaded), acknowledged, stored, missing, ...figures }
  tellFigures(told)
  expect(report).toMatchObject(nothingLost)
  expect(told.acknowledgedInWindows).toBe(0)
}

test.runIf(influxdAvailable())(
  `with the database away the log fills to its limit (${counts.limit} times); then nothing is acknowledged until there is room again`,
  async () => {
    const influxd = await startInfluxd()
    onTestFinished(() => influxd.remove())
    const proxy = await faultyProxy(influxd.url)
    const url = `http://127.0.0.1:${proxy.port}`
    const flags = ['--store', 'influxdb', '--influx-url', url, '--log-bytes-max', '512KiB', ...errorsOnly]
    const loaded = await platformUnderLoad({ flags })
    const windows = new Windows()
    for (let i = 0; i < counts.limit; i++) {
      await loaded.load.acknowledgedMore(500)
      const before = timesLogged(loaded.platform.stderr(), held)
      proxy.set({ resets: true })
      await loggedSince(loaded.platform, held, before)
      await silent(loaded.load)
      await windows.watch(loaded, before, async () => {
        expect((await statsOf(loaded.platform)).messages.pending).toBeGreaterThan(0)
      })
      proxy.set({})
      await loaded.load.acknowledgedMore(500)
    }
    expect(loaded.platform.stderr()).toContain('TIDEMARK_LOG_FULL')
    await judged('log limit', loaded, windows)
  },
  startMs + counts.limit * cycleMs,
)

test.runIf(smallDiskAvailable())(
  `near the end of the disk (${counts.full} times) acknowledgement stops, what was acknowledged is still stored, and a full disk ends nothing`,
  async () => {
    const disk = smallDisk(160 * mib)
    const loaded = await platformUnderLoad({ dataDir: disk.path, flags: errorsOnly })
    const { platform, load } = loaded
    const { pid } = platform
    const windows = new Windows()
    for (let i = 0; i < counts.full; i++) {
      await load.acknowledgedMore(500)
      const before = timesLogged(platform.stderr(), held)
      disk.fill(48 * mib)
      await windows.watch(loaded, before, async () => {
        const pending = async () => (await statsOf(platform)).messages.pending
        await expect.poll(pending, { timeout: 20_000 }).toBe(0)
        disk.fill()
        // A change of the registry is refused too, with a code.
        const registered = platform.api.request('POST', '/devices', { id: `late-${i}`, type: 'generic' })
        await expect(registered).rejects.toThrow('TIDEMARK_LOG_FULL')
      })
      disk.empty()
      await load.acknowledgedMore(500)
    }
    expect(platform.stderr()).toContain('TIDEMARK_LOG_FULL')
    await judged('full disk', loaded, windows)
    expect(platform.pid).toBe(pid)
  },
  startMs + counts.full * cycleMs,
)

test.runIf(straceAvailable())(
  `while fsync fails (${counts.calls} times, every third a write for which there is no space) nothing is acknowledged; nothing is lost, all goes on`,
  async () => {
    const loaded = await platformUnderLoad({ flags: errorsOnly })
    const { platform, load } = loaded
    const windows = new Windows()
    const injected = { syncs: 0, writes: 0 }
    const killAndRestart = async () => {
      await platform.end('SIGKILL')
      await platform.restart()
    }
    for (let i = 0; i < counts.calls; i++) {
      await load.acknowledgedMore(500)
      if (i % 3 === 2) {
        // Of LMDB and of DuckDB. It may end the process; in earnest what the log leaves free keeps it from coming to this.
        const fault = await failCalls(platform.pid, writes, 'ENOSPC')
        await load.sentMore(windowMessages)
        injected.writes += await fault.end()
        await killAndRestart()
        continue
      }
      const before = timesLogged(platform.stderr(), held)
      const disconnections = timesLogged(platform.stderr(), disconnected)
      const fault = await failCalls(platform.pid, syncs, 'EIO')
      await windows.watch(loaded, before, async () => {
        if (i % 3 === 0) await loggedSince(platform, disconnected, disconnections)
      })
      injected.syncs += await fault.end()
      // What was acknowledged up to then must be there.
      if (i % 3 === 1) await killAndRestart()
    }
    await load.acknowledgedMore(500)
    expect(platform.stderr()).toContain('TIDEMARK_LOG_WRITE')
    await judged('failed calls', loaded, windows, injected)
    expect(Math.min(...Object.values(injected))).toBeGreaterThan(0)
  },
  startMs + counts.calls * cycleMs,
)

test.runIf(straceAvailable())(
  'the same window sees acknowledgements without a sync where the log does not sync',
  async () => {
    const code = 'overlappingSync: false, maxDbs'
    const main = brokenBuild(tempDir(), 'log/lmdb-log.js', code, `noSync: true, ${code}`)
    const { platform, load } = await platformUnderLoad({ flags: errorsOnly, main })
    await load.acknowledgedMore(500)
    const fault = await failCalls(platform.pid, syncs, 'EIO')
    await load.sentMore(100)
    const before = load.acknowledged()
    await load.sentMore(windowMessages)
    const acknowledged = load.acknowledged() - before
    // Every one that was tried failed: none of them is on disk by a sync.
    tellFigures({ acknowledgedWithoutSync: acknowledged, failedSyncs: await fault.end() })
    expect(acknowledged).toBeGreaterThan(0)
    expect(platform.stderr()).not.toContain(held)
  },
  startMs + cycleMs,
)

describe.runIf(straceAvailable())('a start that cannot open a file says which and why, and ends', () => {
  test.each([
    ['log/main/data.mdb', 'EROFS', 'Read-only file system', 'TIDEMARK_LOG_OPEN'],
    ['readings.duckdb', 'EIO', 'Input/output error', 'TIDEMARK_STORE_OPEN'],
  ])('%s, %s', async (file, error, said, code) => {
    const dataDir = tempDir()
    const path = join(dataDir, file)
    mkdirSync(dirname(path), { recursive: true })
    const ports = ['--mqtt-port', '0', '--http-port', '0']
    const start = [process.execPath, builtMain, 'start', '--data-dir', dataDir, ...ports]
    const strace = spawn('strace', [...failing(['openat'], error), '-P', path, '-o', '/dev/null', ...start])
    const { exitCode, stderr } = await watched(strace).ended
    expect(exitCode).toBe(1)
    expect(stderr.trimEnd().split('\n').at(-1)).toMatch(
      new RegExp(`^tidemark: cannot open .*${said}.*\\(${code}\\)$`),
    )
  })
})
