import { createContext } from 'preact'
import { useContext, useEffect, useRef, useState } from 'preact/hooks'
import type { ApiClient } from '../api/api-client.ts'
import type { EventFeed, FeedState } from '../api/event-feed.ts'
import type { AlarmEvent, OwnToken, Role } from '../api/types.ts'

/** What every page needs: the API with the token of this tab, what that token is, the live events, and a voice for screen readers. */
export interface Console {
  readonly api: ApiClient
  readonly feed: EventFeed
  /** Undefined until it is known. */
  readonly self: OwnToken | undefined
  /** Says a sentence to screen readers without moving the focus, and shows it for a few seconds. */
  readonly announce: (text: string) => void
}

export const ConsoleContext = createContext<Console | undefined>(undefined)

export function useConsole(): Console {
  const console = useContext(ConsoleContext)
  if (console === undefined) throw new Error('outside of a signed-in page')
  return console
}

const rank: Readonly<Record<Role, number>> = { read: 0, operate: 1, admin: 2 }

/** Whether the token has `role` or a higher one, and which it has. The platform checks by itself: this is for what is offered. */
export function useMay(role: Role): { readonly may: boolean; readonly own: Role | undefined } {
  const own = useConsole().self?.role
  return { may: own !== undefined && rank[own] >= rank[role], own }
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
