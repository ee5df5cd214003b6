import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { minuteMs } from '../analytics/limits.ts'
import { changesOf, type SeenChanges, type SeriesMinute, type SeriesQuery } from '../analytics/live-series.ts'
import { delay } from '../lib/clock.ts'
import type { Log } from '../log/log.ts'

const defaultLimits: MinuteStreamLimits = { lookMs: 1_000, heartbeatMs: 15_000, stalledMsMax: 30_000 }

export interface MinuteStreamLimits {
  /** Between two looks at what has changed: as often as analytics commits. */
  readonly lookMs: number
  /** Silence after which a comment is sent, so that proxies keep the connection. */
  readonly heartbeatMs: number
  /** A client that takes nothing for so long is cut off. */
  readonly stalledMsMax: number
}

/**
 * Writes the minutes of a series as server-sent events (WHATWG HTML, section 9.2), each whole whenever it has changed, until the
 * client leaves or `signal` aborts: first those that are open, or those from `lastMinute` (Unix ms) on. Nothing waits for a slow
 * client: while its socket is full nothing is read for it, and then it is sent what there is by then.
 */
export async function streamMinutes(
  log: Pick<Log, 'get' | 'entries'>,
  response: ServerResponse,
  query: SeriesQuery,
  lastMinute: number | undefined,
  signal: AbortSignal,
  { lookMs, heartbeatMs, stalledMsMax }: MinuteStreamLimits = defaultLimits,
): Promise<void> {
  const left = new AbortController()
  response.once('close', () => left.abort())
  const ended = AbortSignal.any([signal, left.signal])
  const fromMinute = lastMinute === undefined ? undefined : Math.floor(lastMinute / minuteMs)
  let seen: SeenChanges = { revision: 0, fromMinute }
  let lastWriteAt = performance.now()
  try {
    response.write('retry: 2000\n\n')
    while (!ended.aborted) {
      if (response.writableNeedDrain) {
        const stalled = AbortSignal.timeout(stalledMsMax)
        await once(response, 'drain', { signal: AbortSignal.any([ended, stalled]) })
      }
      const changes = changesOf(log, query, seen)
      seen = changes.seen
      const isSilent = changes.minutes.length === 0 && performance.now() - lastWriteAt >= heartbeatMs
      const text = isSilent ? ': heartbeat\n\n' : changes.minutes.map(eventOf).join('')
      if (text !== '') {
        response.write(text)
        lastWriteAt = performance.now()
      }
      await delay(lookMs, ended)
    }
  } catch (error) {
    // It took nothing for too long, or left while it was waited for.
    if ((error as Error).name !== 'AbortError') throw error
  } finally {
    response.destroy()
  }
}

function eventOf({ time, figures, isClosed }: SeriesMinute): string {
  const start = new Date(time).toISOString().replace('.000Z', 'Z')
  const minute = { time: start, values: Object.fromEntries(figures), closed: isClosed }
  return `id: ${time}\nevent: minute\ndata: ${JSON.stringify(minute)}\n\n`
}
