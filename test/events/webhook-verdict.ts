import { isDeepStrictEqual } from 'node:util'
import type { DeliveredEvent } from '../../domain/event.ts'
import { isSigned, type Received } from './webhook-receiver.ts'

/** What is to be 0, of all that a receiver was sent and took. */
export interface WebhookVerdict {
  /** Events that were never taken. */
  readonly missing: number
  /** Requests with an id that no event has. */
  readonly invented: number
  /** Requests whose event is not the one of their id, whole. */
  readonly altered: number
  /** Requests that do not verify. */
  readonly unsigned: number
  /** Events that were tried, or taken, for the first time at another place among those of their alarm than they have in the stream. */
  readonly outOfOrder: number
}

/** Holds what a receiver saw against `events`, all that there are, in the order of the stream. */
export function webhookVerdict(
  events: readonly DeliveredEvent[],
  received: readonly Received[],
  taken: readonly Received[],
  key: Buffer | string,
): WebhookVerdict {
  const byId = new Map(events.map((event) => [event.id, event]))
  const takenIds = new Set(taken.map(({ id }) => id))
  const isOfEvent = ({ id, event }: Received) => isDeepStrictEqual(event, byId.get(id))
  return {
    missing: events.filter(({ id }) => !takenIds.has(id)).length,
    invented: received.filter(({ id }) => !byId.has(id)).length,
    altered: received.filter((one) => byId.has(one.id) && !isOfEvent(one)).length,
    unsigned: received.filter((one) => !isSigned(one, key)).length,
    outOfOrder: misplaced(events, byId, received) + misplaced(events, byId, taken),
  }
}

/** Of each alarm, places at which `seen` has another event than the stream, by the first time of each. */
function misplaced(
  events: readonly DeliveredEvent[],
  byId: ReadonlyMap<string, DeliveredEvent>,
  seen: readonly Received[],
): number {
  const firsts = [...new Set(seen.map(({ id }) => id))].flatMap((id) => byId.get(id) ?? [])
  return [...new Set(firsts.map(({ data }) => data.alarm))].reduce((sum, alarm) => {
    const expected = events.filter(({ data }) => data.alarm === alarm)
    const told = firsts.filter(({ data }) => data.alarm === alarm)
    return sum + told.filter(({ id }, at) => id !== expected[at]?.id).length
  }, 0)
}
