import { createContext } from 'preact'
import { useContext, useEffect, useRef, useState } from 'preact/hooks'
import type { ApiClient } from '../api/api-client.ts'
import type { EventFeed, FeedState } from '../api/event-feed.ts'
import type { AlarmEvent } from '../api/types.ts'

/** What every page needs: the API with the token of this tab, the live events, and a voice for screen readers. */
export interface Console {
  readonly api: ApiClient
  readonly feed: EventFeed
  /** Says a sentence to screen readers without moving the focus, and shows it for a few seconds. */
  readonly announce: (text: string) => void
}

export const ConsoleContext = createContext<Console | undefined>(undefined)

export function useConsole(): Console {
  const console = useContext(ConsoleContext)
  if (console === undefined) throw new Error('outside of a signed-in page')
  return console
}

/** Calls `onEvents` with new events; with none when something may have changed unseen. */
export function useEvents(onEvents: (events: readonly AlarmEvent[]) => void): void {
  const { feed } = useConsole()
  const latest = useRef(onEvents)
  latest.current = onEvents
  useEffect(() => feed.listen((events) => latest.current(events)), [feed])
}

export function useFeedState(feed: EventFeed): FeedState {
  const [state, setState] = useState(feed.state)
  useEffect(() => {
    setState(feed.state)
    return feed.watch(setState)
  }, [feed])
  return state
}
