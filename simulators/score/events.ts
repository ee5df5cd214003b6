import type { DeliveredEvent } from '../../domain/event.ts'
import type { Value } from '../../domain/profile.ts'
import type { ApiClient } from '../api-client.ts'

/** An event that told of something, as a score needs it. */
export interface RaisedEvent {
  readonly id: string
  /** Of the event in the platform's stream; text order is the order of telling. */
  readonly sequence: string
  readonly type: string
  readonly rule: string
  /** A device, or a group of them (`site=berlin`). */
  readonly device: string
  /** Event time, Unix ms. */
  readonly timeMs: number
  readonly value?: Value
  readonly threshold?: Value | readonly number[]
  readonly evidence: readonly Readonly<Record<string, Value>>[]
}

export interface RaisedEvents {
  readonly events: readonly RaisedEvent[]
  /** False when the platform has dropped older events (it keeps 100,000) and some of these may have been of the time asked for. */
  readonly isComplete: boolean
}

/** The first event of a platform; docs/SIMULATOR.md, and `recordNumber` in domain/record-number.ts. */
const firstSequence = 1

/**
 * The events of the state `raised` that the platform keeps, with an event time from `fromMs` to `toMs`, both included. Rejects
 * with TIDEMARK_API_UNREACHABLE (exit code 3) or TIDEMARK_API_ERROR.
 */
export async function raisedEvents(api: ApiClient, fromMs: number, toMs: number): Promise<RaisedEvents> {
  const events: RaisedEvent[] = []
  let oldest: DeliveredEvent | undefined
  for await (const event of api.items<DeliveredEvent>('/events')) {
    oldest ??= event
    const raised = asRaised(event)
    if (raised !== undefined && raised.timeMs >= fromMs && raised.timeMs <= toMs) events.push(raised)
  }
  // Events before the oldest one kept were told of earlier, though they may lie later in event time: this is all that can be known.
  const isComplete =
    oldest === undefined || Number(oldest.sequence) === firstSequence || Date.parse(oldest.time) <= fromMs
  return { events, isComplete }
}

function asRaised({ id, sequence, type, time, data }: DeliveredEvent): RaisedEvent | undefined {
  if (data.state !== 'raised') return undefined
  const { rule, device, value, threshold, evidence } = data
  return {
    id,
    sequence,
    type,
    rule,
    device,
    timeMs: Date.parse(time),
    ...(value === undefined ? {} : { value }),
    ...(threshold === undefined ? {} : { threshold }),
    evidence,
  }
}
