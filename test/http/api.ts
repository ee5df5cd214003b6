import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { WriteHold } from '../../backup/write-hold.ts'
import { CommandTable, removeCommands } from '../../commands/command-table.ts'
import type { DeadLetter } from '../../domain/dead-letter.ts'
import type { EventRecord } from '../../domain/event.ts'
import type { ReadingBatch } from '../../domain/reading-batch.ts'
import { WebhookDelivery } from '../../events/webhook-delivery.ts'
import type { HttpDeps } from '../../http/http-deps.ts'
import { createHttpServer } from '../../http/http-server.ts'
import { parseNetworks } from '../../lib/address-guard.ts'
import type { Clock } from '../../lib/clock.ts'
import { diskSpace } from '../../lib/disk-space.ts'
import { silentLogger } from '../../lib/logger.ts'
import { createMetrics } from '../../lib/metrics.ts'
import { encodedMessageBytes, encodeIngressGroup } from '../../log/ingress-codec.ts'
import { openLmdbLog } from '../../log/lmdb-log.ts'
import type { Log } from '../../log/log.ts'
import { AllWebhooks } from '../../registry/all-webhooks.ts'
import { DeviceRegistry } from '../../registry/device-registry.ts'
import { ProfileRegistry } from '../../registry/profile-registry.ts'
import { type Role, TokenRegistry } from '../../registry/token-registry.ts'
import { WebhookRegistry } from '../../registry/webhook-registry.ts'
import { RuleRegistry } from '../../rules/rule-registry.ts'
import { DuckDbStore } from '../../storage/duckdb-store.ts'
import { Backtests } from '../../threads/backtests.ts'
import { Parts } from '../../threads/parts.ts'
import { builtBacktestThread } from '../support/built-threads.ts'
import { tempDir } from '../support/temp-dir.ts'
import { undescribed } from './described-answer.ts'

export const startMs = Date.UTC(2026, 10, 23, 12)
const adminToken = 'the-administrators-own-token'
/** One for all tests: its thread is started once. */
const backtests = new Backtests({ file: builtBacktestThread })
/** Webhooks of the tests may reach one network that is not public. */
const policy = { allowHttp: true, networks: parseNetworks('127.0.0.0/8')! }

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: a test reads into answers of any shape, and fails where it is another
  readonly body: any
}

/** Opens `store` when it is first asked something: most tests ask it nothing, and to open a database takes longer than they do. */
function openedOnUse(store: DuckDbStore): DuckDbStore {
  let opened: Promise<void> | undefined
  return new Proxy(store, {
    get: (_, name) => {
      const own = Reflect.get(store, name, store)
      if (typeof own !== 'function') return own
      return async (...given: unknown[]) => {
        opened ??= name === 'close' ? Promise.resolve() : store.open()
        await opened
        return own.apply(store, given)
      }
    },
  })
}

