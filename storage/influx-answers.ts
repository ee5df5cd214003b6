import type { InfluxAnswer } from './influx-transport.ts'

/** What an answer to a write means for the lines that were sent. */
export type WriteVerdict =
  | { readonly kind: 'accepted' }
  /** At least one line is bad: halve until it is found. */
  | { readonly kind: 'bisect'; readonly detail: string }
  | { readonly kind: 'missing_database' }
  | {
      readonly kind: 'retry'
      readonly code: `TIDEMARK_${string}`
      readonly detail: string
      readonly afterMs: number | undefined
    }

const retryAfterSecondsMax = 300

/**
 * The table from status to outcome, for InfluxDB 1.x, 2.x and 3 Core. Only 204 is acceptance: a proxy's 200 is not.
 * `Retry-After` is in seconds. Whatever is not known to be the lines' fault keeps the lines.
 */
export function judgeWrite(answer: InfluxAnswer): WriteVerdict {
  const { status } = answer
  const detail = answer.body.slice(0, 300)
  if (status === 204) return { kind: 'accepted' }
  if (status === 404 && /not found/i.test(detail) && /database|bucket/i.test(detail))
    return { kind: 'missing_database' }
  if (status === 400 && /database.*not found|bucket.*not found/i.test(detail))
    return { kind: 'missing_database' }
  // The page of a proxy (plain HTTP to a TLS port) says nothing of the lines; its 413 does.
  const isDatabases = !/^\s*</.test(detail)
  if (status === 413 || ((status === 400 || status === 422) && isDatabases)) return { kind: 'bisect', detail }
  if (status === 401 || status === 403 || status === 404) {
    return {
      kind: 'retry',
      code: 'TIDEMARK_STORE_REFUSED',
      detail: `status ${status}: ${detail}`,
      afterMs: undefined,
    }
  }
  if (status === 429 || status === 503) {
    const seconds = Math.min(answer.retryAfterSeconds ?? 0, retryAfterSecondsMax)
    const afterMs = seconds > 0 ? seconds * 1000 : undefined
    return { kind: 'retry', code: 'TIDEMARK_STORE_BUSY', detail: `status ${status}: ${detail}`, afterMs }
  }
  const code = status === 0 ? 'TIDEMARK_STORE_DOWN' : 'TIDEMARK_STORE_ERROR'
  return { kind: 'retry', code, detail: `status ${status}: ${detail}`, afterMs: undefined }
}
