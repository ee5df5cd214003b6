import { delay } from '../lib/clock.ts'
import { TidemarkError } from '../lib/errors.ts'
import type { ApiClient } from './api-client.ts'
import type { OwnPlatform } from './own-platform.ts'
import type { Scenario } from './scenario.ts'

export type KilledPart = Scenario['kills'][number]

/** What became of one kill. */
export interface Kill {
  readonly part: KilledPart
  /** From the kill until it ran again, ms. */
  readonly downMs: number
  /** From then until it had caught up, ms; null where it had not when the run ended. */
  readonly catchUpMs: number | null
}

export interface KillOptions {
  readonly api: ApiClient
  readonly kills: readonly KilledPart[]
  /** Needed where `platform` is among the kills. */
  readonly platform?: Pick<OwnPlatform, 'kill' | 'start'> | undefined
  /** Between the start and the first kill, and between a catch-up and the next kill. */
  readonly everyMs: number
  /** Messages that devices have sent and the platform has not acknowledged. */
  readonly unacknowledged: () => number
  readonly signal: AbortSignal
  readonly onKilled?: (kill: Kill) => void
}

interface Stats {
  readonly messages: { readonly pending: number }
  readonly consumers: readonly { readonly lag: number }[]
}

const pollMs = 50
/** Looks at the backlog before each kill. */
export const samplesBefore = 20
/** A stream that runs always has some entries on their way, also where none was seen. */
const backlogMin = 50

/**
 * Kills one part after another while a load runs: ingest, rules and storage are cut off and restarted through the API, the
 * platform is killed as by a loss of power and started again. The next is killed when the last has caught up: when the largest
 * backlog (of any consumer, of messages pending or unacknowledged) is what it was at most in the second before the kill. Resolves with
 * the kills until `signal`, of which the last may not have caught up. Rejects with TIDEMARK_API_ERROR, or as the platform's start does.
 */
export async function killInTurn(options: KillOptions): Promise<Kill[]> {
  const { kills, platform, api, everyMs, signal, onKilled } = options
  const done: Kill[] = []
  for (const part of kills) {
    await delay(everyMs, signal)
    const usual = await usualBacklog(options)
    if (signal.aborted) break
    const killedAt = performance.now()
    if (part !== 'platform') await api.request('POST', `/parts/${part}:restart`)
    else if (platform !== undefined) {
      await platform.kill()
      await platform.start()
    }
    const runsAt = performance.now()
    while (!signal.aborted && !((await backlog(options)) <= usual)) await delay(pollMs, signal)
    const catchUpMs = signal.aborted ? null : performance.now() - runsAt
    const kill = { part, downMs: runsAt - killedAt, catchUpMs }
    done.push(kill)
    onKilled?.(kill)
  }
  return done
}

async function usualBacklog(options: KillOptions): Promise<number> {
  let most = backlogMin
  for (let sample = 0; sample < samplesBefore && !options.signal.aborted; sample++) {
    most = Math.max(most, (await backlog(options)) || 0)
    await delay(pollMs, options.signal)
  }
  return most
}

/** NaN while the platform does not answer. */
async function backlog({ api, unacknowledged }: KillOptions): Promise<number> {
  try {
    const { messages, consumers } = await api.request<Stats>('GET', '/stats')
    return Math.max(unacknowledged(), messages.pending, ...consumers.map(({ lag }) => lag))
  } catch (error) {
    if (error instanceof TidemarkError && error.code === 'TIDEMARK_API_UNREACHABLE') return Number.NaN
    throw error
  }
}
