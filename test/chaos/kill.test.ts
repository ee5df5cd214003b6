import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { bench, benchDeviceId } from '../../simulators/bench.ts'
import { type VerifyReport, verify } from '../../simulators/verify.ts'
import { brokenBuild } from '../support/broken-build.ts'
import { tellFigures } from '../support/figures.ts'
import { type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import { sizeOf } from '../support/promises.ts'

/** R1: what was acknowledged survives `kill -9`, however often; and the check of it can fail. */
const killsMax = sizeOf('TIDEMARK_KILLS')
const messagesPerSecond = 1_000
const devices = 10
const clean: (() => unknown)[] = []

afterEach(async () => {
  for (const undo of clean.splice(0).reverse()) await undo()
})

interface Stats {
  readonly messages: { readonly acknowledged: number }
  readonly devices: { readonly online: number }
}

test(
  `kill -9, ${killsMax} times under ${messagesPerSecond} messages a second: nothing acknowledged is lost, altered or repeated`,
  async () => {
    const { report, acknowledged } = await killUnderLoad({ kills: killsMax })
    expect(report).toMatchObject({ missing: 0, altered: 0, repeated: 0 })
    // Distinct readings: a message sent again after a crash is the same reading.
    expect(report.acknowledged).toBe(acknowledged)
  },
  Math.max(400_000, killsMax * 20_000),
)

test('the same check reports loss where acknowledgement comes before the append', async () => {
  const dir = tempFolder()
  const main = brokenBuild(
    dir,
    'broker/group-committer.js',
    `if (await this.#append(group))
                this.#acknowledge(group);`,
    `this.#acknowledge(group); if (await this.#append(group));`,
  )
  const { report } = await killUnderLoad({ kills: Math.min(killsMax, 5), main })
  expect(report.missing).toBeGreaterThan(0)
}, 400_000)

async function killUnderLoad(options: { kills: number; main?: string }) {
  const dir = tempFolder()
  const platform = await startPlatformProcess(
    dir,
    ['--device-rate-max', '0', '--log-level', 'error'],
    options.main,
  )
  clean.push(() => platform.end('SIGKILL'))
  const ids = Array.from({ length: devices }, (_, i) => ({ id: benchDeviceId(i), type: 'smart_meter' }))
  const credentials = await platform.api.provision(ids)
  const ledger = join(dir, 'ledger.ndjson')
  const finished = new AbortController()
  const load = bench({
    url: platform.mqttUrl,
    devices,
    rate: messagesPerSecond,
    durationMs: 600_000,
    inFlight: 50,
    qos: 1,
    credentials,
    ledger,
    reconnectMsMax: 400,
    signal: finished.signal,
  })
  let kills = 0
  for (; kills < options.kills; kills++) {
    await allOnline(platform)
    const { messages } = await platform.api.request<Stats>('GET', '/stats')
    // At a different moment of the platform's work each time.
    await acknowledgedBeyond(platform, messages.acknowledged + 100 + 37 * kills)
    await platform.end('SIGKILL')
    await platform.restart()
  }
  await allOnline(platform)
  finished.abort()
  const { sent, acknowledged, reconnects } = await load
  const report = await verify({ ledger, api: platform.api, settleMs: 60_000, isSent: () => true })
  const { missing, stored } = report
  tellFigures({ kills, sent, acknowledged, stored, missing, reconnects })
  expect(reconnects).toBeGreaterThanOrEqual(kills * devices)
  return { report: report as VerifyReport, acknowledged }
}

function tempFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'tidemark-kill-'))
  clean.push(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

function allOnline({ api }: PlatformProcess) {
  const online = async () => (await api.request<Stats>('GET', '/stats')).devices.online
  return expect.poll(online, { timeout: 30_000 }).toBe(devices)
}

function acknowledgedBeyond({ api }: PlatformProcess, count: number) {
  const acknowledged = async () => (await api.request<Stats>('GET', '/stats')).messages.acknowledged
  return expect.poll(acknowledged, { timeout: 30_000, interval: 20 }).toBeGreaterThan(count)
}
