import { connectAsync } from 'mqtt'
import { telemetryTopic } from '../domain/names.ts'
import { delay } from '../lib/clock.ts'
import { ApiClient } from '../simulators/api-client.ts'
import { MqttPublisher } from '../simulators/mqtt-publisher.ts'
import { usualValues, valueOverLowestLimit } from './installed-rules.ts'
import { median, round } from './rounds.ts'
import { startInfluxd } from './services/influxd.ts'
import { type Platform, tidemark } from './subjects.ts'

const tickMs = 2
/** How long events may come after the last message. */
const settleMs = 2_000
const eventsPrefix = 'events/'

export interface LatencyOptions {
  readonly rounds: number
  readonly rules: number
  readonly devices: number
  /** Messages a second in all, on schedule whatever comes back. */
  readonly rate: number
  readonly warmUpSeconds: number
  readonly seconds: number
}

export interface LatencyReport {
  readonly rules: number
  readonly rate: number
  readonly events: number
  /** Events that did not come. */
  readonly missing: number
  /** From a reading handed to its socket to the arrival of its event, of the round whose p99 is the median. */
  readonly eventMs: Spread
  readonly eventP99MsOfRounds: readonly number[]
  /** The same from the intended time of sending: how late the generator was is in it. */
  readonly intendedMs: Spread
  readonly generatorLateP99Ms: number
  /** The parts of `eventMs`, by the times that an event carries, to the millisecond. */
  readonly stageMs: Readonly<Record<keyof Stages, Spread>>
  /** The platform's own measure, from the reading received to the event published, of all rounds: `tidemark_event_seconds`. */
  readonly ownMs: { readonly p50: number; readonly p99: number }
}

interface Spread {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** Where the time between a reading and its event went. `received` of an event is that of the oldest message of its batch. */
interface Stages {
  /** Sent to received: the sockets and the group before it; below zero by what ingest gathered. */
  readonly received: number
  /** Received to recorded: the group's commit, what ingest gathers, its commit, evaluation. */
  readonly recorded: number
  /** Recorded to arrived: the commit of the event, and its delivery. */
  readonly arrived: number
}

interface Arrival extends Stages {
  readonly ms: number
  readonly intendedMs: number
}

interface Round {
  readonly arrivals: readonly Arrival[]
  readonly lateMs: readonly number[]
  readonly expected: number
}

/**
 * How soon a subscriber of `events/#` has the event of a reading: one message in 200 is over a limit, and the device's next
 * one is back.
 */
export async function eventLatency(options: LatencyOptions): Promise<LatencyReport> {
  const influxd = await startInfluxd()
  const platform = await tidemark(influxd, { rules: options.rules })
  try {
    const site = await Site.open(platform, options.devices)
    await site.run(options.rate, options.warmUpSeconds)
    const before = await eventSeconds(platform)
    const rounds: Round[] = []
    for (let i = 0; i < options.rounds; i++) rounds.push(await site.run(options.rate, options.seconds))
    const own = minus(await eventSeconds(platform), before)
    await site.close()
    const p99 = ({ arrivals }: Round) => spread(arrivals, 'ms').p99
    const of = median(rounds, p99)
    const { arrivals } = of
    return {
      rules: options.rules,
      rate: options.rate,
      events: arrivals.length,
      missing: rounds.reduce((sum, round) => sum + round.expected - round.arrivals.length, 0),
      eventMs: spread(arrivals, 'ms'),
      eventP99MsOfRounds: rounds.map(p99),
      intendedMs: spread(arrivals, 'intendedMs'),
      generatorLateP99Ms: percentile(of.lateMs, 0.99),
      stageMs: {
        received: spread(arrivals, 'received'),
        recorded: spread(arrivals, 'recorded'),
        arrived: spread(arrivals, 'arrived'),
      },
      ownMs: { p50: quantileMs(own, 0.5), p99: quantileMs(own, 0.99) },
    }
  } finally {
    await platform.stop()
    await influxd.remove()
  }
}

/** Devices that send, and a subscriber of their events. */
class Site {
  readonly #publishers: readonly MqttPublisher[]
  readonly #close: () => Promise<unknown>
  /** Of each reading whose event is awaited, by device and event time: when it was sent, and when it should have been. */
  readonly #awaited = new Map<string, { readonly sentAt: number; readonly intendedAt: number }>()
  #arrivals: Arrival[] = []
  #sent = 0

  private constructor(publishers: readonly MqttPublisher[], close: () => Promise<unknown>) {
    this.#publishers = publishers
    this.#close = close
  }

  static async open({ url, httpUrl, adminToken }: Platform, devices: number): Promise<Site> {
    const ids = Array.from({ length: devices }, (_, i) => ({ id: deviceId(i), type: 'smart_meter' }))
    const credentials = await new ApiClient(httpUrl, adminToken).provision(ids)
    const publishers = ids.map(({ id }) => {
      const login = credentials.get(id)
      const topic = telemetryTopic(id)
      return new MqttPublisher({
        url,
        clientId: id,
        ...login,
        topic,
        qos: 1,
        onAcknowledged: () => undefined,
      })
    })
    await Promise.all(publishers.map((publisher) => publisher.connect()))
    const subscriber = await connectAsync(url, {
      clientId: 'bench-events',
      username: 'api',
      password: adminToken,
    })
    const site = new Site(publishers, async () => {
      await subscriber.endAsync(true)
      await Promise.all(publishers.map((publisher) => publisher.close()))
    })
    subscriber.on('message', (topic, payload) => {
      if (topic.startsWith(eventsPrefix)) site.#arrived(Date.now(), payload)
    })
    await subscriber.subscribeAsync(`${eventsPrefix}#`, { qos: 1 })
    return site
  }

