import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { delay } from '../../lib/clock.ts'
import { LedgerWriter } from '../../simulators/ledger.ts'
import { MqttPublisher } from '../../simulators/mqtt-publisher.ts'
import { type VerifyReport, verify } from '../../simulators/verify.ts'
import { brokenBuild } from '../support/broken-build.ts'
import { tellFigures } from '../support/figures.ts'
import { pages } from '../support/pages.ts'
import { type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import { sizeOf } from '../support/promises.ts'
import { newTempDir } from '../support/temp-dir.ts'

/** Ingest, storage and rules are cut off under load, one after another, and nobody can tell from what is stored and told. */
const restartsOfEach = sizeOf('TIDEMARK_PART_RESTARTS')
const parts = ['ingest', 'storage', 'rules'] as const
const devices = Array.from({ length: 10 }, (_, n) => `part-fridge-${n}`)
const t0 = Date.UTC(2026, 0, 5)
const minuteMs = 60_000
/** Sent by each device between two restarts. */
const burst = 10

const rules = [
  { id: 'warm', when: { kind: 'threshold', metric: 'temperature_c', above: 8 }, for: '3m' },
  {
    id: 'warm-mean',
    when: { kind: 'aggregate', metric: 'temperature_c', fn: 'mean', window: '10m', above: 7, minCount: 5 },
  },
].map((rule) => ({
  ...rule,
  name: rule.id,
  class: 'maintenance',
  severity: 'major',
  select: { types: ['fridge'] },
}))

/** Warm for ten minutes of every half hour, each device at another time. */
const temperatureOf = (device: number, n: number) => ((n + device * 3) % 30 < 10 ? 9 : 5)

test(`each part cut off ${restartsOfEach} times under load: nothing is lost, and the events are those of a run without`, async () => {
  const quiet = await underLoad(await startPlatform(), 0)
  const restarted = await underLoad(await startPlatform(), restartsOfEach)
  const { acknowledged, accounted } = restarted.ledger
  expect(accounted).toBe(acknowledged)
  expect(restarted.verified).toMatchObject({ missing: 0, altered: 0, invented: 0, repeated: 0, pending: 0 })
  expect(restarted).toEqual(quiet)
  expect(new Set(restarted.events).size).toBe(restarted.events.length)
  expect(restarted.events.length).toBeGreaterThan(100)
}, 120_000)

test('is seen to differ where a part that was cut off may still commit', async () => {
  const platform = await startPlatform((dir) =>
    brokenBuild(
      dir,
      'threads/restartable-part.js',
      `this.#cutOff.abort();
            await this.#part.stop();`,
      `void this.#part.stop();`,
    ),
  )
  const isSeen = underLoad(platform, restartsOfEach).then(isDifferent, async (error) => {
    if (error.code !== 'TIDEMARK_API_UNREACHABLE') throw error
    await platform.ended
    return true
  })
  // What two rules engines have kept of one window can be so much at odds that the platform ends.
  expect(await Promise.race([isSeen, platform.ended.then(() => true)])).toBe(true)
}, 120_000)

/** What a load leaves, that restarts must not change. */
interface Outcome {
  readonly ledger: { readonly acknowledged: number; readonly accounted: number }
  readonly verified: VerifyReport
  readonly events: readonly string[]
}

function isDifferent({ ledger, verified, events }: Outcome): boolean {
  tellFigures({
    ...ledger,
    repeated: verified.repeated,
    eventsTwice: events.length - new Set(events).size,
  })
  const isWhole = ledger.accounted === ledger.acknowledged && verified.repeated === 0
  return !isWhole || new Set(events).size !== events.length
}

interface Started extends PlatformProcess {
  readonly dir: string
}

/** Of the build, or of what `mainIn` makes of it in the platform's folder. */
async function startPlatform(mainIn?: (dir: string) => string): Promise<Started> {
  const dir = newTempDir()
  onTestFinished(dir.remove)
  const flags = ['--log-level', 'error', '--device-rate-max', '0']
  const platform = await startPlatformProcess(dir.path, flags, mainIn?.(dir.path))
  onTestFinished(async () => {
    await platform.end('SIGKILL')
  })
  return Object.assign(platform, { dir: dir.path })
}

/** The same messages each time; between two bursts of them each part is cut off `restarts` times. */
async function underLoad(platform: Started, restarts: number): Promise<Outcome> {
  const { api } = platform
  for (const rule of rules) await api.request('POST', '/rules', rule)
  const fleet = await Fleet.connect(platform, join(platform.dir, 'ledger.ndjson'))
  for (let turn = 0; turn < restartsOfEach * parts.length; turn++) {
    fleet.send()
    if (turn < restarts * parts.length) {
      const part = parts[turn % parts.length]!
      const restarted = api.request<object>('POST', `/parts/${part}:restart`)
      fleet.send()
      expect(await restarted).toEqual({ part, restarts: Math.floor(turn / parts.length) + 1 })
    } else fleet.send()
    await fleet.allAcknowledged()
  }
  await settled(platform)
  await fleet.close()
  const { messages } = await api.request<Stats>('GET', '/stats')
  const verified = await verify({ ledger: fleet.ledgerFile, api, settleMs: 10_000 })
  const events = await eventIds(platform)
  const { acknowledged, stored, deadLettered, pending } = messages
  return {
    ledger: { acknowledged, accounted: stored + deadLettered + pending },
    verified,
    events,
  }
}

interface Stats {
  readonly messages: Readonly<Record<'acknowledged' | 'stored' | 'deadLettered' | 'pending', number>>
  readonly consumers: readonly { readonly name: string; readonly lag: number }[]
}

/** Nothing is left to read. */
async function settled({ api }: PlatformProcess): Promise<void> {
  for (;;) {
    const { consumers } = await api.request<Stats>('GET', '/stats')
    if (consumers.every(({ lag }) => lag <= 0)) return
    await delay(20)
  }
}

async function eventIds(platform: PlatformProcess): Promise<string[]> {
  return (await pages<{ id: string }>(platform, '/events?')).map(({ id }) => id).sort()
}

/** Devices that send a reading for each minute, and remember what was acknowledged. */
class Fleet {
  readonly ledgerFile: string
  readonly #ledger: LedgerWriter
  readonly #publishers: MqttPublisher[] = []
  #sent = 0
  #unacknowledged = 0
  #allAcknowledged: (() => void) | undefined

  private constructor(ledgerFile: string) {
    this.ledgerFile = ledgerFile
    this.#ledger = new LedgerWriter(ledgerFile)
  }

  static async connect({ api, mqttUrl }: PlatformProcess, ledgerFile: string): Promise<Fleet> {
    const fleet = new Fleet(ledgerFile)
    const credentials = await api.provision(devices.map((id) => ({ id, type: 'fridge' })))
    for (const [device, id] of devices.entries()) {
      const publisher = new MqttPublisher({
        ...{ url: mqttUrl, clientId: id, topic: `devices/${id}/telemetry`, qos: 1 },
        ...credentials.get(id),
        onAcknowledged: (n) => fleet.#onAcknowledged(device, n),
      })
      await publisher.connect()
      fleet.#publishers.push(publisher)
    }
    return fleet
  }

  send(): void {
    for (const [device, publisher] of this.#publishers.entries()) {
      for (let n = this.#sent; n < this.#sent + burst; n++) {
        const { ts, values } = readingOf(device, n)
        publisher.publish(Buffer.from(JSON.stringify({ ts, seq: n + 1, values })), n)
        this.#unacknowledged++
      }
      publisher.flush()
    }
    this.#sent += burst
  }

  async allAcknowledged(): Promise<void> {
    if (this.#unacknowledged === 0) return
    await new Promise<void>((resolve) => {
      this.#allAcknowledged = resolve
    })
  }

  async close(): Promise<void> {
    await Promise.all(this.#publishers.map((publisher) => publisher.close()))
    this.#ledger.close()
  }

  #onAcknowledged(device: number, n: number): void {
    const now = Date.now()
    this.#ledger.add({
      ...{ device: devices[device]!, seq: n + 1, ...readingOf(device, n), sentAt: now, ackedAt: now },
    })
    if (--this.#unacknowledged === 0) this.#allAcknowledged?.()
  }
}

function readingOf(device: number, n: number) {
  return { ts: t0 + n * minuteMs, values: { temperature_c: temperatureOf(device, n) } }
}
