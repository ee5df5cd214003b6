import { onTestFinished } from 'vitest'
import { ServerSentEventReader } from '../../dashboard/api/server-sent-events.ts'
import type { TestApi } from './api.ts'

export interface StreamedEvent<Data> {
  readonly id: string
  readonly event: string
  readonly data: Data
}

/** A client of a stream under `/api/v1/`: what it has been sent, until it is closed. */
export async function openStream<Data>(
  api: Pick<TestApi, 'adminToken'>,
  port: number,
  path: string,
  headers: Readonly<Record<string, string>> = {},
) {
  const closing = new AbortController()
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`, {
    headers: { authorization: `Bearer ${api.adminToken}`, ...headers },
    signal: closing.signal,
  })
  const received: StreamedEvent<Data>[] = []
  const reading = (async () => {
    const reader = new ServerSentEventReader()
    const decoder = new TextDecoder()
    for await (const chunk of answer.body!) {
      for (const event of reader.read(decoder.decode(chunk, { stream: true }))) {
        received.push({ ...event, data: JSON.parse(event.data) as Data })
      }
    }
  })().catch(() => undefined)
  const close = async () => {
    closing.abort()
    await reading
  }
  onTestFinished(close)
  return { answer, received, close, reading }
}
