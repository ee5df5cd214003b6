import { useEffect, useMemo, useState } from 'preact/hooks'
import { ApiClient } from './api/api-client.ts'
import { EventFeed } from './api/event-feed.ts'
import type { OwnToken } from './api/types.ts'
import { pageAddress } from './page-address.ts'
import { SignIn } from './pages/sign-in.tsx'
import { Shell } from './shell.tsx'
import { ConsoleContext } from './state/console.ts'
import { forgetToken, keepToken, keptToken } from './state/session.ts'
import { useLoaded } from './state/use-loaded.ts'

const announcedMs = 6_000
/** An administrator may change what a token may do. */
const roleEveryMs = 60_000

/** The sign-in, or the console with the token of this tab. */
export function App() {
  const [token, setToken] = useState(keptToken)
  const [refusal, setRefusal] = useState<string | undefined>(undefined)
  const leave = (why?: string) => {
    forgetToken()
    setRefusal(why)
    setToken(undefined)
  }
  if (token === undefined) {
    const enter = (given: string) => {
      keepToken(given)
      setRefusal(undefined)
      setToken(given)
    }
    return <SignIn onToken={enter} refusal={refusal} />
  }
  return <SignedIn key={token} token={token} onLeave={leave} />
}

function SignedIn({ token, onLeave }: { token: string; onLeave: (why?: string) => void }) {
  const [said, setSaid] = useState('')
  const console = useMemo(() => {
    const api = new ApiClient(pageAddress(), token)
    api.onRefused = () => onLeave('The token is no longer valid. Sign in again.')
    return { api, feed: new EventFeed(api), announce: setSaid }
  }, [token])
  const self = useLoaded(
    (signal) => console.api.get<OwnToken>('tokens/self', {}, signal),
    [console],
    roleEveryMs,
  ).value
  useEffect(() => {
    const { feed, api } = console
    const onOnline = () => feed.retryNow()
    api.onReached = (isReached) => {
      // Another call got through: the stream need not wait longer.
      if (isReached && feed.state === 'lost') feed.retryNow()
    }
    addEventListener('online', onOnline)
    feed.start()
    return () => {
      removeEventListener('online', onOnline)
      feed.stop()
    }
  }, [console])
  useEffect(() => {
    if (said === '') return undefined
    const timer = setTimeout(() => setSaid(''), announcedMs)
    return () => clearTimeout(timer)
  }, [said])
  return (
    <ConsoleContext.Provider value={{ ...console, self }}>
      <Shell onSignOut={() => onLeave()} said={said} />
    </ConsoleContext.Provider>
  )
}
