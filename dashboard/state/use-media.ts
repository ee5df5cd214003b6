import { useEffect, useState } from 'preact/hooks'

/** Whether a media query holds, as it changes. */
export function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches)
  useEffect(() => {
    const list = matchMedia(query)
    const onChange = () => setMatches(list.matches)
    onChange()
    list.addEventListener('change', onChange)
    return () => list.removeEventListener('change', onChange)
  }, [query])
  return matches
}

/** As in styles: below it tables are cards. */
export const phoneQuery = '(max-width: 720px)'
export const darkQuery = '(prefers-color-scheme: dark)'
