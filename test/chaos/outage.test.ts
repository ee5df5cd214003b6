import { expect, onTestFinished, test } from 'vitest'
import { influxdAvailable, startInfluxd } from '../../bench/services/influxd.ts'
import type { BenchReport } from '../../simulators/bench.ts'
import { type Fault, faultyProxy } from '../support/faulty-proxy.ts'
import { tellFigures } from '../support/figures.ts'
import { type Ledger, ledgerOf } from '../support/healthy-client.ts'
import { type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import { nothingLost, provisionLoad, startLoad, statsOf, verifyLoad } from '../support/platform-under-load.ts'
import { anonymousMib } from '../support/process-figures.ts'
import { judgesFigures, sizeOf } from '../support/promises.ts'
import { tempDir } from '../support/temp-dir.ts'

/**
 * R3: whatever becomes of the database, acknowledgement goes on and nothing is lost. Latency and memory are figures, judged only
 * where the machine is quiet (`npm run verify`); counts always.
 */
const outageSeconds = sizeOf('TIDEMARK_OUTAGE_SECONDS')
const messagesPerSecond = sizeOf('TIDEMARK_OUTAGE_RATE')
/** Of the connections to a database that runs; each lasts a quarter of the time, as does the one in which it does not run. */
const faults = {
  slow: { delayMs: 200, bytesPerSecond: 500_000 },
  hanging: { hangs: true },
  resetting: { resets: true },
} as const satisfies Record<string, Fault>
const faultSeconds = outageSeconds / (Object.keys(faults).length + 1)
const quietSeconds = Math.min(10, faultSeconds)

test.runIf(influxdAvailable())(
  `influxd stopped, hanging, resetting and slow, ${faultSeconds} s each under ${messagesPerSecond} messages a second: all is stored after`,
  async () => {
    const influxd = await startInfluxd()
    onTestFinished(() => influxd.remove())
    const proxy = await faultyProxy(influxd.url)
    const url = `http://127.0.0.1:${proxy.port}`
    const flags = [
      '--store',
      'influxdb',
      '--influx-url',
      url,
      '--device-rate-max',
      '0',
      '--log-level',
      'error',
    ]
    const platform = await startPlatformProcess(tempDir(), flags)
    onTestFinished(async () => void (await platform.end('SIGKILL')))
    const credentials = await provisionLoad(platform)
    const ledgers: string[] = []
    const load = async (seconds: number): Promise<BenchReport> => {
      const options = { rate: messagesPerSecond, durationMs: seconds * 1_000, credentials }
      const { ledger, ended } = await startLoad(platform, options)
      ledgers.push(ledger)
      return ended
    }

    const before = await load(quietSeconds)
    const memoryBefore = anonymousMib(platform.pid)
    const balance = watchBalance(platform)
    const during: Record<string, { readonly report: BenchReport; readonly pending: number }> = {}
    const suffer = async (name: string) => {
      const report = await load(faultSeconds)
      during[name] = { report, pending: (await statsOf(platform)).messages.pending }
    }
    proxy.set(faults.slow)
    await suffer('slow')
    proxy.set({})
    await influxd.stop()
    await suffer('stopped')
    expect((await statsOf(platform)).store.up).toBe(false)
    await influxd.start()
    for (const name of ['hanging', 'resetting'] as const) {
      proxy.set(faults[name])
      await suffer(name)
    }
    const memoryAfter = anonymousMib(platform.pid)
    proxy.set({})
    // Live data goes on while the backlog is written.
    const live = await load(quietSeconds / 2)
    let stored = 0
    for (const ledger of ledgers) {
      const report = await verifyLoad(ledger, platform.api)
      expect(report).toMatchObject(nothingLost)
      stored += report.stored
    }
    const samples = balance.end()
    expect(samples.length).toBeGreaterThan(outageSeconds)
    const isOff = ({ acknowledged, stored, deadLettered, pending }: Ledger) =>
      acknowledged !== stored + deadLettered + pending
    expect(samples.filter(isOff)).toEqual([])
    for (const { report } of Object.values(during))
      expect(report.acknowledged).toBe(messagesPerSecond * faultSeconds)
    // Nothing was stored of what came while no answer did.
    const perFault = messagesPerSecond * faultSeconds * 0.9
    for (const [n, name] of ['stopped', 'hanging', 'resetting'].entries())
      expect(during[name]!.pending, name).toBeGreaterThan((n + 1) * perFault)

    const ackP99Ms = Object.fromEntries(
      Object.entries(during).map(([name, { report }]) => [name, report.ackMs.p99]),
    )
    tellFigures({
      acknowledged: Object.values(during).reduce((sum, { report }) => sum + report.acknowledged, 0),
      stored,
      pendingAfter: Object.fromEntries(Object.entries(during).map(([name, { pending }]) => [name, pending])),
      ackP99Ms: { before: before.ackMs.p99, ...ackP99Ms, live: live.ackMs.p99 },
      anonymousMib: { before: memoryBefore, after: memoryAfter },
      samplesOfBalance: samples.length,
    })
    if (judgesFigures) {
      for (const p99Ms of Object.values(ackP99Ms)) expect(p99Ms).toBeLessThanOrEqual(2 * before.ackMs.p99)
      expect(memoryAfter - memoryBefore).toBeLessThanOrEqual(64)
    }
  },
  120_000 + outageSeconds * 10_000,
)

/** Samples the counters, until `end`. */
function watchBalance(platform: PlatformProcess) {
  const samples: Ledger[] = []
  const timer = setInterval(async () => samples.push(await ledgerOf(platform)), 250)
  return {
    end: () => {
      clearInterval(timer)
      return samples
    },
  }
}
