import { eventTopic } from '../domain/names.ts'
import type { Clock } from '../lib/clock.ts'
import { delay } from '../lib/clock.ts'
import { messageOf } from '../lib/errors.ts'
import type { Logger } from '../lib/logger.ts'
import type { Metrics } from '../lib/metrics.ts'
import { consumers, type Log } from '../log/log.ts'
import { eventsFrom, offsetAfter } from './event-feed.ts'

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
  /** Of the next event to publish. */
  #offset = 0

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
    this.#offset = log.offset(consumers.eventDelivery)
    while (!signal.aborted) {
      try {
        const before = this.#offset
        await this.#deliver()
        if (this.#offset === before) await log.waitFor('events', before, waitMs, signal)
      } catch (error) {
        logger.error(
          { code: 'TIDEMARK_EVENT_DELIVERY', detail: messageOf(error) },
          'events wait to be delivered',
        )
        await delay(retryMs, signal)
      }
    }
  }

  /** Publishes the next events until one fails or `stop` is called; what was published until then is committed. */
  async #deliver(): Promise<void> {
    const { log, clock, metrics } = this.#options
    let next = this.#offset
    try {
      const slice = eventsFrom(log, next, eventsPerCommitMax)
      for (const event of slice.events) {
        if (!(await this.#publish(eventTopic(event.data.class, event.subject), JSON.stringify(event)))) return
        metrics.eventSeconds.observe(
          Math.max(0, clock.now() - Date.parse(event.data.received ?? event.data.recorded)) / 1000,
        )
        next = offsetAfter(event.sequence)!
      }
      next = slice.next
    } finally {
      if (next !== this.#offset) {
        await log.transaction((tx) => tx.commitOffset(consumers.eventDelivery, next))
        this.#offset = next
      }
    }
  }

  /** False when stopped before the publish ended: a broker that is going down may never answer. */
  #publish(topic: string, payload: string): Promise<boolean> {
    const { signal } = this.#stopping
    if (signal.aborted) return Promise.resolve(false)
    return new Promise((resolve, reject) => {
      const onStop = () => resolve(false)
      signal.addEventListener('abort', onStop, { once: true })
      const publishing = this.#options.publish(topic, payload)
      publishing.finally(() => signal.removeEventListener('abort', onStop)).then(() => resolve(true), reject)
    })
  }
}
