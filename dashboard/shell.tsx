import { useEffect, useState } from 'preact/hooks'
import type { FeedState } from './api/event-feed.ts'
import type { AlarmEvent, Stats } from './api/types.ts'
import { Brand, PageIcon } from './components/icons.tsx'
import { count, plural } from './format.ts'
import { Alarms } from './pages/alarms.tsx'
import { DevicePage } from './pages/device.tsx'
import { Devices } from './pages/devices.tsx'
import { Energy } from './pages/energy.tsx'
import { Live } from './pages/live.tsx'
import { Overview } from './pages/overview.tsx'
import { Rejected } from './pages/rejected.tsx'
import { RulePage } from './pages/rule.tsx'
import { Rules } from './pages/rules.tsx'
import { hrefOf, type PageName, pages, type Route } from './route.ts'
import { useConsole, useEvents, useFeedState } from './state/console.ts'
import { useLoaded } from './state/use-loaded.ts'
import { useRoute } from './state/use-route.ts'

const names: Readonly<Record<PageName, string>> = {
  overview: 'Overview',
  live: 'Live',
  devices: 'Devices',
  alarms: 'Alarms',
  rejected: 'Rejected',
  rules: 'Rules',
  energy: 'Energy',
}
const standingEveryMs = 10_000

/** What surrounds every page: the menu, the state of the connection, and the voice for screen readers. */
export function Shell({ onSignOut, said }: { onSignOut: () => void; said: string }) {
  const route = useRoute()
  const { api, announce, feed, self } = useConsole()
  const state = useFeedState(feed)
  const stats = useLoaded((signal) => api.get<Stats>('stats', {}, signal), [], standingEveryMs)
  useEvents((events) => {
    const text = spoken(events)
    if (text !== undefined) announce(text)
    stats.reload()
  })
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        Skip to the page
      </button>
      <header class="top">
        <a href={hrefOf('overview')} class="home">
          <Brand />
        </a>
        <ConnectionSign state={state} />
        {self !== undefined && (
          <span class="faint own-token">
            {self.name}, role {self.role}
          </span>
        )}
        <button type="button" class="quiet" onClick={onSignOut}>
          Sign out
        </button>
      </header>
      {state === 'lost' && <LostBanner onRetry={() => feed.retryNow()} />}
      <nav class="menu" aria-label="Pages">
        {pages.map((page) => (
          <a key={page} href={hrefOf(page)} aria-current={route.page === page ? 'page' : undefined}>
            <PageIcon page={page} />
            <span>{names[page]}</span>
            {page === 'alarms' && <StandingCount n={stats.value?.alarms.standing ?? 0} />}
          </a>
        ))}
      </nav>
      <main id="main" tabIndex={-1}>
        <CurrentPage route={route} />
      </main>
      <div class="toast" role="status" aria-live="polite">
        {said}
      </div>
    </>
  )
}

function StandingCount({ n }: { n: number }) {
  if (n === 0) return null
  return (
    <span class="count">
      <span aria-hidden="true">{n > 999 ? '999+' : count(n)}</span>
      <span class="only-read">, {plural(n, 'alarm')} standing</span>
    </span>
  )
}

function CurrentPage({ route: { page, id, query } }: { route: Route }) {
  switch (page) {
    case 'overview':
      return <Overview />
    case 'live':
      return <Live query={query} />
    case 'devices':
      return id === undefined ? <Devices query={query} /> : <DevicePage key={id} id={id} query={query} />
    case 'alarms':
      return <Alarms query={query} />
    case 'rejected':
      return <Rejected query={query} />
    case 'rules':
      return id === undefined ? <Rules query={query} /> : <RulePage key={id} id={id} />
    case 'energy':
      return <Energy id={id} query={query} />
  }
}

const signs: Readonly<Record<FeedState, readonly [tone: string, text: string]>> = {
  connecting: ['off', 'Connecting'],
  live: ['ok', 'Live'],
  polling: ['warn', 'Every 3 s'],
  lost: ['bad', 'Connection lost'],
}

function ConnectionSign({ state }: { state: FeedState }) {
  const [tone, text] = signs[state]
  return (
    <span class={`status status-${tone} connection`} role="status">
      {text}
    </span>
  )
}

function LostBanner({ onRetry }: { onRetry: () => void }) {
  const [since] = useState(() => new Date())
  const [seconds, setSeconds] = useState(0)
  useEffect(() => {
    const timer = setInterval(() => setSeconds(Math.round((Date.now() - since.getTime()) / 1000)), 1000)
    return () => clearInterval(timer)
  }, [since])
  return (
    <div class="banner" role="alert">
      <p>
        The connection to the platform is lost; what is shown may be old. Trying again
        <span aria-hidden="true"> · {seconds} s</span>
      </p>
      <button type="button" onClick={onRetry}>
        Try now
      </button>
    </div>
  )
}

/** A sentence for what was raised; many at once are counted, not read out. */
function spoken(events: readonly AlarmEvent[]): string | undefined {
  const raised = events.filter(({ data }) => data.state === 'raised' || data.state === 'escalated')
  const [first] = raised
  if (first === undefined) return undefined
  if (raised.length > 1) return `${raised.length} alarms were raised`
  return `${first.data.severity} alarm ${first.data.state}: ${first.data.message}`
}
