import { delay } from '../../lib/clock.ts'
import type { ApiClient } from '../api-client.ts'

interface Backlog {
  readonly messages: { readonly pending: number }
  readonly consumers: readonly { readonly lag: number }[]
}

const pollMs = 100

/**
 * Waits until the platform has stored what it acknowledged and each of its consumers has read all there is, but not longer
 * than `settleMs`. Whether it has. Rejects with TIDEMARK_API_UNREACHABLE (exit code 3) or TIDEMARK_API_ERROR.
 */
export async function settled(api: ApiClient, settleMs: number): Promise<boolean> {
  const untilMs = performance.now() + settleMs
  for (;;) {
    const { messages, consumers } = await api.request<Backlog>('GET', '/stats')
    if (messages.pending === 0 && consumers.every(({ lag }) => lag === 0)) return true
    if (performance.now() > untilMs) return false
    await delay(pollMs)
  }
}
