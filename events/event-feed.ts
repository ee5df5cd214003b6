import { type DeliveredEvent, deliveredEvent, type EventRecord } from '../domain/event.ts'
import type { Log } from '../log/log.ts'

export interface EventFilter {
  readonly class?: string | undefined
  readonly device?: string | undefined
}

/** Events found, and where to read on. */
export interface EventSlice {
  readonly events: DeliveredEvent[]
  /** Offset after the last event looked at: no later one was. */
  readonly next: number
}

const readLimits = { entriesMax: 500, bytesMax: 2 * 1024 * 1024 }

/** Events from `offset` on that match, oldest first, at most `limit`; looks at no more than one read of the log beyond them. */
export function eventsFrom(log: Log, offset: number, limit: number, filter: EventFilter = {}): EventSlice {
  const events: DeliveredEvent[] = []
  let next = offset
  for (;;) {
    const records = log.read('events', next, readLimits)
    for (const record of records) {
      const event = deliveredEvent(JSON.parse(record.value.toString()) as EventRecord, record.offset)
      next = record.offset + record.count
      if (filter.class !== undefined && event.data.class !== filter.class) continue
      if (filter.device !== undefined && event.data.device !== filter.device) continue
      events.push(event)
      if (events.length >= limit) return { events, next }
    }
    if (records.length === 0) return { events, next }
  }
}

/** The offset that follows the event with this `sequence`; undefined when it is no sequence. */
export function offsetAfter(sequence: string): number | undefined {
  // The sequence of the event at offset n is n + 1, so it is also the offset of the next one.
  return /^\d{1,20}$/.test(sequence) ? Number(sequence) : undefined
}