/** The HTTP face over a real log, real registries and a real DuckDB; stopped when the test ends. */
export async function startApi(
  overrides: Partial<HttpDeps> = {},
  options: { bodyMsMax?: number; requestsPerMinuteMax?: number } = {},
) {
  const path = tempDir()
  const log = await openLmdbLog({ path: join(path, 'log') })
  const store = openedOnUse(new DuckDbStore({ path: join(path, 'readings.duckdb'), memoryLimitMb: 64 }))
  let nowMs = startMs
  const clock: Clock = { now: () => nowMs }
  const devices = new DeviceRegistry(log, clock, removeCommands)
  const tokens = new TokenRegistry(log, clock, adminToken)
  const webhooks = new WebhookRegistry(log, policy)
  const rules = new RuleRegistry(log, clock)
  const webhookDelivery = new WebhookDelivery({
    ...{ log, clock, logger: silentLogger, policy },
    webhooks: new AllWebhooks(webhooks, rules),
    limits: { firstMs: 1, maxMs: 5 },
  })
  const online = new Set<string>()
  const deps: HttpDeps = {
    log,
    clock,
    logger: silentLogger,
    metrics: createMetrics(),
    devices,
    tokens,
    profiles: new ProfileRegistry(log),
    rules,
    webhooks,
    webhookSender: webhookDelivery,
    commands: new CommandTable(log),
    store,
    // Their threads are not here: a restart is only counted.
    parts: new Parts({ log, clock, threads: { data: countedThread(), rules: countedThread() } }),
    backtests,
    backupHold: new WriteHold({ log, logger: silentLogger, retention: { keepsIngress: false }, store }),
    diskSpace: () => diskSpace(path),
    storeStatus: () => ({ kind: 'duckdb', up: true }),
    connections: {
      isOnline: (id) => online.has(id),
      lastSeenAt: (id) => (online.has(id) ? nowMs : undefined),
      count: () => online.size,
      disconnect: (id) => void online.delete(id),
    },
    mqttPorts: { plain: 1883, tls: undefined },
    republish: async (device, payload, topic) => {
      const message = { device, topic, payload }
      await log.appendIngress(encodeIngressGroup(nowMs, [message], encodedMessageBytes(device, payload)), 1)
      return true
    },
    dashboardDir: join(path, 'dashboard'),
    ...overrides,
  }
  const http = await createHttpServer(deps, options)
  onTestFinished(async () => {
    await http.close()
    await webhookDelivery.stop()
    await store.close()
    await log.close()
  })

  async function call(
    method: string,
    url: string,
    body?: unknown,
    options: { token?: string | undefined; headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    const token = 'token' in options ? options.token : adminToken
    const path = url.startsWith('/') ? url : `/api/v1/${url}`
    const answer = await http.inject({
      method: method as 'GET',
      url: path,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const isJson = String(answer.headers['content-type']).includes('json')
    const isOne = isJson && !String(answer.headers['content-type']).includes('ndjson')
    const answered: Answer = {
      status: answer.statusCode,
      headers: answer.headers,
      text: answer.body,
      body: isOne && answer.body !== '' ? JSON.parse(answer.body) : undefined,
    }
    const problem = undescribed(method, path, answered)
    if (problem !== undefined) throw new Error(`${method} ${path} is not as /openapi.json has it: ${problem}`)
    return answered
  }

  return {
    ...deps,
    store,
    webhookDelivery,
    http,
    online,
    adminToken,
    call,
    get: (url: string) => call('GET', url),
    post: (url: string, body?: unknown) => call('POST', url, body),
    setNow: (ms: number) => {
      nowMs = ms
    },
    tokenOf: async (role: Role) => (await tokens.create({ name: role, role, expiresAt: null })).secret,
    /** Everything that a list has, page by page. */
    all: async (url: string, limit: number): Promise<Answer['body'][]> => {
      const items: Answer['body'][] = []
      let cursor = ''
      for (;;) {
        const { body, status, text } = await call(
          'GET',
          `${url}${url.includes('?') ? '&' : '?'}limit=${limit}${cursor}`,
        )
        if (status !== 200) throw new Error(`${status} ${text}`)
        if (body.items.length > limit) throw new Error('a page is longer than its limit')
        items.push(...body.items)
        if (body.nextCursor === null) return items
        cursor = `&cursor=${body.nextCursor}`
      }
    },
  }
}

function countedThread() {
  const restarts = new Map<string, number>()
  return {
    restart: async (part: string) => {
      restarts.set(part, (restarts.get(part) ?? 0) + 1)
      return restarts.get(part)!
    },
  }
}

export type TestApi = Awaited<ReturnType<typeof startApi>>

export const rule = {
  id: 'fridge-too-warm',
  name: 'Fridge too warm',
  class: 'maintenance',
  severity: 'major',
  select: { types: ['fridge'] },
  when: { kind: 'threshold', metric: 'temperature_c', above: 8, clear: 7 },
  for: '15m',
}

export function eventOf(
  n: number,
  given: { device?: string; class?: 'maintenance' | 'health' } = {},
): EventRecord {
  const device = given.device ?? 'fridge-1'
  const eventClass = given.class ?? 'maintenance'
  const time = new Date(startMs + n * 1000).toISOString()
  return {
    specversion: '1.0',
    id: `event-${n}`,
    source: '/rules/fridge-too-warm',
    type: `tidemark.${eventClass}.raised.v1`,
    subject: device,
    time,
    datacontenttype: 'application/json',
    data: {
      alarm: `alarm-of-${device}`,
      rule: 'fridge-too-warm',
      ruleVersion: 1,
      device,
      deviceType: 'fridge',
      class: eventClass,
      severity: 'major',
      state: 'raised',
      message: `${device} is warm`,
      since: time,
      recorded: time,
      evidence: [],
    },
  }
}

export async function appendEvents(log: Log, events: readonly EventRecord[]): Promise<void> {
  await log.transaction((tx) => {
    for (const event of events) tx.append('events', Buffer.from(JSON.stringify(event)), 1)
  })
}

export function letterOf(n: number, given: Partial<DeadLetter> = {}): DeadLetter {
  return {
    receivedAt: new Date(startMs + n).toISOString(),
    device: 'fridge-1',
    topic: 'devices/fridge-1/telemetry',
    stage: 'validate',
    reason: 'value.wrong_type',
    detail: 'temperature_c is a number',
    payload: `{"temperature_c":"${n}"}`,
    encoding: 'utf8',
    ...given,
  }
}

/** As ingest does: the letter and its count in one transaction. */
export async function appendLetters(log: Log, letters: readonly DeadLetter[]): Promise<void> {
  await log.transaction((tx) => {
    for (const letter of letters) {
      tx.append('dead-letters', Buffer.from(JSON.stringify(letter)), 1)
      tx.count(`messages.dead-lettered:${letter.reason}`, 1)
    }
  })
}

/** Readings of one device and metric, a batch as ingest writes it. */
export function readingsOf(
  device: string,
  type: string,
  metric: string,
  points: readonly (readonly [time: number, value: number])[],
): ReadingBatch {
  const rows = points.length
  return {
    receivedAt: startMs,
    messages: rows,
    devices: [{ id: device, type, tags: [] }],
    shapes: [{ metrics: [metric], types: 'n' }],
    rows,
    device: new Uint32Array(rows),
    shape: new Uint32Array(rows),
    message: Uint32Array.from(points, (_, i) => i),
    time: Float64Array.from(points, ([time]) => time),
    future: new Uint8Array(rows),
    values: Float64Array.from(points, ([, value]) => value),
    strings: [],
  }
}

/** Names that every object has: none of them may be taken for something that was registered. */
export const prototypeNames = Object.getOwnPropertyNames(Object.prototype)
