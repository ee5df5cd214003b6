import type { EventRecord } from '../domain/event.ts'
import { toEvent } from './alarm-events.ts'
import type { Occurrence } from './instance.ts'

/** A transition as the event that tells of it. */
export function eventOf(
  { instance, transition, receivedAt, value, threshold, ...rest }: Occurrence,
  recordedAt: number,
): EventRecord {
  return toEvent({
    rule: instance.rule,
    device: instance.device,
    state: transition,
    recordedAt,
    ...(receivedAt === undefined ? {} : { receivedAt }),
    ...(value === undefined ? {} : { value }),
    ...(threshold === undefined ? {} : { threshold }),
    ...rest,
  })
}
