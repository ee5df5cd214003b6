import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import type { ApiClient, DeviceCredentials } from '../../simulators/api-client.ts'
import { type BenchReport, bench, benchDeviceId } from '../../simulators/bench.ts'
import { type VerifyReport, verify } from '../../simulators/verify.ts'
import { type PlatformProcess, startPlatformProcess } from './platform-process.ts'
import { newTempDir, tempDir } from './temp-dir.ts'

export const loadDevices = 10
export const loadMessagesPerSecond = 1_000
const loadMsMax = 3_600_000
const settleMs = 60_000

export interface Stats {
  readonly messages: {
    readonly acknowledged: number
    readonly stored: number
    readonly deadLettered: number
    readonly pending: number
  }
  readonly devices: { readonly online: number }
  readonly store: { readonly up: boolean }
}

export const statsOf = ({ api }: PlatformProcess) => api.request<Stats>('GET', '/stats')

/** Devices that publish, and remember in a ledger what was acknowledged to them. */
export interface Load {
  readonly ledger: string
  /** Messages so far, as the devices see it. */
  sent(): number
  acknowledged(): number
  /** Resolves when so many more were acknowledged. */
  acknowledgedMore(messages: number): Promise<void>
  /** Resolves when so many more were sent, acknowledged or not. */
  sentMore(messages: number): Promise<void>
  /** Lets it go on to its end, which is `durationMs`. */
  readonly ended: Promise<BenchReport>
  /** Ends it now. */
  stop(): Promise<BenchReport>
  /** Ends it, and holds what was acknowledged against what is stored. */
  verified(): Promise<VerifyReport>
}

export interface LoadOptions {
  /** In all; the devices share it. */
  readonly rate?: number
  readonly durationMs?: number
  /** Of devices that are registered already. */
  readonly credentials?: ReadonlyMap<string, DeviceCredentials>
}

/** Registers the devices of a load. */
export function provisionLoad({ api }: PlatformProcess): Promise<ReadonlyMap<string, DeviceCredentials>> {
  return api.provision(
    Array.from({ length: loadDevices }, (_, i) => ({ id: benchDeviceId(i), type: 'smart_meter' })),
  )
}

/** Puts load on a platform, which ends with the test. */
export async function startLoad(platform: PlatformProcess, options: LoadOptions = {}): Promise<Load> {
  const { rate = loadMessagesPerSecond, durationMs = loadMsMax } = options
  const credentials = options.credentials ?? (await provisionLoad(platform))
  const ledger = join(tempDir(), 'ledger.ndjson')
  const finished = new AbortController()
  let progress = { sent: 0, acknowledged: 0 }
  const more = (of: keyof typeof progress, messages: number) => {
    const before = progress[of]
    return expect
      .poll(() => progress[of] - before, { timeout: 60_000, interval: 20 })
      .toBeGreaterThan(messages)
  }
  const ended = bench({
    ...{ url: platform.mqttUrl, devices: loadDevices, rate, durationMs, inFlight: 50, qos: 1 },
    ...{ credentials, ledger, reconnectMsMax: 200, signal: finished.signal },
    onProgress: (now) => {
      progress = now
    },
  })
  const stop = () => {
    finished.abort()
    return ended
  }
  onTestFinished(async () => void (await stop()))
  return {
    ledger,
    sent: () => progress.sent,
    acknowledged: () => progress.acknowledged,
    acknowledgedMore: (messages) => more('acknowledged', messages),
    sentMore: (messages) => more('sent', messages),
    ended,
    stop,
    verified: async () => {
      await stop()
      return verifyLoad(ledger, platform.api)
    },
  }
}

/** The one check of what a load was told: reading by reading. `settleMsMax` is how long to wait for what is pending. */
export function verifyLoad(ledger: string, api: ApiClient, settleMsMax = settleMs): Promise<VerifyReport> {
  // A device sends one time after the other, so every one between two that were acknowledged was sent, and is no invention.
  return verify({ ledger, api, settleMs: settleMsMax, isSent: () => true })
}

/** Nothing acknowledged was lost or changed, and no point is there twice. */
export const nothingLost = { missing: 0, altered: 0, invented: 0, repeated: 0 } as const

/** A platform in a process of its own under load; both end with the test. */
export async function platformUnderLoad(
  options: LoadOptions & {
    readonly flags?: readonly string[]
    /** Of a changed build. */
    readonly main?: string | undefined
    readonly dataDir?: string
  } = {},
): Promise<{ readonly platform: PlatformProcess; readonly load: Load }> {
  const dir = newTempDir()
  const flags = ['--device-rate-max', '0', ...(options.flags ?? [])]
  const platform = await startPlatformProcess(options.dataDir ?? dir.path, flags, options.main)
  onTestFinished(async () => {
    await platform.end('SIGKILL')
    dir.remove()
  })
  return { platform, load: await startLoad(platform, options) }
}
