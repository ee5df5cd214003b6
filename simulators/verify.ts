import type { Profile, Value } from '../domain/profile.ts'
import { TidemarkError } from '../lib/errors.ts'
import { type ApiClient, pageItemsMax } from './api-client.ts'
import { ExpectedLetters, isOutOfRange, isTimeInvalid } from './expected-letters.ts'
import { readLedger } from './ledger.ts'
import { settled } from './score/settled.ts'

export interface VerifyOptions {
  readonly ledger: string
  readonly api: ApiClient
  /** How long to wait for the platform to have stored what it acknowledged. */
  readonly settleMs: number
  /** Readings that were sent and perhaps not acknowledged, so that they are no inventions when stored. */
  readonly isSent?: (device: string, ts: number) => boolean
  readonly onProgress?: (progress: { readonly devices: number; readonly stored: number }) => void
}

export interface VerifyReport {
  readonly devices: number
  /** Readings, each once however often it was sent, and messages that had to become dead letters. */
  readonly acknowledged: number
  readonly stored: number
  /** Messages that the platform had to refuse, and keeps as dead letters. */
  readonly deadLettered: number
  /** Acknowledged and neither stored nor, where it must be, a dead letter. */
  readonly missing: number
  /** Of `missing`: dead letters. */
  readonly deadLettersMissing: number
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

interface StoredReading {
  readonly time: string
  readonly values: Readonly<Record<string, Value>>
}

/** What the ledger says of one device: its last acknowledged values at each time. */
type Expected = Map<number, Readonly<Record<string, Value>>>

interface Expectations {
  readonly readings: Map<string, Expected>
  readonly letters: ExpectedLetters
  readonly messages: number
  /** Unix ms at which the first message was sent. */
  readonly firstSentAt: number
}

const examplesMax = 10
/** Devices that are compared at the same time: the store answers one while the answer for another is read. */
const devicesAtOnceMax = 4

/**
 * Compares what was acknowledged with what is stored, reading by reading, and with the dead letters. Rejects with
 * TIDEMARK_LEDGER_INVALID (exit code 2) when there is nothing to compare, or as `api` does.
 */
export async function verify(options: VerifyOptions): Promise<VerifyReport> {
  const { api } = options
  const { readings, letters, messages, firstSentAt } = await expectations(options.ledger, api)
  const { pending } = await settled(api, options.settleMs)
  const profiles = new Profiles(api)
  const counts = { acknowledged: messages, stored: 0, missing: 0, altered: 0, invented: 0, repeated: 0 }
  const examples = new Map<string, string[]>([...readings.keys()].map((device) => [device, []]))
  const left = readings.entries()
  let compared = 0
  const compareNext = async () => {
    for (const [device, expected] of left) {
      const found = await compareDevice(options, device, expected)
      const own = examples.get(device)!
      for (const { kind, ts } of found.differences) {
        if (kind === 'missing' && isOutOfRange(expected.get(ts)!, await profiles.of(device))) {
          letters.add(device, 'value.out_of_range', firstSentAt)
          continue
        }
        counts[kind]++
        if (own.length < examplesMax) own.push(`${kind} ${device} ${new Date(ts).toISOString()}`)
      }
      counts.acknowledged += expected.size
      counts.stored += found.stored
      expected.clear()
      options.onProgress?.({ devices: ++compared, stored: counts.stored })
    }
  }
  await Promise.all(Array.from({ length: devicesAtOnceMax }, compareNext))
  const kept = await letters.compare(api)
  const { acknowledged, stored, missing, ...others } = counts
  return {
    devices: readings.size,
    acknowledged,
    stored,
    deadLettered: kept.found,
    missing: missing + kept.missing,
    deadLettersMissing: kept.missing,
    ...others,
    pending,
    examples: [...[...examples.values()].flat(), ...kept.lacking].slice(0, examplesMax),
  }
}

interface Difference {
  readonly kind: 'missing' | 'altered' | 'invented' | 'repeated'
  readonly ts: number
}

async function compareDevice(
  { api, isSent }: VerifyOptions,
  device: string,
  expected: Expected,
): Promise<{ stored: number; differences: Difference[] }> {
  const differences: Difference[] = []
  const seen = new Set<number>()
  let stored = 0
  for await (const { ts, values } of storedReadings(api, device, expected)) {
    stored++
    const wanted = expected.get(ts)
    if (seen.has(ts)) differences.push({ kind: 'repeated', ts })
    else if (wanted === undefined) {
      if (isSent?.(device, ts)) continue
      differences.push({ kind: 'invented', ts })
    } else if (!sameValues(wanted, values)) differences.push({ kind: 'altered', ts })
    seen.add(ts)
  }
  for (const ts of expected.keys()) if (!seen.has(ts)) differences.push({ kind: 'missing', ts })
  return { stored, differences }
}

async function expectations(path: string, api: ApiClient): Promise<Expectations> {
  const readings = new Map<string, Expected>()
  const letters = new ExpectedLetters()
  let messages = 0
  let firstSentAt = Number.POSITIVE_INFINITY
  for await (const { device, ts, values, deadLetter, sentAt } of readLedger(path)) {
    // A ledger of a million lines takes seconds.
    api.throwIfInterrupted()
    firstSentAt = Math.min(firstSentAt, sentAt)
    const expected: Expected = readings.get(device) ?? new Map()
    readings.set(device, expected)
    const reason = deadLetter ?? (isTimeInvalid(ts) ? 'ts.invalid' : undefined)
    if (reason !== undefined) {
      letters.add(device, reason, sentAt)
      messages++
      continue
    }
    const before = expected.get(ts)
    // Nothing is stored of a reading whose values were all null.
    if (before !== undefined || Object.keys(values).length > 0) {
      expected.set(ts, before === undefined ? values : { ...before, ...values })
    }
  }
  if (readings.size === 0) {
    // A comparison with nothing would find no difference, and prove nothing.
    const message = `${path} holds no acknowledged reading`
    throw new TidemarkError('TIDEMARK_LEDGER_INVALID', message, { exitCode: 2 })
  }
  return { readings, letters, messages, firstSentAt }
}

/** The profile of each device, as the platform has it: asked for only when a reading is not there. */
class Profiles {
  readonly #api: ApiClient
  readonly #ofDevice = new Map<string, Profile | undefined>()
  #all: Promise<ReadonlyMap<string, Profile>> | undefined

