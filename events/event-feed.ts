import { type DeliveredEvent, deliveredEvent, type EventRecord } from '../domain/event.ts'
import type { Log, LogRecord } from '../log/log.ts'

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

const readBytesMax = 1024 * 1024

/**
 * Events among the next `scanMax` from `offset` on that match, oldest first. One read of the log, whatever matches; at the
 * end of the stream `next` is `offset`.
 */
export function eventsFrom(log: Log, offset: number, scanMax: number, filter: EventFilter = {}): EventSlice {
  const events: DeliveredEvent[] = []
  let next = offset
  for (const record of log.read('events', offset, { entriesMax: scanMax, bytesMax: readBytesMax })) {
    const event = eventOf(record, filter)
    if (event !== undefined) events.push(event)
    next = record.offset + record.count
  }
  return { events, next }
}

/** The event of a record of `events`; undefined when it does not match. */
export function eventOf(record: LogRecord, filter: EventFilter): DeliveredEvent | undefined {
  const event = deliveredEvent(JSON.parse(record.value.toString()) as EventRecord, record.offset)
  if (filter.class !== undefined && event.data.class !== filter.class) return undefined
  if (filter.device !== undefined && event.data.device !== filter.device) return undefined
  return event
}

/** The offset that follows the event with this `sequence`; undefined when it is no sequence. */
export function offsetAfter(sequence: string): number | undefined {
  // The sequence of the event at offset n is n + 1, so it is also the offset of the next one.
  return /^\d{1,20}$/.test(sequence) ? Number(sequence) : undefined
}
