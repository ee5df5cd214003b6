import { eventTopic } from '../domain/names.ts'
import type { Clock } from '../lib/clock.ts'
import { delay } from '../lib/clock.ts'
import { messageOf } from '../lib/errors.ts'
import type { Logger } from '../lib/logger.ts'
import type { Metrics } from '../lib/metrics.ts'
import { consumers, type Log } from '../log/log.ts'
import { eventsFrom } from './event-feed.ts'

export interface EventDeliveryOptions {
  readonly log: Log
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Pick<Metrics, 'eventSeconds'>
  /** Publishes at QoS 1; resolves when subscribers have been handed it. */
  readonly publish: (topic: string, payload: string) => Promise<void>
}

const eventsPerCommitMax = 100
const waitMs = 1_000
const retryMs = 500

/** The consumer of `events` that publishes them to MQTT, in order, at least once. */
export class EventDelivery {
  readonly #options: EventDeliveryOptions
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined

  constructor(options: EventDeliveryOptions) {
    this.#options = options
  }

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { log, logger } = this.#options
    const { signal } = this.#stopping
    let offset = log.offset(consumers.eventDelivery)
    while (!signal.aborted) {
      try {
        const next = await this.#deliverFrom(offset)
        if (next === offset) await log.waitFor('events', offset, waitMs, signal)
        offset = next
      } catch (error) {
        logger.error(
          { code: 'TIDEMARK_EVENT_DELIVERY', detail: messageOf(error) },
          'events wait to be delivered',
        )
        await delay(retryMs, signal)
      }
    }
  }

  async #deliverFrom(offset: number): Promise<number> {
    const { log, clock, metrics, publish } = this.#options
    const { events, next } = eventsFrom(log, offset, eventsPerCommitMax)
    if (events.length === 0) return offset
    for (const event of events) {
      await publish(eventTopic(event.data.class, event.subject), JSON.stringify(event))
      metrics.eventSeconds.observe(Math.max(0, clock.now() - Date.parse(event.data.recorded)) / 1000)
    }
    await log.transaction((tx) => tx.commitOffset(consumers.eventDelivery, next))
    return next
  }
}
