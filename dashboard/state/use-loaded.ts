import { useCallback, useEffect, useRef, useState } from 'preact/hooks'

export interface Loaded<T> {
  /** The newest that came; stays while later ones fail. */
  readonly value: T | undefined
  readonly error: Error | undefined
  /** Loads now; calls while it loads are one more load after it. */
  readonly reload: () => void
  /** Puts in what an action answered, so that it is seen at once. */
  readonly replace: (change: (value: T) => T) => void
}

/**
 * What `load` gives, loaded anew when `keys` change and, with `everyMs`, again and again while the tab is seen. One load at a time. What
 * came for earlier keys stays until the new one is there: a page that is about another thing has a `key` of its own.
 */
export function useLoaded<T>(
  load: (signal: AbortSignal) => Promise<T>,
  keys: readonly unknown[],
  everyMs?: number,
): Loaded<T> {
  const [value, setValue] = useState<T | undefined>(undefined)
  const [error, setError] = useState<Error | undefined>(undefined)
  const latest = useRef(load)
  latest.current = load
  const again = useRef<() => void>(() => undefined)

  useEffect(() => {
    const ending = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    let isLoading = false
    let isAsked = false
    const once = async () => {
      if (isLoading) {
        isAsked = true
        return
      }
      isLoading = true
      clearTimeout(timer)
      try {
        const loaded = await latest.current(ending.signal)
        if (ending.signal.aborted) return
        setValue(() => loaded)
        setError(undefined)
      } catch (failure) {
        if (ending.signal.aborted) return
        setError(failure instanceof Error ? failure : new Error(String(failure)))
      }
      isLoading = false
      if (isAsked) {
        isAsked = false
        void once()
      } else if (everyMs !== undefined && !document.hidden) timer = setTimeout(once, everyMs)
    }
    const onVisible = () => {
      if (!document.hidden && everyMs !== undefined) void once()
    }
    again.current = () => void once()
    document.addEventListener('visibilitychange', onVisible)
    void once()
    return () => {
      ending.abort()
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', onVisible)
    }
  }, [...keys, everyMs])

  const reload = useCallback(() => again.current(), [])
  const replace = useCallback(
    (change: (value: T) => T) => setValue((current) => (current === undefined ? current : change(current))),
    [],
  )
  return { value, error, reload, replace }
}
