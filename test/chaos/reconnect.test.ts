import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { telemetryTopic } from '../../domain/names.ts'
import type { DeviceCredentials } from '../../simulators/api-client.ts'
import { LedgerWriter } from '../../simulators/ledger.ts'
import { MqttPublisher } from '../../simulators/mqtt-publisher.ts'
import { verify } from '../../simulators/verify.ts'
import { brokenBuild } from '../support/broken-build.ts'
import { tellFigures } from '../support/figures.ts'
import { type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import { judgesFigures, sizeOf } from '../support/promises.ts'
import { tempDir } from '../support/temp-dir.ts'
import { restartedWithin } from '../support/time-to-accept.ts'

/** R9: after a restart every device comes back, and nothing acknowledged is lost. */
const devicesMax = sizeOf('TIDEMARK_RECONNECTING_DEVICES')
/** In the promise; where other tests run beside, a back-off that they have drawn out is no failure. */
const backMsMax = judgesFigures ? 60_000 : 120_000
/** Each device sends a message in this time, all of them spread over it. */
const periodMs = 1_000
const tickMs = 20
const connectsAtOnceMax = 100
/** Of one connection: a device whose broker is away keeps this many messages, and then none. */
const unacknowledgedMax = 20

test(
  `${devicesMax} devices publish while the platform is killed, then stopped, and started again: each is back, and what was acknowledged is stored as its own`,
  async () => {
    const { platform, fleet } = await startFleet({ devices: devicesMax })
    const afterKill = await restart(platform, fleet, 'SIGKILL')
    const afterStop = await restart(platform, fleet, 'SIGTERM')
    const { report, acknowledged } = await verdict(platform, fleet)
    const { stored, missing, altered, repeated } = report
    const { reconnects } = fleet
    tellFigures({ devices: devicesMax, reconnects, acknowledged, stored, missing, afterKill, afterStop })
    expect({ missing, altered, repeated, acknowledged: report.acknowledged }).toEqual({
      missing: 0,
      altered: 0,
      repeated: 0,
      acknowledged,
    })
    expect(reconnects).toBeGreaterThanOrEqual(2 * devicesMax)
    // Nobody is refused, for too many failures or for another's id: each would be a warning.
    expect(platform.stderr()).toBe('')
    expect(afterKill.backMs).toBeLessThan(backMsMax)
    expect(afterStop.backMs).toBeLessThan(backMsMax)
    expect(await platform.end('SIGTERM')).toBe(0)
  },
  120_000 + 3 * backMsMax + devicesMax * 20,
)

test('the same check reports messages that are acknowledged before they are on disk', async () => {
  const main = brokenBuild(
    tempDir(),
    'broker/group-committer.js',
    'if (await this.#append(group))',
    `this.#acknowledge(group);
            await new Promise((resolve) => setTimeout(resolve, 1000));
            if (await this.#append(group))`,
  )
  const { platform, fleet } = await startFleet({ devices: 50, main })
  await restart(platform, fleet, 'SIGKILL')
  const { report } = await verdict(platform, fleet)
  tellFigures({ acknowledged: report.acknowledged, missing: report.missing })
  expect(report.missing).toBeGreaterThan(0)
}, 60_000)

test('the same check reports devices that are locked out after a restart', async () => {
  const main = brokenBuild(tempDir(), 'platform.js', 'devices.load();', '')
  const { platform, fleet } = await startFleet({ devices: 50, main })
  await expect(restart(platform, fleet, 'SIGKILL', 5_000)).rejects.toThrow()
  expect(fleet.open).toBe(0)
  expect(platform.stderr()).toContain('TIDEMARK_NOT_AUTHORIZED')
}, 60_000)

async function startFleet({ devices, main }: { devices: number; main?: string }) {
  const dir = tempDir()
  const flags = ['--log-level', 'warn']
  const platform = await startPlatformProcess(dir, flags, main)
  onTestFinished(async () => void (await platform.end('SIGKILL')))
  const ids = Array.from({ length: devices }, (_, n) => `device-${n}`)
  const credentials = await platform.api.provision(ids.map((id) => ({ id, type: 'smart_meter' })))
  const fleet = new Fleet(platform, credentials, join(dir, 'ledger.ndjson'))
  onTestFinished(() => fleet.stop())
  await fleet.start()
  return { platform, fleet }
}

/** Ends the platform while devices publish and starts it again: the time from its start until all are back, each with a message of its own acknowledged. */
async function restart(
  platform: PlatformProcess,
  fleet: Fleet,
  signal: 'SIGKILL' | 'SIGTERM',
  timeoutMs = backMsMax,
): Promise<{ acceptsMs: number; backMs: number }> {
  const before = fleet.acknowledged
  await expect.poll(() => fleet.acknowledged, { timeout: 30_000 }).toBeGreaterThan(before + fleet.size)
  expect(await platform.end(signal)).toBe(signal === 'SIGKILL' ? null : 0)
  const startedAt = performance.now()
  const acceptsMs = await restartedWithin(platform)
  fleet.forgetWhoWasHeard()
  const back = async () => {
    const { devices } = await platform.api.request<{ devices: { online: number } }>('GET', '/stats')
    return [devices.online, fleet.open, fleet.heard]
  }
  await expect.poll(back, { timeout: timeoutMs, interval: 50 }).toEqual([fleet.size, fleet.size, fleet.size])
  return { acceptsMs, backMs: Math.round(performance.now() - startedAt) }
}

async function verdict({ api }: PlatformProcess, fleet: Fleet) {
  await fleet.stop()
  const { acknowledged, ledger } = fleet
  const report = await verify({ ledger, api, settleMs: 60_000, isSent: () => true })
  return { report, acknowledged }
}

/** Devices that publish in turn, each values that no other has, and come back by themselves (full jitter). */
class Fleet {
  readonly ledger: string
  acknowledged = 0
  reconnects = 0
  readonly #writer: LedgerWriter
  readonly #devices: MqttPublisher[]
  readonly #heard = new Set<number>()
  readonly #beganAt = Date.now()
  #sent = 0
  #isStopped = false
  #timer: NodeJS.Timeout | undefined

  constructor(
    { mqttUrl }: PlatformProcess,
    credentials: ReadonlyMap<string, DeviceCredentials>,
    ledger: string,
  ) {
    this.ledger = ledger
    this.#writer = new LedgerWriter(ledger)
    this.#devices = [...credentials].map(
      ([id, login], n) =>
        new MqttPublisher({
          url: mqttUrl,
          clientId: id,
          ...login,
          topic: telemetryTopic(id),
          qos: 1,
          onAcknowledged: (seq) => this.#onAcknowledged(id, n, seq),
          onReconnect: () => this.reconnects++,
        }),
    )
  }

  get size(): number {
    return this.#devices.length
  }

  get open(): number {
    return this.#devices.filter(({ isOpen }) => isOpen).length
  }

  /** Devices of which a message was acknowledged since `forgetWhoWasHeard`. */
  get heard(): number {
    return this.#heard.size
  }

  forgetWhoWasHeard(): void {
    this.#heard.clear()
  }

  async start(): Promise<void> {
    for (let at = 0; at < this.size; at += connectsAtOnceMax)
      await Promise.all(this.#devices.slice(at, at + connectsAtOnceMax).map((device) => device.connect()))
    const startedAt = performance.now()
    this.#timer = setInterval(() => {
      const due = ((performance.now() - startedAt) / periodMs) * this.size
      while (this.#sent < due) this.#send(this.#sent++)
    }, tickMs)
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    clearInterval(this.#timer)
    await Promise.all(this.#devices.map((device) => device.close()))
    this.#writer.close()
  }

  #send(nth: number): void {
    const device = this.#devices[nth % this.size]!
    if (device.inFlight >= unacknowledgedMax) return
    const seq = Math.floor(nth / this.size)
    const values = JSON.stringify(this.#valuesOf(nth % this.size, seq))
    device.publish(`{"ts":${this.#timeOf(seq)},"values":${values}}`, seq)
    device.flush()
  }

  #onAcknowledged(id: string, n: number, seq: number): void {
    this.acknowledged++
    this.#heard.add(n)
    const [ts, values, now] = [this.#timeOf(seq), this.#valuesOf(n, seq), Date.now()]
    this.#writer.add({ device: id, seq, ts, values, sentAt: now, ackedAt: now })
  }

  #timeOf(seq: number): number {
    return this.#beganAt + seq
  }

  #valuesOf(n: number, seq: number) {
    return { energy_import_kwh: n, current_a: seq % 100 }
  }
}
