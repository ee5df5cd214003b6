import { type ApiClient, ApiProblem } from './api-client.ts'
import { readEvents } from './server-sent-events.ts'
import type { AlarmEvent } from './types.ts'

/** `live` by server-sent events; `polling` where there are none to be had; `lost` while the platform does not answer. */
export type FeedState = 'connecting' | 'live' | 'polling' | 'lost'

const retryMsMin = 500
const retryMsMax = 5_000
/** How often those that listen are told to look for themselves, without a stream. */
const pollMs = 3_000

/**
 * The events of the platform as they happen. It reconnects for ever with the id of the last event seen, so none is missed or told twice,
 * until `stop`.
 */
export class EventFeed {
  readonly #api: ApiClient
  readonly #stopping = new AbortController()
  readonly #listeners = new Set<(events: readonly AlarmEvent[]) => void>()
  readonly #watchers = new Set<(state: FeedState) => void>()
  #state: FeedState = 'connecting'
  #lastId: string | undefined
  #wake: () => void = () => undefined

  constructor(api: ApiClient) {
    this.#api = api
  }

  get state(): FeedState {
    return this.#state
  }

  start(): void {
    void this.#run()
  }

  stop(): void {
    this.#stopping.abort()
    this.#wake()
  }

  /** Tries at once instead of at the end of its wait: the browser says that it is online again, or somebody asks for it. */
  retryNow(): void {
    this.#wake()
  }

  /** `listener` gets new events; none of them when something may have changed unseen. Returns how to leave. */
  listen(listener: (events: readonly AlarmEvent[]) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  watch(watcher: (state: FeedState) => void): () => void {
    this.#watchers.add(watcher)
    return () => void this.#watchers.delete(watcher)
  }

  async #run(): Promise<void> {
    let retryMs = retryMsMin
    while (!this.#stopping.signal.aborted) {
      const wasLive = await this.#stream().catch((error: unknown) => {
        this.#enter(error instanceof ApiProblem && error.status !== 401 ? 'polling' : 'lost')
        return false
      })
      if (this.#stopping.signal.aborted) return
      if (wasLive) {
        this.#enter('lost')
        retryMs = retryMsMin
      }
      if (this.#state === 'polling') this.#tell([])
      await this.#wait(this.#state === 'polling' ? pollMs : retryMs)
      retryMs = Math.min(retryMs * 2, retryMsMax)
    }
  }

  /** True when it was open and ended; rejects when it could not be opened. */
  async #stream(): Promise<boolean> {
    const options = { lastId: this.#lastId, signal: this.#stopping.signal }
    const response = await this.#api.openStream('events/stream', options)
    const wasAway = this.#state !== 'connecting'
    this.#enter('live')
    // What happened while it was away, without an id to go on from, is not in the stream.
    if (wasAway) this.#tell([])
    try {
      await readEvents(response, (sent) => {
        this.#lastId = sent.at(-1)?.id
        const events = sent.filter(({ event }) => event !== 'gap')
        if (events.length < sent.length) this.#tell([])
        if (events.length > 0) this.#tell(events.map(({ data }) => JSON.parse(data) as AlarmEvent))
      })
    } catch {
      // Cut off: the same as ended.
    }
    return true
  }

  #tell(events: readonly AlarmEvent[]): void {
    for (const listener of this.#listeners) listener(events)
  }

  #enter(state: FeedState): void {
    if (state === this.#state) return
    this.#state = state
    for (const watcher of this.#watchers) watcher(state)
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
