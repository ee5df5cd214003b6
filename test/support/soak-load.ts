import { setMaxListeners } from 'node:events'
import { connectAsync } from 'mqtt'
import { onTestFinished } from 'vitest'
import { delay } from '../../lib/clock.ts'
import { bench, benchDeviceId } from '../../simulators/bench.ts'
import { webhookReceiver } from '../events/webhook-receiver.ts'
import { openStream } from '../http/open-stream.ts'
import { adminToken, type PlatformProcess } from './platform-process.ts'

/** What the platform is started with for it. */
export const soakFlags = [
  ...['--webhook-allow-http', '--webhook-allow-networks', '127.0.0.0/8'],
  ...['--device-rate-max', '0', '--log-level', 'error'],
]

const publishing = 50
/** Clients that come, stay and go, at most so many at a time. */
const guests = 10
const guestMs = 1_500
const queryEveryMs = 500

const base = {
  class: 'maintenance',
  severity: 'minor',
  select: { types: ['smart_meter'] },
} as const
const rules = [
  {
    ...base,
    id: 'restless',
    name: 'Restless',
    when: { kind: 'expression', cel: 'int(energy_import_kwh) % 200 < 100' },
  },
  {
    ...base,
    id: 'mean',
    name: 'Mean',
    when: { kind: 'aggregate', metric: 'current_a', fn: 'p95', window: '10s', above: 1_000 },
  },
  { ...base, id: 'silent', name: 'Silent', when: { kind: 'absence', longerThan: '1h' } },
]

export interface SoakCounts {
  readonly acknowledged: number
  readonly streamed: number
  readonly delivered: number
  readonly guests: number
  readonly queries: number
  readonly failures: number
}

/**
 * Everything that a platform does, at once: devices that publish, rules with events, a stream, a webhook, clients that come and go, queries. `stop` ends it and says how much there was.
 */
export async function startSoakLoad(platform: PlatformProcess, rate: number) {
  const { api, mqttUrl, httpUrl } = platform
  const receiver = await webhookReceiver()
  for (const rule of rules) await api.request('POST', '/rules', rule)
  await api.request('POST', '/webhooks', {
    id: 'soak',
    url: receiver.url,
    secret: 'sixteen characters or more',
  })
  const ids = Array.from({ length: publishing }, (_, n) => benchDeviceId(n))
  const guestIds = Array.from({ length: guests }, (_, n) => `guest-${n}`)
  const all = [...ids, ...guestIds].map((id) => ({ id, type: 'smart_meter' }))
  const credentials = await api.provision(all)
  const stream = await openStream({ adminToken }, Number(new URL(httpUrl).port), 'events/stream?after=0')
  const over = new AbortController()
  setMaxListeners(2 * guests, over.signal)
  onTestFinished(() => over.abort())
  const counts = { streamed: 0, delivered: 0, guests: 0, queries: 0, failures: 0 }

  const load = bench({
    ...{ url: mqttUrl, devices: publishing, rate, durationMs: 86_400_000, inFlight: 500, qos: 1 },
    ...{ credentials, signal: over.signal },
  })
  const isOver = () => over.signal.aborted
  /** By turns an operator who listens and a device that says something; every other pair of visits ends without DISCONNECT. */
  const visit = async (id: string, n: number, nth: number) => {
    const isOperator = nth % 2 === 0
    const login = isOperator ? { username: 'api', password: adminToken } : credentials.get(id)!
    const clientId = isOperator ? `listener-${n}` : id
    const client = await connectAsync(mqttUrl, { clientId, ...login, reconnectPeriod: 0 })
    client.on('error', () => undefined)
    const said = isOperator
      ? client.subscribeAsync(['events/#', 'devices/+/status'], { qos: 1 })
      : client.publishAsync(`devices/${id}/telemetry`, '{"current_a":1}', { qos: 1 })
    // A client whose connection is lost would wait for its answer for ever.
    await Promise.race([said, new Promise((resolve) => client.once('close', () => resolve(undefined)))])
    await delay(guestMs, over.signal)
    if (nth % 4 < 2) client.end()
    else client.stream.destroy()
    counts.guests++
  }
  /** On a machine that is busy with other things some come too late, and are counted as that. */
  const tried = (work: Promise<unknown>) => work.catch(() => void counts.failures++)
  const runGuest = async (id: string, n: number) => {
    await delay((n * guestMs) / guests, over.signal)
    for (let nth = 0; !isOver(); nth++) await tried(visit(id, n, nth))
  }
  const runQueries = async () => {
    const paths = [
      `/readings?device=bench-0&limit=100&from=${Date.now()}`,
      '/devices?limit=50',
      '/alarms?limit=50',
      '/events?limit=50',
      '/stats',
    ]
    for (; !isOver(); counts.queries++) {
      await tried(api.request('GET', paths[counts.queries % paths.length]!))
      if (counts.queries % 10 === 0) await tried(fetch(`${httpUrl}/metrics`).then((answer) => answer.text()))
      // What it holds is for the platform to bound, not for this process.
      counts.streamed += stream.received.splice(0).length
      counts.delivered += receiver.received.splice(0).length
      await delay(queryEveryMs, over.signal)
    }
  }
  const running = Promise.all([...guestIds.map(runGuest), runQueries()])
  return {
    /** Records that the consumer which has the most has yet to read. */
    lag: async (): Promise<number> => {
      const { consumers } = await api.request<{ consumers: { lag: number }[] }>('GET', '/stats')
      return Math.max(...consumers.map((consumer) => consumer.lag))
    },
    stop: async (): Promise<SoakCounts> => {
      over.abort()
      const { acknowledged } = await load
      await running
      await stream.close()
      return { acknowledged, ...counts }
    },
  }
}