  /** Sends on schedule for a while, and waits for the last events. */
  async run(rate: number, seconds: number): Promise<Round> {
    this.#awaited.clear()
    this.#arrivals = []
    const lateMs: number[] = []
    const total = Math.round(rate * seconds)
    const startedAt = Date.now()
    let expected = 0
    for (let sent = 0; sent < total; ) {
      const now = Date.now()
      const due = Math.min(total, Math.floor(((now - startedAt) / 1_000) * rate))
      for (; sent < due; sent++) {
        const offsetMs = (sent / rate) * 1_000
        lateMs.push(now - startedAt - offsetMs)
        if (this.#send(now, startedAt + offsetMs)) expected++
      }
      for (const publisher of this.#publishers) publisher.flush()
      await delay(tickMs)
    }
    const until = performance.now() + settleMs
    while (this.#arrivals.length < expected && performance.now() < until) await delay(tickMs)
    return { arrivals: this.#arrivals, lateMs, expected }
  }

  close(): Promise<unknown> {
    return this.#close()
  }

  /** Sends the next message; whether an event follows from it. */
  #send(sentAt: number, intendedAt: number): boolean {
    const ts = Math.round(intendedAt)
    const devices = this.#publishers.length
    const device = this.#sent % devices
    const turn = Math.floor(this.#sent / devices)
    this.#sent++
    // In one turn of four one device is over its limit, another one each time, and in the next turn it is back.
    const isTheOne = Math.floor(turn / turnsPerCrossing) % devices === device
    const isOver = isTheOne && turn % turnsPerCrossing === 0
    const isBack = isTheOne && turn % turnsPerCrossing === 1
    const active_power_w = isOver ? valueOverLowestLimit('active_power_w') : usualValues.active_power_w
    const values = { ...usualValues, active_power_w, energy_import_kwh: 10 }
    this.#publishers[device]!.publish(Buffer.from(JSON.stringify({ ts, values })), turn)
    if (isOver || isBack) this.#awaited.set(`${deviceId(device)} ${ts}`, { sentAt, intendedAt })
    return isOver || isBack
  }

  #arrived(at: number, payload: Buffer): void {
    const { subject, time, data } = JSON.parse(payload.toString()) as CloudEvent
    const key = `${subject} ${Date.parse(time)}`
    const sent = this.#awaited.get(key)
    if (sent === undefined) return
    this.#awaited.delete(key)
    const [receivedAt, recordedAt] = [Date.parse(data.received), Date.parse(data.recorded)]
    this.#arrivals.push({
      ms: at - sent.sentAt,
      intendedMs: at - sent.intendedAt,
      received: receivedAt - sent.sentAt,
      recorded: recordedAt - receivedAt,
      arrived: at - recordedAt,
    })
  }
}

/** What is read of an event. */
interface CloudEvent {
  readonly subject: string
  readonly time: string
  readonly data: { readonly received: string; readonly recorded: string }
}

const turnsPerCrossing = 4

function deviceId(index: number): string {
  return `bench-${index}`
}

function spread(arrivals: readonly Arrival[], of: keyof Arrival): Spread {
  const values = arrivals.map((arrival) => arrival[of])
  return { p50: percentile(values, 0.5), p99: percentile(values, 0.99), max: percentile(values, 1) }
}

function percentile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return round(sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * q) - 1)] ?? Number.NaN)
}

/** Upper end of each bucket in seconds, and how many lie at or below it. */
type Buckets = readonly (readonly [seconds: number, count: number])[]

async function eventSeconds({ httpUrl }: Platform): Promise<Buckets> {
  const text = await (await fetch(`${httpUrl}/metrics`)).text()
  const found = text.matchAll(/^tidemark_event_seconds_bucket\{le="([^"]+)"\} (\d+)$/gm)
  return [...found].map(([, le, count]) => [
    le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le),
    Number(count),
  ])
}

function minus(after: Buckets, before: Buckets): Buckets {
  return after.map(([seconds, count], i) => [seconds, count - (before[i]?.[1] ?? 0)])
}

/** As `histogram_quantile` of Prometheus: on a straight line within the bucket. */
function quantileMs(buckets: Buckets, q: number): number {
  const rank = q * (buckets.at(-1)?.[1] ?? 0)
  let [belowSeconds, belowCount] = [0, 0]
  for (const [seconds, count] of buckets) {
    if (count >= rank && count > belowCount) {
      if (seconds === Number.POSITIVE_INFINITY) break
      const share = (rank - belowCount) / (count - belowCount)
      return round((belowSeconds + (seconds - belowSeconds) * share) * 1_000)
    }
    belowSeconds = seconds
    belowCount = count
  }
  return round(belowSeconds * 1_000)
}
