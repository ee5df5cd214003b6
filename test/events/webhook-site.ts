import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import type { EventRecord } from '../../domain/event.ts'
import { recordNumber } from '../../domain/record-number.ts'
import { WebhookDelivery } from '../../events/webhook-delivery.ts'
import type { WebhookLimits } from '../../events/webhook-limits.ts'
import { parseNetworks } from '../../lib/address-guard.ts'
import { wallClock } from '../../lib/clock.ts'
import { silentLogger } from '../../lib/logger.ts'
import { openLmdbLog } from '../../log/lmdb-log.ts'
import type { Log } from '../../log/log.ts'
import { WebhookRegistry } from '../../registry/webhook-registry.ts'
import { tempDir } from '../support/temp-dir.ts'
import { type Behaviour, type Received, webhookReceiver } from './webhook-receiver.ts'
import { webhookVerdict } from './webhook-verdict.ts'

export const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
export const key = Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64')
const policy = { allowHttp: true, networks: parseNetworks('127.0.0.0/8')! }
export const everything = { classes: [], severities: [], rules: [] }
export const patient = { timeout: 20_000 }

export function eventOf(n: number, given: Partial<EventRecord['data']> = {}): EventRecord {
  const time = new Date(Date.UTC(2026, 10, 23) + n).toISOString()
  return {
    specversion: '1.0',
    id: `event-${n}`,
    source: '/rules/r',
    type: 'tidemark.maintenance.raised.v1',
    subject: 'fridge-1',
    time,
    datacontenttype: 'application/json',
    data: {
      ...{ alarm: 'a', rule: 'r', ruleVersion: 1, device: 'fridge-1', deviceType: 'fridge' },
      ...{ class: 'maintenance', severity: 'major', state: 'raised', message: 'm' },
      ...{ since: time, recorded: time, evidence: [], ...given },
    },
  }
}

export async function openLog() {
  const log = await openLmdbLog({ path: join(tempDir(), 'log') })
  onTestFinished(() => log.close())
  return { log, webhooks: new WebhookRegistry(log, policy) }
}

export async function append(log: Log, events: readonly EventRecord[]): Promise<void> {
  await log.transaction((tx) => {
    for (const event of events) tx.append('events', Buffer.from(JSON.stringify(event)), 1)
  })
}

export function deliver(
  log: Log,
  webhooks: WebhookRegistry,
  limits: Partial<WebhookLimits> = {},
  timeoutMs = 5_000,
) {
  const delivery = new WebhookDelivery({
    ...{ log, clock: wallClock, logger: silentLogger, policy, webhooks, timeoutMs },
    limits: { firstMs: 2, maxMs: 20, ...limits },
  })
  delivery.start()
  onTestFinished(() => delivery.stop())
  return delivery
}

/** A log, a webhook on a receiver that behaves so, and its delivery. */
export async function site(behave?: Behaviour, limits: Partial<WebhookLimits> = {}) {
  const { log, webhooks } = await openLog()
  const receiver = await webhookReceiver(behave)
  const created = await webhooks.create({ id: 'w', url: receiver.url, secret, ...everything })
  if (created.outcome !== 'created') throw new Error(created.outcome)
  const delivery = deliver(log, webhooks, limits)
  return { log, webhooks, receiver, delivery, uid: created.webhook.uid }
}

export const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)
export const ids = (received: readonly Received[]) => received.map(({ id }) => id)
/** So many events, of several alarms in turn. */
export const eventsOf = (count: number, alarms: number) =>
  upTo(count).map((n) => eventOf(n, { alarm: `alarm-${n % alarms}` }))

/** Every event was taken, those of each alarm in order, all verifiable, repeats with the same id and body. */
export function expectAll(
  received: readonly Received[],
  taken: readonly Received[],
  events: readonly EventRecord[],
) {
  const delivered = events.map((event, n) => ({ ...event, sequence: recordNumber(n) }))
  const none = { missing: 0, invented: 0, altered: 0, unsigned: 0, outOfOrder: 0 }
  expect(webhookVerdict(delivered, received, taken, key)).toEqual(none)
}
