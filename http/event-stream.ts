import type { ServerResponse } from 'node:http'
import { type EventFilter, eventsFrom } from '../events/event-feed.ts'
import { delay } from '../lib/clock.ts'
import type { Log } from '../log/log.ts'

const eventsPerReadMax = 100
const heartbeatMs = 15_000
const stalledMsMax = 30_000

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
): Promise<void> {
  const ended = new AbortController()
  const end = () => ended.abort()
  response.once('close', end)
  signal.addEventListener('abort', end, { once: true })
  let next = offset
  let lastWriteAt = performance.now()
  response.write('retry: 2000\n\n')
  while (!ended.signal.aborted) {
    if (response.writableNeedDrain && !(await drained(response, ended.signal))) break
    const slice = eventsFrom(log, next, eventsPerReadMax, filter)
    for (const event of slice.events) {
      response.write(`id: ${event.sequence}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
    }
    if (slice.events.length > 0) lastWriteAt = performance.now()
    if (slice.next !== next) {
      next = slice.next
      continue
    }
    const silentMs = performance.now() - lastWriteAt
    if (silentMs >= heartbeatMs) {
      response.write(': heartbeat\n\n')
      lastWriteAt = performance.now()
    } else await log.waitFor('events', next, heartbeatMs - silentMs, ended.signal)
  }
  response.off('close', end)
  signal.removeEventListener('abort', end)
  response.destroy()
}

async function drained(response: ServerResponse, signal: AbortSignal): Promise<boolean> {
  const waiting = new AbortController()
  const done = new Promise<boolean>((resolve) => {
    response.once('drain', () => resolve(true))
    signal.addEventListener('abort', () => resolve(false), { once: true })
  })
  const result = await Promise.race([done, delay(stalledMsMax, waiting.signal).then(() => false)])
  waiting.abort()
  return result
}
