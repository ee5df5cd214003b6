import { randomUUID } from 'node:crypto'
import type { DeadDelivery, WebhookRecord } from '../domain/webhook.ts'
import type { OutboundPolicy } from '../lib/address-guard.ts'
import { type Clock, delay } from '../lib/clock.ts'
import { TidemarkError } from '../lib/errors.ts'
import type { Logger } from '../lib/logger.ts'
import { consumers, type Log } from '../log/log.ts'
import { type Resolve, WebhookClient } from './webhook-client.ts'
import { type WebhookLimits, webhookLimits } from './webhook-limits.ts'
import { forgetDeliveries } from './webhook-outbox.ts'
import { WebhookQueue, type WebhookStatus } from './webhook-queue.ts'
import type { DeliveriesReplayed, ReplayOptions } from './webhook-replay.ts'

export interface WebhookDeliveryOptions {
  readonly log: Log
  readonly clock: Clock
  readonly logger: Logger
  readonly policy: OutboundPolicy
  /** The registry: which webhooks there are, and when that changes. */
  readonly webhooks: { list(): readonly WebhookRecord[]; onChange(listener: () => void): void }
  /** For tests. */
  readonly random?: () => number
  readonly resolve?: Resolve
  readonly limits?: Partial<WebhookLimits>
  readonly timeoutMs?: number
}

const waitMs = 1_000
const retryMs = 500

/** Sends events to webhooks: a queue for each, in step with the registry. */
export class WebhookDelivery {
  readonly #options: WebhookDeliveryOptions
  readonly #client: WebhookClient
  readonly #queues = new Map<string, WebhookQueue>()
  readonly #stopping = new AbortController()
  #running: Promise<unknown> = Promise.resolve()
  #isChanged = true
  #wake: AbortController | undefined

  constructor(options: WebhookDeliveryOptions) {
    this.#options = options
    this.#client = new WebhookClient(options)
  }

  start(): void {
    this.#options.webhooks.onChange(() => {
      this.#isChanged = true
      this.#wake?.abort()
    })
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#wake?.abort()
    await this.#running
    await Promise.all([...this.#queues.values()].map((queue) => queue.stop()))
    this.#client.close()
  }

  /** Sends an event that is none, once, and says what came of it and after how long. */
  async test(target: { readonly id?: string; readonly url: string; readonly secret: string }): Promise<{
    readonly delivered: boolean
    readonly status?: number
    readonly detail?: string
    readonly durationMs: number
  }> {
    const { clock } = this.#options
    const event = {
      specversion: '1.0',
      id: randomUUID(),
      source: target.id === undefined ? '/webhooks:test' : `/webhooks/${target.id}`,
      type: 'tidemark.webhook.test.v1',
      time: new Date(clock.now()).toISOString(),
      datacontenttype: 'application/json',
      data: { message: 'A test: no alarm has anything to do with it.' },
    }
    const from = performance.now()
    const message = { id: event.id, body: JSON.stringify(event) }
    const outcome = await this.#client.post(target, message, this.#stopping.signal)
    return {
      delivered: outcome.delivered,
      ...(outcome.status !== undefined && { status: outcome.status }),
      ...(!outcome.delivered && { detail: outcome.detail }),
      durationMs: Math.round(performance.now() - from),
    }
  }

  /** How the webhook is doing; undefined while it does not run. */
  status(uid: string): WebhookStatus | undefined {
    return this.#queues.get(uid)?.status
  }

  deadDeliveries(uid: string, range: { after?: string | undefined; limit: number }): DeadDelivery[] {
    return this.#queues.get(uid)?.deadDeliveries(range) ?? []
  }

  /** Sends dead deliveries once more, all or those of `ids`: see `replayDead`. */
  async replay(
    uid: string,
    ids: readonly string[] | undefined,
    also?: ReplayOptions['also'],
  ): Promise<DeliveriesReplayed> {
    const queue = this.#queues.get(uid)
    if (queue !== undefined) return queue.replay(ids, also)
    // It was made this moment: it has none yet.
    const failed = (ids ?? []).map((id) => ({ id, reason: 'not found' }))
    return { replayed: 0, failed, more: false }
  }

  async #run(): Promise<void> {
    const { log } = this.#options
    const { signal } = this.#stopping
    await this.#orLater(() => this.#forgetRemoved())
    let committedAt = Number.NEGATIVE_INFINITY
    let seen = Number.NaN
    while (!signal.aborted) {
      this.#wake = new AbortController()
      await this.#orLater(() => this.#follow())
      const end = log.end('events')
      if (end !== seen) for (const queue of this.#queues.values()) queue.wake()
      seen = end
      if (performance.now() - committedAt >= waitMs) {
        await this.#orLater(() => this.#commit(end))
        committedAt = performance.now()
      }
      if (!this.#isChanged) await log.waitFor('events', end, waitMs, this.#wake.signal)
    }
  }

  /** Starts and stops queues as the registry says. */
  async #follow(): Promise<void> {
    if (!this.#isChanged) return
    this.#isChanged = false
    const webhooks = new Map(this.#options.webhooks.list().map((webhook) => [webhook.uid, webhook]))
    for (const [uid, queue] of this.#queues) {
      if (webhooks.has(uid)) continue
      await queue.stop()
      await forgetDeliveries(this.#options.log, uid)
      this.#queues.delete(uid)
    }
    for (const [uid, webhook] of webhooks) {
      const running = this.#queues.get(uid)
      if (running !== undefined) running.change(webhook)
      else this.#add(webhook)
    }
  }

  #add(webhook: WebhookRecord): void {
    const { log, clock, logger, random = Math.random, limits } = this.#options
    const queue = new WebhookQueue(webhook, {
      ...{ log, clock, logger, random, client: this.#client },
      limits: { ...webhookLimits, ...limits },
    })
    this.#queues.set(webhook.uid, queue)
    queue.start()
  }

  /** What is kept of webhooks that were removed just before a crash. */
  async #forgetRemoved(): Promise<void> {
    const { log, webhooks } = this.#options
    const uids = new Set(webhooks.list().map(({ uid }) => uid))
    for (const [uid] of log.entries('webhook-places')) {
      if (!uids.has(uid)) await forgetDeliveries(log, uid)
    }
  }

  /** Moves the durable offset to the slowest webhook: retention keeps the events from there on. */
  async #commit(end: number): Promise<void> {
    const { log } = this.#options
    const slowest = Math.min(end, ...[...this.#queues.values()].map(({ keptLow }) => keptLow))
    if (slowest === log.offset(consumers.webhooks)) return
    await log.transaction((tx) => tx.commitOffset(consumers.webhooks, slowest))
  }

  /** What the log refuses is done when the loop comes round again. */
  async #orLater(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error
      this.#isChanged = true
      this.#options.logger.error({ code: error.code, detail: error.message }, 'webhooks wait for the log')
      await delay(retryMs, this.#stopping.signal)
    }
  }
}
