import type { ComponentChildren } from 'preact'
import { ApiProblem, Unreachable } from '../api/api-client.ts'

/** What went wrong, in the platform's words, and a way on. */
export function ErrorNote({ error, onRetry }: { error: Error; onRetry?: (() => void) | undefined }) {
  return (
    <div class="note note-bad" role="alert">
      <p>{sentence(error)}</p>
      {error instanceof ApiProblem && error.errors.length > 0 && (
        <ul>
          {error.errors.map(({ pointer, detail }) => (
            <li key={pointer}>
              <code>{pointer || '/'}</code> {detail}
            </li>
          ))}
        </ul>
      )}
      {onRetry !== undefined && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  )
}

function sentence(error: Error): string {
  const text = error.message
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`
}

/** What a page says that has nothing to show, and what to do about it. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  )
}

export function Loading() {
  return (
    <p class="loading" role="status">
      Loading…
    </p>
  )
}

/** The value once it is there; till then that it loads, or why it does not. An error beside a value is shown above it. */
export function Shown<T>({
  of: { value, error, reload },
  children,
}: {
  of: { value: T | undefined; error: Error | undefined; reload: () => void }
  children: (value: T) => ComponentChildren
}) {
  if (value === undefined)
    return error === undefined ? <Loading /> : <ErrorNote error={error} onRetry={reload} />
  return (
    <>
      {/* That nothing is reached the shell says for all pages. */}
      {error !== undefined && !(error instanceof Unreachable) && <ErrorNote error={error} onRetry={reload} />}
      {children(value)}
    </>
  )
}
