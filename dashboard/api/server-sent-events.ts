export interface ServerSentEvent {
  readonly id: string
  readonly event: string
  readonly data: string
}

/** A line without end would grow for ever; no event of the platform comes near. */
const bufferCharsMax = 4 * 1024 * 1024

/**
 * Reads server-sent events from text as it comes, cut anywhere (WHATWG HTML, section 9.2.6). The browser's own `EventSource` cannot send a
 * token.
 */
export class ServerSentEventReader {
  #buffer = ''
  #lastId = ''
  #event = ''
  #data: string[] = []

  /** Events that `chunk` completes. Throws on a line that is too long. */
  read(chunk: string): ServerSentEvent[] {
    this.#buffer += chunk
    const events: ServerSentEvent[] = []
    let from = 0
    for (;;) {
      const end = this.#lineEnd(from)
      if (end === undefined) break
      const event = this.#line(this.#buffer.slice(from, end.at))
      if (event !== undefined) events.push(event)
      from = end.next
    }
    this.#buffer = this.#buffer.slice(from)
    if (this.#buffer.length > bufferCharsMax) throw new Error('a line of the event stream is too long')
    return events
  }

  /** A CR that ends the chunk may be half of CRLF: it waits for the next one. */
  #lineEnd(from: number): { at: number; next: number } | undefined {
    for (let at = from; at < this.#buffer.length; at++) {
      const char = this.#buffer[at]
      if (char === '\n') return { at, next: at + 1 }
      if (char !== '\r') continue
      if (at + 1 === this.#buffer.length) return undefined
      return { at, next: this.#buffer[at + 1] === '\n' ? at + 2 : at + 1 }
    }
    return undefined
  }

  #line(line: string): ServerSentEvent | undefined {
    if (line === '') return this.#dispatch()
    if (line.startsWith(':')) return undefined
    const colon = line.indexOf(':')
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'data') this.#data.push(value)
    else if (field === 'event') this.#event = value
    else if (field === 'id' && !value.includes('\0')) this.#lastId = value
    return undefined
  }

  #dispatch(): ServerSentEvent | undefined {
    const [data, event] = [this.#data, this.#event]
    this.#data = []
    this.#event = ''
    return data.length === 0 ? undefined : { id: this.#lastId, event, data: data.join('\n') }
  }
}

/** The platform sends a comment after 15 s without events: silence beyond twice that is a connection that died unseen. */
const silentMsMax = 35_000

/** Gives `onEvents` what comes until the stream ends, or is silent for so long that it must be dead. Rejects when it is cut off. */
export async function readEvents(
  response: Response,
  onEvents: (events: readonly ServerSentEvent[]) => void,
): Promise<void> {
  const reader = new ServerSentEventReader()
  const decoder = new TextDecoder()
  const body = response.body?.getReader()
  if (body === undefined) return
  const end = () => void body.cancel().catch(() => undefined)
  let silence: ReturnType<typeof setTimeout> | undefined
  try {
    for (;;) {
      clearTimeout(silence)
      silence = setTimeout(end, silentMsMax)
      const { done, value } = await body.read()
      if (done) return
      const events = reader.read(decoder.decode(value, { stream: true }))
      if (events.length > 0) onEvents(events)
    }
  } finally {
    clearTimeout(silence)
    end()
  }
}