  constructor(api: ApiClient) {
    this.#api = api
  }

  async of(device: string): Promise<Profile | undefined> {
    if (!this.#ofDevice.has(device)) {
      this.#all ??= this.#api
        .request<{ items: Profile[] }>('GET', '/profiles?limit=1000')
        .then(({ items }) => new Map(items.map((profile) => [profile.type, profile])))
      const path = `/devices/${encodeURIComponent(device)}`
      const { type } = await this.#api.request<{ type: string }>('GET', path)
      this.#ofDevice.set(device, (await this.#all).get(type))
    }
    return this.#ofDevice.get(device)
  }
}

/**
 * What is stored of a device from the first to the last time of the ledger. Asked for in spans that hold a page of the ledger: a
 * store finds a page of a short span soon, and would look for one of an open span in all that lies behind it.
 */
async function* storedReadings(api: ApiClient, device: string, expected: Expected) {
  const times = Float64Array.from(expected.keys()).sort()
  for (let at = 0; at < times.length; at += pageItemsMax) {
    const to = times[at + pageItemsMax] ?? times.at(-1)! + 1
    const path = `/readings?device=${encodeURIComponent(device)}&from=${times[at]}&to=${to}`
    for await (const { time, values } of api.items<StoredReading>(path))
      yield { ts: Date.parse(time), values: withoutQuality(values) }
  }
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
