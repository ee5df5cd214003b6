import { delay } from '../../lib/clock.ts'
import type { ApiClient } from '../api-client.ts'

interface Backlog {
  readonly messages: { readonly pending: number }
  readonly consumers: readonly { readonly lag: number }[]
}

const pollMs = 100

/** How far a platform had come when waiting ended. */
export interface Settled {
  readonly isSettled: boolean
  /** Messages that it had acknowledged and not stored. */
  readonly pending: number
}

/**
 * Waits until the platform has stored what it acknowledged and each of its consumers has read all there is, but not longer
 * than `settleMs`. Rejects with TIDEMARK_API_UNREACHABLE (exit code 3) or TIDEMARK_API_ERROR.
 */
export async function settled(api: ApiClient, settleMs: number): Promise<Settled> {
  const untilMs = performance.now() + settleMs
  for (;;) {
    const { messages, consumers } = await api.request<Backlog>('GET', '/stats')
    const { pending } = messages
    const isSettled = pending === 0 && consumers.every(({ lag }) => lag === 0)
    if (isSettled || performance.now() > untilMs) return { isSettled, pending }
    await delay(pollMs)
  }
}
