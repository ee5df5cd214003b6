import type { DeliveredEvent } from '../domain/event.ts'
import { type DeadDelivery, isWanted, type WebhookRecord } from '../domain/webhook.ts'
import type { Clock } from '../lib/clock.ts'
import { counters, type Log } from '../log/log.ts'
import { DeadDeliveries } from './dead-deliveries.ts'
import { eventsFrom, offsetAfter } from './event-feed.ts'
import type { WebhookLimits } from './webhook-limits.ts'
import { type KeptPlace, type OpenEvent, WebhookPlace } from './webhook-place.ts'

/** What the next commit brings besides the place. */
interface Outcomes {
  readonly dead: DeadDelivery[]
  delivered: number
  failed: number
}

const readEventsMax = 100

/**
 * The durable side of a webhook. The stream `events` is the outbox itself; kept besides are the webhook's place in it and what
 * it gave up, in one transaction. A crash before `keep` delivers again what was delivered since the last one.
 */
export class WebhookOutbox {
  readonly place: WebhookPlace
  readonly dead: DeadDeliveries
  readonly #options: { readonly log: Log; readonly clock: Clock; readonly limits: WebhookLimits }
  readonly #uid: string
  #outcomes: Outcomes = noOutcomes()
  #isChanged = false
  #keptLow: number

  constructor(
    webhook: WebhookRecord,
    options: { readonly log: Log; readonly clock: Clock; readonly limits: WebhookLimits },
  ) {
    const { log, clock, limits } = options
    this.#options = options
    this.#uid = webhook.uid
    const kept = log.get<KeptPlace>('webhook-places', webhook.uid)
    this.place = new WebhookPlace(kept ?? { next: webhook.from, open: [] }, clock.now())
    this.dead = new DeadDeliveries(log, webhook.uid, limits.deadMax)
    this.#keptLow = this.place.low
  }

  /** Every event below this offset is finished, and that is on disk. */
  get keptLow(): number {
    return this.#keptLow
  }

  /** Reads on, while there is room, and gives up what is too far behind; false when there was nothing of either. */
  take(webhook: WebhookRecord): boolean {
    const { log, clock, limits } = this.#options
    const { place } = this
    const before = place.next
    const room = Math.min(limits.openMax - place.size, readEventsMax)
    if (room > 0) {
      const { events, next } = eventsFrom(log, before, room)
      for (const event of events) {
        if (isWanted(webhook, event)) place.take(offsetOf(event), event.data.alarm, clock.now())
      }
      place.next = next
    }
    const tooFar = log.end('events') - limits.backlogMax
    const late = [...place.heads()].filter(({ offset }) => offset < tooFar)
    for (const open of late) this.giveUp(open, 'backlog', `more than ${limits.backlogMax} events behind`)
    if (place.next !== before) this.#isChanged = true
    return late.length > 0 || place.next !== before
  }

  /** The event at `offset`; undefined when the log has it no more, which only a damaged or restored log brings about. */
  eventAt(offset: number): DeliveredEvent | undefined {
    const [event] = eventsFrom(this.#options.log, offset, 1).events
    return event !== undefined && offsetOf(event) === offset ? event : undefined
  }

  delivered(open: OpenEvent): void {
    this.#outcomes.delivered++
    this.finish(open)
  }

  /** The attempt failed; it is due again at `dueAt`, Unix ms. */
  failed(open: OpenEvent, dueAt: number): void {
    open.dueAt = dueAt
    this.#outcomes.failed++
    this.#isChanged = true
  }

  giveUp(open: OpenEvent, reason: DeadDelivery['reason'], detail: string): void {
    const event = this.eventAt(open.offset)
    this.finish(open)
    if (event === undefined) return
    const deadAt = new Date(this.#options.clock.now()).toISOString()
    this.#outcomes.dead.push({ id: event.sequence, event, attempts: open.attempts, reason, detail, deadAt })
  }

  finish(open: OpenEvent): void {
    this.place.finish(open)
    this.#isChanged = true
  }

  /** Writes what changed; resolves with what was given up and, to make room for it, dropped. */
  async keep(): Promise<{ readonly dead: readonly DeadDelivery[]; readonly dropped: number }> {
    if (!this.#isChanged) return { dead: [], dropped: 0 }
    const outcomes = this.#outcomes
    const kept = this.place.kept()
    const low = this.place.low
    const adding = this.dead.adding(outcomes.dead)
    this.#outcomes = noOutcomes()
    this.#isChanged = false
    const counts = {
      delivered: outcomes.delivered,
      failed: outcomes.failed,
      dead: outcomes.dead.length,
      dropped: adding.dropped,
    }
    try {
      await this.#options.log.transaction((tx) => {
        tx.put('webhook-places', this.#uid, kept)
        adding.write(tx)
        for (const [outcome, by] of Object.entries(counts)) {
          if (by > 0) tx.count(counters.webhookDeliveries(outcome), by)
        }
      })
    } catch (error) {
      this.#outcomes.dead.unshift(...outcomes.dead)
      this.#outcomes.delivered += outcomes.delivered
      this.#outcomes.failed += outcomes.failed
      this.#isChanged = true
      throw error
    }
    adding.written()
    this.#keptLow = low
    return { dead: outcomes.dead, dropped: adding.dropped }
  }
}

/** Removes what is kept of a webhook's deliveries; its outbox must be in use no more. */
export async function forgetDeliveries(log: Log, uid: string): Promise<void> {
  await new DeadDeliveries(log, uid, 0).clear()
  await log.transaction((tx) => tx.remove('webhook-places', uid))
}

function offsetOf({ sequence }: DeliveredEvent): number {
  return offsetAfter(sequence)! - 1
}

function noOutcomes(): Outcomes {
  return { dead: [], delivered: 0, failed: 0 }
}
