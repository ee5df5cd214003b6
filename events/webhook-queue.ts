import type { DeliveredEvent } from '../domain/event.ts'
import type { DeadDelivery, WebhookRecord } from '../domain/webhook.ts'
import { backoffMs } from '../lib/backoff.ts'
import { type Clock, delay } from '../lib/clock.ts'
import { TidemarkError } from '../lib/errors.ts'
import type { Logger } from '../lib/logger.ts'
import type { Log } from '../log/log.ts'
import type { AttemptOutcome, WebhookClient } from './webhook-client.ts'
import type { WebhookLimits } from './webhook-limits.ts'
import { WebhookOutbox } from './webhook-outbox.ts'
import type { OpenEvent } from './webhook-place.ts'
import { type DeliveriesReplayed, type ReplayOptions, replayDead } from './webhook-replay.ts'

export interface WebhookQueueOptions {
  readonly log: Log
  readonly clock: Clock
  readonly logger: Logger
  readonly random: () => number
  readonly client: Pick<WebhookClient, 'post'>
  readonly limits: WebhookLimits
}

/** How a webhook is doing. */
export interface WebhookStatus {
  /** Events that are read and not delivered. */
  readonly waiting: number
  readonly deadDeliveries: number
  /** Since the last delivery (RFC 3339), and how the last attempt failed; null where it did not. */
  readonly failing: { readonly since: string; readonly detail: string } | null
}

const idleMs = 1_000
const retryMs = 500
/** What `stop` grants to the requests in flight: those that it cuts off come again. */
const stopMsMax = 1_000

/**
 * Delivers the events of the stream to one webhook: at least once, those of one alarm in order, what fails again and again
 * until it is given up.
 */
export class WebhookQueue {
  readonly #options: WebhookQueueOptions
  readonly #outbox: WebhookOutbox
  readonly #stopping = new AbortController()
  readonly #cuttingOff = new AbortController()
  readonly #inFlight = new Set<Promise<void>>()
  #webhook: WebhookRecord
  #running: Promise<void> | undefined
  /** Unix ms: what `Retry-After` asks for. */
  #pausedUntil = Number.NEGATIVE_INFINITY
  #failing: { readonly since: string; readonly detail: string } | undefined
  #isWoken = false
  #waiting: AbortController | undefined
  #replaying: Promise<unknown> = Promise.resolve()

  constructor(webhook: WebhookRecord, options: WebhookQueueOptions) {
    this.#webhook = webhook
    this.#options = options
    this.#outbox = new WebhookOutbox(webhook, options)
  }

  /** Every event below this offset is finished, and that is on disk. */
  get keptLow(): number {
    return this.#outbox.keptLow
  }

