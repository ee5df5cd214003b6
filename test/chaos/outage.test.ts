import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { influxdAvailable, startInfluxd } from '../../bench/services/influxd.ts'
import { bench, benchDeviceId } from '../../simulators/bench.ts'
import { verify } from '../../simulators/verify.ts'
import { tellFigures } from '../support/figures.ts'
import { type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import { anonymousMib } from '../support/process-memory.ts'
import { judgesFigures, sizeOf } from '../support/promises.ts'
import { newTempDir } from '../support/temp-dir.ts'

/**
 * R3: with the database away, acknowledgement goes on and nothing is lost. Latency and memory are figures, judged only where
 * the machine is quiet (`npm run verify`); counts always.
 */
const outageSeconds = sizeOf('TIDEMARK_OUTAGE_SECONDS')
const messagesPerSecond = sizeOf('TIDEMARK_OUTAGE_RATE')
const devices = 10

test.runIf(influxdAvailable())(
  `influxd stopped for ${outageSeconds} s under ${messagesPerSecond} messages a second: everything is stored after its return`,
  async () => {
    const dir = newTempDir()
    const influxd = await startInfluxd()
    const flags = [
      '--store',
      'influxdb',
      '--influx-url',
      influxd.url,
      '--device-rate-max',
      '0',
      '--log-level',
      'error',
    ]
    const platform = await startPlatformProcess(dir.path, flags)
    onTestFinished(async () => {
      await platform.end('SIGKILL')
      await influxd.remove()
      dir.remove()
    })
    const ids = Array.from({ length: devices }, (_, i) => ({ id: benchDeviceId(i), type: 'smart_meter' }))
    const credentials = await platform.api.provision(ids)
    const load = (ledger: string, seconds: number) =>
      bench({
        url: platform.mqttUrl,
        devices,
        rate: messagesPerSecond,
        durationMs: seconds * 1000,
        inFlight: 50,
        qos: 1,
        credentials,
        ledger: join(dir.path, ledger),
        signal: new AbortController().signal,
      })

    const before = await load('before.ndjson', 10)
    const memoryBefore = anonymousMib(platform.pid)
    const balance = watchBalance(platform)
    await influxd.stop()
    const during = await load('during.ndjson', outageSeconds)
    const memoryAfter = anonymousMib(platform.pid)
    const down = await platform.api.request<Stats>('GET', '/stats')
    expect(down.store.up).toBe(false)
    expect(down.messages.pending).toBeGreaterThan(messagesPerSecond * outageSeconds * 0.9)
    await influxd.start()
    // Live data goes on while the backlog is written.
    const live = await load('live.ndjson', 5)
    for (const ledger of ['before.ndjson', 'during.ndjson', 'live.ndjson']) {
      const report = await verify({
        ledger: join(dir.path, ledger),
        api: platform.api,
        settleMs: 60_000,
        isSent: () => true,
      })
      expect(report).toMatchObject({ missing: 0, altered: 0, repeated: 0 })
    }
    const samples = balance.end()
    expect(samples.length).toBeGreaterThan(outageSeconds)
    expect(samples.filter(({ acknowledged, accounted }) => acknowledged !== accounted)).toEqual([])
    expect(during.acknowledged).toBe(messagesPerSecond * outageSeconds)

    const figures = {
      ackP99Ms: { before: before.ackMs.p99, during: during.ackMs.p99, live: live.ackMs.p99 },
      anonymousMib: { before: memoryBefore, after: memoryAfter },
      samplesOfBalance: samples.length,
    }
    tellFigures(figures)
    if (judgesFigures) {
      expect(during.ackMs.p99).toBeLessThanOrEqual(2 * before.ackMs.p99)
      expect(memoryAfter - memoryBefore).toBeLessThanOrEqual(64)
    }
  },
  400_000,
)

interface Stats {
  readonly messages: { readonly pending: number }
  readonly store: { readonly up: boolean }
}

/** Samples /metrics and adds up `stored + dead-lettered + pending` beside `acknowledged`, until `end`. */
function watchBalance({ httpUrl }: PlatformProcess) {
  const samples: { acknowledged: number; accounted: number }[] = []
  const timer = setInterval(async () => {
    const text = await (await fetch(`${httpUrl}/metrics`)).text()
    const sum = (name: string) =>
      [...text.matchAll(new RegExp(`^tidemark_messages_${name}(?:\\{[^}]*\\})? (\\d+)$`, 'gm'))].reduce(
        (total, match) => total + Number(match[1]),
        0,
      )
    const accounted = sum('stored_total') + sum('dead_lettered_total') + sum('pending')
    samples.push({ acknowledged: sum('acknowledged_total'), accounted })
  }, 250)
  return {
    end: () => {
      clearInterval(timer)
      return samples
    },
  }
}
