import type { DeliveredEvent } from '../domain/event.ts'
import type { Clock } from '../lib/clock.ts'
import type { LogTransaction } from '../log/log.ts'
import type { DeadDeliveries } from './dead-deliveries.ts'
import type { AttemptOutcome } from './webhook-client.ts'

/** What came of a replay; `more` when some that were asked for have not been tried. */
export interface DeliveriesReplayed {
  replayed: number
  readonly failed: { readonly id: string; readonly reason: string }[]
  more: boolean
}

export interface ReplayOptions {
  readonly dead: DeadDeliveries
  /** Those to send; all unless told, so many a call. */
  readonly ids: readonly string[] | undefined
  /** Part of the transaction that removes the delivery `id`. */
  readonly also?: ((tx: LogTransaction, id: string) => void) | undefined
  readonly post: (event: DeliveredEvent) => Promise<AttemptOutcome>
  readonly clock: Clock
  readonly signal: AbortSignal
}

const replayEventsMax = 100
/** When no further event is begun: a request for a replay is answered soon after. */
const replayMsMax = 20_000

/**
 * Sends dead deliveries once more, in order. Stops at the first that fails, which stays, with all behind it: no event goes
 * before an earlier one of its alarm. A crash after one was delivered, before it was removed, sends it again.
 */
export async function replayDead({
  dead,
  ids,
  also,
  post,
  clock,
  signal,
}: ReplayOptions): Promise<DeliveriesReplayed> {
  const result: DeliveriesReplayed = { replayed: 0, failed: [], more: false }
  const asked = ids === undefined ? undefined : [...new Set(ids)].sort()
  const found = asked?.flatMap((id) => dead.find(id) ?? []) ?? dead.list({ limit: replayEventsMax })
  const foundIds = new Set(found.map(({ id }) => id))
  for (const id of asked ?? []) if (!foundIds.has(id)) result.failed.push({ id, reason: 'not found' })
  const until = clock.now() + replayMsMax
  for (const { id, event } of found) {
    if (signal.aborted || clock.now() >= until) break
    const outcome = await post(event)
    foundIds.delete(id)
    if (!outcome.delivered) {
      result.failed.push({ id, reason: outcome.detail })
      break
    }
    await dead.remove(id, (tx) => also?.(tx, id))
    result.replayed++
  }
  // Of all of them, or of those asked for: without the one that has just failed.
  result.more = (asked === undefined ? dead.count - result.failed.length : foundIds.size) > 0
  return result
}
