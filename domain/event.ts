import type { Value } from './profile.ts'
import { recordNumber } from './record-number.ts'

export type EventClass = 'maintenance' | 'health'
export type Severity = 'critical' | 'major' | 'minor' | 'warning' | 'info'
export type EventState = 'raised' | 'escalated' | 'cleared' | 'acknowledged' | 'shelved'

/**
 * Something that happened to an alarm, as a CloudEvents 1.0 event; the record of the `events` stream, immutable.
 * `sequence` is not kept in the record: it is the record's place in the stream, added on reading.
 */
export interface EventRecord {
  readonly specversion: '1.0'
  /** Deterministic: rule, rule version, device, start of the episode, transition, ordinal. The same on every delivery. */
  readonly id: string
  readonly source: string
  readonly type: `tidemark.${EventClass}.${EventState}.v1`
  readonly subject: string
  /** Event time, RFC 3339, UTC. */
  readonly time: string
  readonly datacontenttype: 'application/json'
  readonly data: EventPayload
}

export interface EventPayload {
  /** The alarm's id, one for each (rule, device). */
  readonly alarm: string
  readonly rule: string
  readonly ruleVersion: number
  readonly device: string
  readonly deviceType: string
  readonly class: EventClass
  readonly severity: Severity
  readonly state: EventState
  readonly message: string
  readonly value?: Value
  readonly threshold?: Value | readonly number[]
  /** Event time of the first reading of the episode, RFC 3339. */
  readonly since: string
  /** When the reading that caused it was received, RFC 3339; none where no reading did. */
  readonly received?: string
  /** When the platform wrote the event, RFC 3339. */
  readonly recorded: string
  readonly evidence: readonly Readonly<Record<string, Value>>[]
  /** Why, where the readings did not cause it: `rule changed`, `rule disabled`, `rule deleted`. */
  readonly reason?: string
}

/** An event as it is delivered: the record and its place in the stream, 20 digits, so that text order is number order. */
export interface DeliveredEvent extends EventRecord {
  readonly sequence: string
}

export function deliveredEvent(record: EventRecord, offset: number): DeliveredEvent {
  return { ...record, sequence: recordNumber(offset) }
}
