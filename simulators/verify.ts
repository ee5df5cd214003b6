import type { Value } from '../domain/profile.ts'
import { delay } from '../lib/clock.ts'
import { TidemarkError } from '../lib/errors.ts'
import type { ApiClient } from './api-client.ts'
import { readLedger } from './ledger.ts'

export interface VerifyOptions {
  readonly ledger: string
  readonly api: ApiClient
  /** How long to wait for the platform to have stored what it acknowledged. */
  readonly settleMs: number
  /** Readings that were sent and perhaps not acknowledged, so that they are no inventions when stored. */
  readonly isSent?: (device: string, ts: number) => boolean
}

export interface VerifyReport {
  readonly devices: number
  readonly acknowledged: number
  readonly stored: number
  /** Acknowledged and not stored. */
  readonly missing: number
  /** Stored with another value than was acknowledged. */
  readonly altered: number
  /** Stored and never acknowledged, in the time that the ledger spans. */
  readonly invented: number
  /** Stored more than once. */
  readonly repeated: number
  /** Messages that the platform had acknowledged and not stored when waiting ended: 0 unless something is stuck. */
  readonly pending: number
  /** The first differences, `missing a 2026-11-23T12:00:00.000Z`. */
  readonly examples: readonly string[]
}

interface StoredPage {
  readonly items: readonly { readonly time: string; readonly values: Readonly<Record<string, Value>> }[]
  readonly nextCursor: string | null
}

/** What the ledger says of one device: its last acknowledged values at each time. */
type Expected = Map<number, Readonly<Record<string, Value>>>

const pageSize = 1_000
const pollMs = 100
const examplesMax = 10

/**
 * Compares what was acknowledged with what is stored, reading by reading. Rejects with TIDEMARK_LEDGER_INVALID (exit code 2)
 * when there is nothing to compare, TIDEMARK_API_UNREACHABLE (3) or TIDEMARK_API_ERROR.
 */
export async function verify(options: VerifyOptions): Promise<VerifyReport> {
  const { api } = options
  const expectedByDevice = await expectations(options.ledger)
  const pending = await settled(api, options.settleMs)
  const report = {
    devices: expectedByDevice.size,
    acknowledged: 0,
    stored: 0,
    missing: 0,
    altered: 0,
    invented: 0,
    repeated: 0,
    pending,
  }
  const examples: string[] = []
  const note = (kind: string, device: string, ts: number) => {
    if (examples.length < examplesMax) examples.push(`${kind} ${device} ${new Date(ts).toISOString()}`)
  }
  for (const [device, expected] of expectedByDevice) {
    report.acknowledged += expected.size
    const seen = new Set<number>()
    for await (const { ts, values } of storedReadings(api, device, expected)) {
      report.stored++
      const wanted = expected.get(ts)
      if (seen.has(ts)) {
        report.repeated++
        note('repeated', device, ts)
      } else if (wanted === undefined) {
        if (options.isSent?.(device, ts)) continue
        report.invented++
        note('invented', device, ts)
      } else if (!sameValues(wanted, values)) {
        report.altered++
        note('altered', device, ts)
      }
      seen.add(ts)
    }
    for (const ts of expected.keys()) {
      if (seen.has(ts)) continue
      report.missing++
      note('missing', device, ts)
    }
  }
  return { ...report, examples }
}

async function expectations(path: string): Promise<Map<string, Expected>> {
  const devices = new Map<string, Expected>()
  for await (const { device, ts, values } of readLedger(path)) {
    const expected: Expected = devices.get(device) ?? new Map()
    devices.set(device, expected)
    expected.set(ts, { ...expected.get(ts), ...values })
  }
  if (devices.size === 0) {
    // A comparison with nothing would find no difference, and prove nothing.
    const message = `${path} holds no acknowledged reading`
    throw new TidemarkError('TIDEMARK_LEDGER_INVALID', message, { exitCode: 2 })
  }
  return devices
}

/** Waits until everything acknowledged is stored, but not longer than `settleMs`; returns the messages still pending. */
async function settled(api: ApiClient, settleMs: number): Promise<number> {
  const until = Date.now() + settleMs
  for (;;) {
    const { messages } = await api.request<{ messages: { pending: number } }>('GET', '/stats')
    if (messages.pending === 0 || Date.now() > until) return messages.pending
    await delay(pollMs)
  }
}

async function* storedReadings(api: ApiClient, device: string, expected: Expected) {
  let from = Number.POSITIVE_INFINITY
  let to = Number.NEGATIVE_INFINITY
  for (const ts of expected.keys()) {
    from = Math.min(from, ts)
    to = Math.max(to, ts)
  }
  let cursor = ''
  do {
    const path = `/readings?device=${encodeURIComponent(device)}&from=${from}&to=${to + 1}&limit=${pageSize}${cursor}`
    const page = await api.request<StoredPage>('GET', path)
    for (const { time, values } of page.items) yield { ts: Date.parse(time), values: withoutQuality(values) }
    cursor = page.nextCursor === null ? '' : `&cursor=${encodeURIComponent(page.nextCursor)}`
  } while (cursor !== '')
}

/** The platform's own mark beside the values of a reading that was ahead of its clock. */
function withoutQuality({ quality, ...values }: Readonly<Record<string, Value>>): Record<string, Value> {
  return values
}

function sameValues(a: Readonly<Record<string, Value>>, b: Readonly<Record<string, Value>>): boolean {
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && a[name] === b[name])
  )
}
