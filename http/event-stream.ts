import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type EventFilter, eventsFrom } from '../events/event-feed.ts'
import type { Log } from '../log/log.ts'

const eventsPerReadMax = 100
const defaultLimits: StreamLimits = { heartbeatMs: 15_000, stalledMsMax: 30_000 }

export interface StreamLimits {
  /** Silence after which a comment is sent, so that proxies keep the connection. */
  readonly heartbeatMs: number
  /** A client that takes nothing for so long is cut off. */
  readonly stalledMsMax: number
}

/**
 * Writes events from `offset` on as server-sent events (WHATWG HTML, section 9.2) until the client leaves or `signal`
 * aborts. The log is the buffer: while the client's socket is full nothing is read for it, and after 30 s it is cut off; it
 * resumes with Last-Event-ID.
 */
export async function streamEvents(
  log: Log,
  response: ServerResponse,
  offset: number,
  filter: EventFilter,
  signal: AbortSignal,
  limits: StreamLimits = defaultLimits,
): Promise<void> {
  const ended = new AbortController()
  const end = () => ended.abort()
  response.once('close', end)
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()
  try {
    await writeEvents(log, response, offset, filter, ended.signal, limits)
  } finally {
    response.off('close', end)
    signal.removeEventListener('abort', end)
    response.destroy()
  }
}

async function writeEvents(
  log: Log,
  response: ServerResponse,
  offset: number,
  filter: EventFilter,
  signal: AbortSignal,
  { heartbeatMs, stalledMsMax }: StreamLimits,
): Promise<void> {
  let next = offset
  let lastWriteAt = performance.now()
  response.write('retry: 2000\n\n')
  while (!signal.aborted) {
    if (response.writableNeedDrain && !(await drained(response, signal, stalledMsMax))) return
    const slice = eventsFrom(log, next, eventsPerReadMax, filter)
    for (const event of slice.events) {
      response.write(`id: ${event.sequence}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
    }
    if (slice.events.length > 0) lastWriteAt = performance.now()
    if (slice.next !== next) {
      next = slice.next
      // A long stretch that the filter passes over must not hold this thread.
      await nextTurn()
      continue
    }
    const silentMs = performance.now() - lastWriteAt
    if (silentMs >= heartbeatMs) {
      response.write(': heartbeat\n\n')
      lastWriteAt = performance.now()
    } else await log.waitFor('events', next, heartbeatMs - silentMs, signal)
  }
}

/** True once the socket takes bytes again; false when it did not in time, or the stream ended. */
async function drained(
  response: ServerResponse,
  signal: AbortSignal,
  stalledMsMax: number,
): Promise<boolean> {
  try {
    await once(response, 'drain', { signal: AbortSignal.any([signal, AbortSignal.timeout(stalledMsMax)]) })
    return true
  } catch {
    return false
  }
}
