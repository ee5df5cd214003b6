import { minuteMs } from '../analytics/limits.ts'
import { changesOf, type SeenChanges, type SeriesMinute, type SeriesQuery } from '../analytics/live-series.ts'
import { delay } from '../lib/clock.ts'
import type { Log } from '../log/log.ts'
import { type StreamClient, streamedEvent } from './server-sent-events.ts'
import { rfc3339 } from './time.ts'

/** Between two looks at what has changed: as often as analytics commits. */
const lookMs = 1_000

/**
 * Sends the minutes of a series, each whole whenever it has changed, until the client has left: first those that are open, or
 * those from `lastMinute` (Unix ms) on. Nothing waits for a slow client: while its socket is full nothing is read for it, and then
 * it is sent what there is by then.
 */
export async function streamMinutes(
  log: Pick<Log, 'get' | 'entries'>,
  client: StreamClient,
  query: SeriesQuery,
  lastMinute: number | undefined,
): Promise<void> {
  const fromMinute = lastMinute === undefined ? undefined : Math.floor(lastMinute / minuteMs)
  let seen: SeenChanges = { revision: 0, fromMinute }
  while (await client.isReady()) {
    const changes = changesOf(log, query, seen)
    seen = changes.seen
    if (changes.minutes.length > 0) client.send(changes.minutes.map(minuteEvent).join(''))
    else client.keepAlive()
    await delay(lookMs, client.left)
  }
}

function minuteEvent({ time, figures, isClosed }: SeriesMinute): string {
  const minute = { time: rfc3339(time), values: Object.fromEntries(figures), closed: isClosed }
  return streamedEvent(String(time), 'minute', JSON.stringify(minute))
}
