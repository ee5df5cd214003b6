import { useEffect, useState } from 'preact/hooks'
import { allPages } from '../api/all-pages.ts'
import type { ApiClient } from '../api/api-client.ts'
import { readEvents } from '../api/server-sent-events.ts'
import type { LiveFunction, LiveMinute, LiveMinuteEvent } from '../api/types.ts'
import { minuteOfEvent, readMinute, type SeriesMinute, withMinutes } from '../live-series.ts'
import { useConsole } from './console.ts'

export interface LiveQuery {
  readonly type: string
  readonly metric: string
  /** The label whose values are the groups; undefined for all devices as one. */
  readonly by: string | undefined
  readonly fn: LiveFunction
  /** How far back. */
  readonly rangeMs: number
}

export interface LiveSeries {
  /** Undefined until they are there first. */
  readonly value: readonly SeriesMinute[] | undefined
  readonly error: Error | undefined
  /** Changes come by themselves. Otherwise it is looked every 3 s. */
  readonly isLive: boolean
}

const retryMs = 3_000
/** More than the day that the platform has. */
const minutesMax = 1_500

/** The minutes of a series and, from then on, each that changes. Whoever asks for another series has a `key` of its own. */
export function useLiveSeries(query: LiveQuery): LiveSeries & { readonly reload: () => void } {
  const { api } = useConsole()
  const [series, setSeries] = useState<LiveSeries>({ value: undefined, error: undefined, isLive: false })
  const [attempt, setAttempt] = useState(0)
  useEffect(() => {
    const ending = new AbortController()
    void follow(api, query, ending.signal, setSeries)
    return () => ending.abort()
  }, [attempt])
  return { ...series, reload: () => setAttempt((n) => n + 1) }
}

async function follow(
  api: ApiClient,
  query: LiveQuery,
  signal: AbortSignal,
  tell: (change: (before: LiveSeries) => LiveSeries) => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      let minutes = await readMinutes(api, query, signal)
      tell((before) => ({ ...before, value: minutes, error: undefined }))
      const { type, metric, by, fn, rangeMs } = query
      const firstOpen = minutes.find(({ closed }) => !closed)
      // From there on again: what changed in between is not missed.
      const lastId = firstOpen === undefined ? undefined : String(Date.parse(firstOpen.time))
      const stream = await api.openStream('analytics/stream', { query: { type, metric, by }, lastId, signal })
      tell((before) => ({ ...before, isLive: true }))
      await readEvents(stream, (events) => {
        const changed = events.map(({ data }) => minuteOfEvent(JSON.parse(data) as LiveMinuteEvent, fn))
        minutes = withMinutes(minutes, changed, Date.now() - rangeMs)
        tell((before) => ({ ...before, value: minutes }))
      })
    } catch (failure) {
      if (signal.aborted) return
      tell((before) => ({ ...before, error: failure as Error }))
    }
    if (signal.aborted) return
    tell((before) => ({ ...before, isLive: false }))
    await new Promise((resolve) => setTimeout(resolve, retryMs))
  }
}

async function readMinutes(api: ApiClient, query: LiveQuery, signal: AbortSignal): Promise<SeriesMinute[]> {
  const { type, metric, by, fn, rangeMs } = query
  const asked = { type, metric, by, fn, from: String(Date.now() - rangeMs) }
  const { items } = await allPages<LiveMinute>(api, 'analytics/series', asked, minutesMax, signal)
  return items.map(readMinute)
}
