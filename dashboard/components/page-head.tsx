import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

/** The heading of a page. It takes the focus when the page opens, so that a screen reader begins there. */
export function PageHead({ title, children }: { title: string; children?: ComponentChildren }) {
  const ref = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${title} · Tidemark`
  }, [title])
  useEffect(() => {
    // Not on the first page of a visit: nobody has moved yet.
    if (document.activeElement !== document.body) ref.current?.focus({ preventScroll: true })
    scrollTo(0, 0)
  }, [])
  return (
    <header class="page-head">
      <h1 ref={ref} tabIndex={-1}>
        {title}
      </h1>
      <div class="page-actions">{children}</div>
    </header>
  )
}
