import { setImmediate as nextTurn } from 'node:timers/promises'
import { recordNumber } from '../domain/record-number.ts'
import { type EventFilter, type EventSlice, eventsFrom, isWanted } from '../events/event-feed.ts'
import type { Log } from '../log/log.ts'
import { type StreamClient, streamedEvent } from './server-sent-events.ts'

const eventsPerReadMax = 100
const slicesKept = 64
/** Until a client is looked after at the latest: whether it is still there, whether silence is to be filled. */
const lookMsMax = 250

/**
 * The events of the log as streams send them, the newest kept. Clients of a live stream stand at the same place: an event is
 * read and written out once for all of them.
 */
export class StreamedEvents {
  readonly #log: Log
  readonly #kept = new Map<number, Slice>()
  #waiting: Promise<void> | undefined

  constructor(log: Log) {
    this.#log = log
  }

  /**
   * Sends the events from `offset` on, and then each as it comes, until the client has left. The log is the only buffer: while
   * the client's socket is full nothing is read for it. Where events are gone that it was to have, of whatever kind, a `gap` tells
   * so in their place.
   */
  async send(client: StreamClient, offset: number, filter: EventFilter): Promise<void> {
    const log = this.#log
    let next = offset
    const end = log.end('events')
    if (next > end) {
      client.send(gapOf('reset', end, end))
      next = end
    }
    while (await client.isReady()) {
      const slice = this.#slice(next)
      if (slice.from > next) client.send(gapOf('trimmed', next, slice.from))
      const text = slice.textOf(filter)
      if (text !== '') client.send(text)
      if (slice.next !== next) {
        next = slice.next
        // A long stretch that the filter passes over must not hold this thread.
        await nextTurn()
      } else {
        client.keepAlive()
        await this.#news(next)
      }
    }
  }

  /** Forgets what is kept of the log, where events have been removed from it. */
  forget(): void {
    this.#kept.clear()
  }

  /** Resolves when there may be events from `offset` on, or soon: one wait for all clients that stand at the end. */
  #news(offset: number): Promise<void> {
    this.#waiting ??= this.#log.waitFor('events', offset, lookMsMax).finally(() => {
      this.#waiting = undefined
    })
    return this.#waiting
  }

  #slice(offset: number): Slice {
    const kept = this.#kept.get(offset)
    if (kept !== undefined) return kept
    const slice = new Slice(eventsFrom(this.#log, offset, eventsPerReadMax - (offset % eventsPerReadMax)))
    // The end of the stream is another one soon.
    if (slice.next !== offset) {
      this.#kept.set(offset, slice)
      for (const oldest of this.#kept.keys()) {
        if (this.#kept.size <= slicesKept) break
        this.#kept.delete(oldest)
      }
    }
    return slice
  }
}

/** Events that were read together, and their text. */
class Slice {
  readonly from: number
  readonly next: number
  readonly #events: readonly (readonly [event: EventSlice['events'][number], text: string])[]

  constructor({ events, from, next }: EventSlice) {
    this.from = from
    this.next = next
    this.#events = events.map((event) => [
      event,
      streamedEvent(event.sequence, event.type, JSON.stringify(event)),
    ])
  }

  textOf(filter: EventFilter): string {
    let text = ''
    for (const [event, own] of this.#events) if (isWanted(event, filter)) text += own
    return text
  }
}

/**
 * The events of offsets from `from` to before `to` are not there any more; with `reset` the log is another one than the client knew. Its id is
 * that of the last one missing, so a client that comes back is not told again.
 */
function gapOf(reason: 'trimmed' | 'reset', from: number, to: number): string {
  const data = { reason, missed: reason === 'reset' ? null : to - from, nextSequence: recordNumber(to) }
  return streamedEvent(recordNumber(to - 1), 'gap', JSON.stringify(data))
}
