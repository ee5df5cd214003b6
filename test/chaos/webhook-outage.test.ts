import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import type { DeliveredEvent } from '../../domain/event.ts'
import { MqttPublisher } from '../../simulators/mqtt-publisher.ts'
import { type Received, webhookReceiver } from '../events/webhook-receiver.ts'
import { webhookVerdict } from '../events/webhook-verdict.ts'
import { tellFigures } from '../support/figures.ts'
import { type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import { sizeOf } from '../support/promises.ts'
import { tempDir } from '../support/temp-dir.ts'

/**
 * R11, at real time: readings over MQTT, rules, events, and a receiver that is down, then slow, then refuses every third request.
 * A third of the time that it is down each of the other two lasts at least.
 */
const downSeconds = sizeOf('TIDEMARK_WEBHOOK_DOWN_SECONDS')
const otherSeconds = Math.max(5, downSeconds / 3)
const deviceIds = Array.from({ length: 12 }, (_, i) => `fridge-${i}`)
const secret = 'a secret of sixteen or more'
const flags = ['--webhook-allow-http', '--webhook-allow-networks', '127.0.0.0/8', '--log-level', 'error']
/**
 * Waits between attempts have grown with the time that the receiver was down, up to 5 minutes, and one that is refused then waits longer
 * yet: drawn waits, so this is only where nothing moves any more.
 */
const drainMsMax = 600_000 + 2_000 * downSeconds
const none = { missing: 0, invented: 0, altered: 0, unsigned: 0, outOfOrder: 0 }

interface Webhook {
  readonly waiting: number
  readonly deadDeliveries: number
  readonly failing: object | null
}

test(
  `a receiver down for ${downSeconds} s, then slow, then failing every third time gets every event, in order for each alarm`,
  async () => {
    let phase: 'slow' | 'failing' = 'slow'
    const receiver = await webhookReceiver((n, one, response) => {
      if (phase === 'failing') return n % 3 === 0 ? 500 : 204
      // Every tenth is taken, and answered when the platform waits no longer: it has to come again.
      one.status = 204
      setTimeout(() => response.writeHead(204).end(), n % 10 === 0 ? 6_000 : 200)
      return 'by hand'
    })
    const platform = await startPlatformProcess(tempDir(), flags)
    onTestFinished(async () => void (await platform.end('SIGKILL')))
    await receiver.down()
    await prepare(platform, receiver.url)
    const fleet = await startFleet(platform)

    const startedAt = performance.now()
    await delay(downSeconds * 1_000)
    const atReturn = await webhookOf(platform)
    expect(atReturn.waiting).toBeGreaterThan(deviceIds.length)
    expect(atReturn.failing).not.toBeNull()
    await receiver.up()
    await delay(otherSeconds * 1_000)
    const whileSlow = receiver.received.length
    phase = 'failing'
    await delay(otherSeconds * 1_000)
    const sent = await fleet.stop()
    const drainingSince = performance.now()
    await expect
      .poll(async () => (await lagOf(platform)) === 0 && (await webhookOf(platform)).waiting, {
        timeout: drainMsMax,
        interval: 250,
      })
      .toBe(0)
    const endedAt = performance.now()

    const events = await allEvents(platform)
    const { received } = receiver
    const taken = receiver.taken()
    const verdict = webhookVerdict(events, received, taken, secret)
    const seconds = (ms: number) => Math.round(ms / 100) / 10
    const report = {
      downSeconds,
      readings: sent,
      events: events.length,
      alarms: new Set(events.map(({ data }) => data.alarm)).size,
      waitingAtReturn: atReturn.waiting,
      requests: received.length,
      whileSlow,
      refused: received.filter(({ status }) => status === 500).length,
      repeats: taken.length - new Set(taken.map(({ id }) => id)).size,
      drainSeconds: seconds(endedAt - drainingSince),
      seconds: seconds(endedAt - startedAt),
      ...verdict,
    }
    tellFigures(report)
    expect(verdict).toEqual(none)
    expect(await webhookOf(platform)).toMatchObject({ waiting: 0, deadDeliveries: 0, failing: null })
    // Each reading raises or clears: nothing was lost before the webhook either.
    expect(events).toHaveLength(sent)
    expect(report.refused).toBeGreaterThan(0)
    expect(report.repeats).toBeGreaterThan(0)
    expect(faultsTold(events, received, secret)).toEqual({
      aLost: { ...none, missing: 1 },
      aSwap: { ...none, outOfOrder: 4 },
      aChange: { ...none, altered: 1, unsigned: 1 },
      anotherKey: { ...none, unsigned: received.length },
    })
  },
  (downSeconds + 2 * otherSeconds) * 1_000 + drainMsMax + 60_000,
)

/** The same record with one fault put in each time: a verdict that does not change proves nothing. */
function faultsTold(events: readonly DeliveredEvent[], received: readonly Received[], key: string) {
  // Each event once, as taken at once: then a fault is exactly one.
  const firsts = [...new Map(received.toReversed().map((one) => [one.id, one])).values()].toReversed()
  const [alarm] = events.map(({ data }) => data.alarm)
  const [a, b] = firsts.filter(({ event }) => event.data.alarm === alarm) as [Received, Received]
  const swapped = firsts.map((one) => (one === a ? b : one === b ? a : one))
  const changed = firsts.map((one) =>
    one === a ? { ...one, body: `${one.body} `, event: { ...one.event, subject: 'another' } } : one,
  )
  const last = events.at(-1)!.id
  const without = firsts.filter(({ id }) => id !== last)
  return {
    aLost: webhookVerdict(events, without, without, key),
    aSwap: webhookVerdict(events, swapped, swapped, key),
    aChange: webhookVerdict(events, changed, changed, key),
    anotherKey: webhookVerdict(events, received, firsts, `${key}.`),
  }
}

async function prepare({ api }: PlatformProcess, url: string): Promise<void> {
  await api.request('POST', '/rules', {
    id: 'warm',
    name: 'Warm',
    class: 'maintenance',
    severity: 'major',
    select: { types: ['fridge'] },
    when: { kind: 'threshold', metric: 'temperature_c', above: 8 },
  })
  await api.request('POST', '/webhooks', { id: 'w', url, secret })
}

/** Each device sends a reading a second, too warm and not by turns, until it is stopped. */
async function startFleet({ api, mqttUrl }: PlatformProcess) {
  const credentials = await api.provision(deviceIds.map((id) => ({ id, type: 'fridge' })))
  let acknowledged = 0
  const publishers = deviceIds.map(
    (id) =>
      new MqttPublisher({
        url: mqttUrl,
        clientId: id,
        ...credentials.get(id),
        topic: `devices/${id}/telemetry`,
        qos: 1,
        onAcknowledged: () => {
          acknowledged++
        },
      }),
  )
  for (const publisher of publishers) await publisher.connect()
  let sent = 0
  const begin = Date.now()
  const send = () => {
    const round = sent / publishers.length
    const payload = { ts: begin + round * 1_000, values: { temperature_c: round % 2 === 0 ? 9 : 5 } }
    for (const publisher of publishers) {
      publisher.publish(Buffer.from(JSON.stringify(payload)), sent++)
      publisher.flush()
    }
  }
  send()
  const timer = setInterval(send, 1_000)
  const stop = async () => {
    clearInterval(timer)
    await expect.poll(() => acknowledged, { timeout: 20_000 }).toBe(sent)
    for (const publisher of publishers) await publisher.close()
    return sent
  }
  onTestFinished(() => clearInterval(timer))
  return { stop }
}

async function webhookOf({ api }: PlatformProcess): Promise<Webhook> {
  return api.request<Webhook>('GET', '/webhooks/w')
}

/** Of ingest, rules and webhooks together: 0 when every reading has become what it becomes, and every event is delivered. */
async function lagOf({ api }: PlatformProcess): Promise<number> {
  const { consumers } = await api.request<{ consumers: { name: string; lag: number }[] }>('GET', '/stats')
  return consumers.reduce((sum, { lag }) => sum + lag, 0)
}

async function allEvents({ api }: PlatformProcess): Promise<DeliveredEvent[]> {
  const events: DeliveredEvent[] = []
  for (let after = '0'; ; ) {
    const { items } = await api.request<{ items: DeliveredEvent[] }>(
      'GET',
      `/events?limit=1000&after=${after}`,
    )
    events.push(...items)
    const last = items.at(-1)
    if (last === undefined) return events
    after = last.sequence
  }
}
