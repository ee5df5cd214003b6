import { type DeliveredEvent, deliveredEvent, type EventRecord } from '../domain/event.ts'
import type { Log, LogRecord } from '../log/log.ts'

export interface EventFilter {
  readonly class?: string | undefined
  readonly device?: string | undefined
}

/** Events that were read together, and where to read on. */
export interface EventSlice {
  readonly events: DeliveredEvent[]
  /** Offset of the first one: beyond the one asked for where that is not kept any more. */
  readonly from: number
  /** Offset after the last one. */
  readonly next: number
}

const readBytesMax = 1024 * 1024

/** The next `entriesMax` events from `offset` on, oldest first. One read of the log; at the end of the stream `next` is `offset`. */
export function eventsFrom(log: Log, offset: number, entriesMax: number): EventSlice {
  // Before the read: where that finds nothing, what was before this end has been removed, and nothing new is passed over.
  const end = log.end('events')
  const records = log.read('events', offset, { entriesMax, bytesMax: readBytesMax })
  const last = records.at(-1)
  const next = last === undefined ? Math.max(offset, end) : last.offset + last.count
  return { events: records.map(eventOf), from: records[0]?.offset ?? next, next }
}

/** The event of a record of `events`. */
export function eventOf(record: LogRecord): DeliveredEvent {
  return deliveredEvent(JSON.parse(record.value.toString()) as EventRecord, record.offset)
}

export function isWanted({ data }: DeliveredEvent, filter: EventFilter): boolean {
  if (filter.class !== undefined && data.class !== filter.class) return false
  return filter.device === undefined || data.device === filter.device
}

/** The offset that follows the event with this `sequence`; undefined when it is no sequence. */
export function offsetAfter(sequence: string): number | undefined {
  // The sequence of the event at offset n is n + 1, so it is also the offset of the next one.
  return /^\d{1,20}$/.test(sequence) ? Number(sequence) : undefined
}