  get status(): WebhookStatus {
    const { place, dead } = this.#outbox
    return { waiting: place.size, deadDeliveries: dead.count, failing: this.#failing ?? null }
  }

  start(): void {
    this.#running = this.#run()
  }

  /** What is in flight may end, for a moment; what was delivered is kept. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.wake()
    const grace = new AbortController()
    await Promise.race([Promise.all(this.#inFlight), delay(stopMsMax, grace.signal)])
    grace.abort()
    this.#cuttingOff.abort()
    await Promise.all([this.#running, this.#replaying, ...this.#inFlight])
  }

  /** The webhook was edited: what waits goes where it says now. */
  change(webhook: WebhookRecord): void {
    this.#webhook = webhook
    this.wake()
  }

  /** Looks at once for something to do: there are new events, say. */
  wake(): void {
    this.#isWoken = true
    this.#waiting?.abort()
  }

  /** Oldest first, after the id `after`. */
  deadDeliveries(range: { after?: string | undefined; limit: number }): DeadDelivery[] {
    return this.#outbox.dead.list(range)
  }

  /** Sends dead deliveries once more, all or those of `ids`; one replay at a time. */
  replay(ids: readonly string[] | undefined, also?: ReplayOptions['also']): Promise<DeliveriesReplayed> {
    const { clock } = this.#options
    const { signal } = this.#stopping
    const post = (event: DeliveredEvent) => this.#post(event)
    const result = this.#replaying.then(() =>
      replayDead({ dead: this.#outbox.dead, ids, also, post, clock, signal }),
    )
    this.#replaying = result.catch(() => undefined)
    return result
  }

  async #run(): Promise<void> {
    const { logger } = this.#options
    const { signal } = this.#stopping
    for (let isLast = false; !isLast; ) {
      // Once more when all has ended: it keeps what was delivered last.
      isLast = signal.aborted && this.#inFlight.size === 0
      try {
        await this.#keep()
        if (signal.aborted ? isLast : this.#goOn()) continue
        await this.#wait()
      } catch (error) {
        if (!(error instanceof TidemarkError)) throw error
        if (isLast) return
        const failure = { code: error.code, detail: error.message, webhook: this.#webhook.id }
        logger.error(failure, 'a webhook waits for the log')
        await delay(retryMs, signal)
      }
    }
  }

  /** Reads on and sends what is due; true when there is more to read. */
  #goOn(): boolean {
    const hasRead = this.#outbox.take(this.#webhook)
    this.#send()
    return hasRead
  }

  #send(): void {
    const { clock, limits } = this.#options
    const now = clock.now()
    if (now < this.#pausedUntil) return
    for (const open of this.#outbox.place.heads()) {
      if (this.#inFlight.size >= limits.inFlightMax) return
      if (open.dueAt > now) continue
      open.isInFlight = true
      const attempt = this.#attempt(open).finally(() => {
        this.#inFlight.delete(attempt)
        this.wake()
      })
      this.#inFlight.add(attempt)
    }
  }

  async #attempt(open: OpenEvent): Promise<void> {
    const { clock, random, limits } = this.#options
    const event = this.#outbox.eventAt(open.offset)
    if (event === undefined) return this.#outbox.finish(open)
    const outcome = await this.#post(event)
    open.isInFlight = false
    if (outcome.delivered) return this.#outbox.delivered(open)
    if (this.#cuttingOff.signal.aborted) return
    open.attempts++
    const now = clock.now()
    this.#outbox.failed(open, now + backoffMs(limits, open.attempts, random))
    if (outcome.retryAfterMs !== undefined) {
      this.#pausedUntil = now + Math.min(outcome.retryAfterMs, limits.retryAfterMsMax)
    }
    // The receiver wants no more of it. The webhook itself stays: a proxy's mistake should not silence it.
    if (outcome.status === 410) this.#outbox.giveUp(open, 'gone', outcome.detail)
    else if (now - open.takenAt >= limits.giveUpMs) this.#outbox.giveUp(open, 'age', outcome.detail)
  }

  async #post(event: DeliveredEvent): Promise<AttemptOutcome> {
    const message = { id: event.id, body: JSON.stringify(event) }
    const { signal } = this.#cuttingOff
    const outcome = await this.#options.client.post(this.#webhook, message, signal)
    if (outcome.delivered) this.#recovered()
    else if (!signal.aborted) this.#failed(outcome.detail)
    return outcome
  }

  #failed(detail: string): void {
    const { logger, clock } = this.#options
    if (this.#failing === undefined) {
      const failure = { code: 'TIDEMARK_WEBHOOK_FAILING', webhook: this.#webhook.id, detail }
      logger.warn(failure, 'a webhook does not take events: they are sent again')
    }
    this.#failing = { since: this.#failing?.since ?? new Date(clock.now()).toISOString(), detail }
  }

  #recovered(): void {
    if (this.#failing === undefined) return
    const { since } = this.#failing
    this.#options.logger.info({ webhook: this.#webhook.id, since }, 'a webhook takes events again')
    this.#failing = undefined
  }

  async #keep(): Promise<void> {
    const { dead, dropped } = await this.#outbox.keep()
    if (dead.length === 0) return
    const { reason, detail } = dead[0]!
    const failure = { code: 'TIDEMARK_WEBHOOK_DEAD', webhook: this.#webhook.id, reason, detail }
    this.#options.logger.warn(
      { ...failure, events: dead.length, dropped },
      'events were given up for a webhook',
    )
  }

  /** Until something is due, or `wake`. */
  async #wait(): Promise<void> {
    if (!this.#isWoken) {
      this.#waiting = new AbortController()
      const ms = Math.max(0, this.#dueAt() - this.#options.clock.now())
      await delay(Math.min(idleMs, ms), this.#waiting.signal)
    }
    this.#waiting = undefined
    this.#isWoken = false
  }

  /** When the next attempt may begin, Unix ms; one that ends wakes by itself. */
  #dueAt(): number {
    if (this.#stopping.signal.aborted || this.#inFlight.size >= this.#options.limits.inFlightMax)
      return Number.POSITIVE_INFINITY
    let dueAt = Number.POSITIVE_INFINITY
    for (const open of this.#outbox.place.heads()) dueAt = Math.min(dueAt, open.dueAt)
    return Math.max(dueAt, this.#pausedUntil)
  }
}
