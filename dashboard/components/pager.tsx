import { useState } from 'preact/hooks'

/** Where one is in a list that is read page by page, newest first. */
export interface Cursors {
  /** Of the page that is shown; undefined on the first. */
  readonly cursor: string | undefined
  readonly toOlder: (nextCursor: string) => void
  readonly toNewer: () => void
  readonly toFirst: () => void
}

export function useCursors(): Cursors {
  const [cursors, setCursors] = useState<readonly string[]>([])
  return {
    cursor: cursors.at(-1),
    toOlder: (nextCursor) => setCursors([...cursors, nextCursor]),
    toNewer: () => setCursors(cursors.slice(0, -1)),
    toFirst: () => setCursors([]),
  }
}

/** To the pages before and after; `nextCursor` is that of the page shown. Of a single page it shows nothing. */
export function Pager({
  label,
  cursors: { cursor, toNewer, toOlder },
  nextCursor,
}: {
  label: string
  cursors: Cursors
  nextCursor: string | null
}) {
  if (cursor === undefined && nextCursor === null) return null
  return (
    <nav class="pager" aria-label={label}>
      <button type="button" disabled={cursor === undefined} onClick={toNewer}>
        Newer
      </button>
      <button
        type="button"
        disabled={nextCursor === null}
        onClick={() => nextCursor !== null && toOlder(nextCursor)}
      >
        Older
      </button>
    </nav>
  )
}
