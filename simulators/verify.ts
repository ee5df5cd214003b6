import type { Profile, Value } from '../domain/profile.ts'
import { TidemarkError } from '../lib/errors.ts'
import type { ApiClient } from './api-client.ts'
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
  readonly onProgress?: (progress: VerifyProgress) => void
}

export interface VerifyProgress {
  /** Readings that were compared. */
  readonly stored: number
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
  readonly device: string
  readonly time: string
  readonly values: Readonly<Record<string, Value>>
}

type Values = Readonly<Record<string, Value>>

/** What the ledger says of one device: its last acknowledged values at each time, until they were found. */
type Expected = Map<number, Values | 'found'>

/** Unix ms, both included. */
interface Span {
  readonly first: number
  readonly last: number
}

interface Expectations {
  readonly readings: Map<string, Expected>
  readonly letters: ExpectedLetters
  readonly messages: number
  /** Unix ms at which the first message was sent. */
  readonly firstSentAt: number
}

const examplesMax = 10
/** Devices that are asked for at once: to InfluxDB an answer costs what their series cost, however few readings it holds. */
const devicesAtOnceMax = 250
/** Of their ids in an address: servers take 16 KiB with all headers. */
const idBytesMax = 8_192
/** Groups that are compared at the same time: the store answers one while the answer for another is read. */
const groupsAtOnceMax = 2
const progressReadings = 1_000

/**
 * Compares what was acknowledged with what is stored, reading by reading, and with the dead letters. Rejects with
 * TIDEMARK_LEDGER_INVALID (exit code 2) when there is nothing to compare, or as `api` does.
 */
export async function verify(options: VerifyOptions): Promise<VerifyReport> {
  const { api } = options
  const { readings, letters, messages, firstSentAt } = await expectations(options.ledger, api)
  const { pending } = await settled(api, options.settleMs)
  const profiles = new Profiles(api)
  const comparison = new Comparison(readings)
  let acknowledged = messages
  for (const { size } of readings.values()) acknowledged += size
  const isWhole = await isWholeFleet(api, readings.size)
  const left = isWhole ? [[...readings.keys()]].values() : groupsOf(readings.keys())
  const compareNext = async () => {
    for (const group of left) {
      await comparison.compare(group, { ...options, asked: isWhole ? undefined : group })
      for (const device of group) {
        for (const [ts, values] of comparison.missing(device)) {
          if (isOutOfRange(values, await profiles.of(device)))
            letters.add(device, 'value.out_of_range', firstSentAt)
          else comparison.differs('missing', device, ts)
        }
        readings.get(device)!.clear()
      }
    }
  }
  await Promise.all(Array.from({ length: groupsAtOnceMax }, compareNext))
  const kept = await letters.compare(api)
  const { missing, ...others } = comparison.counts
  return {
    devices: readings.size,
    acknowledged,
    stored: comparison.stored,
    deadLettered: kept.found,
    missing: missing + kept.missing,
    deadLettersMissing: kept.missing,
    ...others,
    pending,
    examples: [...comparison.examples(), ...kept.lacking].slice(0, examplesMax),
  }
}

type Difference = 'missing' | 'altered' | 'invented' | 'repeated'

class Comparison {
  readonly counts = { missing: 0, altered: 0, invented: 0, repeated: 0 }
  stored = 0
  readonly #readings: ReadonlyMap<string, Expected>
  readonly #examples = new Map<string, string[]>()

  constructor(readings: ReadonlyMap<string, Expected>) {
    this.#readings = readings
  }

  /** Of some devices, which are asked for by name or among all; each from the first to the last time that the ledger has of it. Values that are found are forgotten. */
  async compare(
    devices: readonly string[],
    { api, isSent, onProgress, asked }: VerifyOptions & { readonly asked: readonly string[] | undefined },
  ): Promise<void> {
    const spans = new Map<string, Span>()
    let [from, to] = [Number.POSITIVE_INFINITY, 0]
    for (const device of devices) {
      const span = spanOf(this.#readings.get(device)!.keys())
      if (span === undefined) continue
      spans.set(device, span)
      from = Math.min(from, span.first)
      to = Math.max(to, span.last + 1)
    }
    if (spans.size === 0) return
    const named = asked?.filter((device) => spans.has(device)).map(encodeURIComponent)
    const path = `/readings:export?from=${from}&to=${to}${named === undefined ? '' : `&device=${named.join(',')}`}`
    for await (const { device, time, values } of api.items<StoredReading>(path)) {
      const span = spans.get(device)
      const ts = Date.parse(time)
      if (span === undefined || ts < span.first || ts > span.last) continue
      this.#compareOne(device, ts, withoutQuality(values), isSent)
      if (this.stored % progressReadings === 0) onProgress?.({ stored: this.stored })
    }
  }

  /** What was not found of a device. */
  *missing(device: string): Generator<[ts: number, values: Values]> {
    for (const [ts, values] of this.#readings.get(device)!) if (values !== 'found') yield [ts, values]
  }

  differs(kind: Difference, device: string, ts: number): void {
    this.counts[kind]++
    const own = this.#examples.get(device) ?? []
    if (own.length === 0) this.#examples.set(device, own)
    if (own.length < examplesMax) own.push(`${kind} ${device} ${new Date(ts).toISOString()}`)
  }

  /** By device, in the order of the ledger. */
  *examples(): Generator<string> {
    for (const device of this.#readings.keys()) yield* this.#examples.get(device) ?? []
  }

  #compareOne(device: string, ts: number, values: Values, isSent: VerifyOptions['isSent']): void {
    this.stored++
    const expected = this.#readings.get(device)!
    const wanted = expected.get(ts)
    if (wanted === 'found') this.differs('repeated', device, ts)
    else if (wanted === undefined) {
      if (isSent?.(device, ts)) return
      this.differs('invented', device, ts)
    } else if (!sameValues(wanted, values)) this.differs('altered', device, ts)
    expected.set(ts, 'found')
  }
}

/** undefined of a device of which there is nothing but messages for the dead letters. */
function spanOf(times: Iterable<number>): Span | undefined {
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const ts of times) {
    first = Math.min(first, ts)
    last = Math.max(last, ts)
  }
  return first > last ? undefined : { first, last }
}

/**
 * Whether all that is stored is asked for in one go: DuckDB finds it sooner than group by group, where it is mostly of the ledger's
 * devices. Rejects as `api` does.
 */
async function isWholeFleet(api: ApiClient, count: number): Promise<boolean> {
  const { store, devices } = await api.request<Fleet>('GET', '/stats')
  return count > devicesAtOnceMax && store.kind === 'duckdb' && count * 2 > devices.total
}

/** Of `/stats`. */
interface Fleet {
  readonly store: { readonly kind: string }
  readonly devices: { readonly total: number }
}

/** In order of their ids: neighbours are found together. */
function* groupsOf(devices: Iterable<string>): Generator<string[]> {
  let group: string[] = []
  let bytes = 0
  for (const device of [...devices].sort()) {
    const more = encodeURIComponent(device).length + 1
    if (group.length === devicesAtOnceMax || bytes + more > idBytesMax) {
      yield group
      group = []
      bytes = 0
    }
    group.push(device)
    bytes += more
  }
  yield group
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
    const before = expected.get(ts) as Values | undefined
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

/** The platform's own mark beside the values of a reading that was ahead of its clock. */
function withoutQuality({ quality, ...values }: Values): Values {
  return values
}

function sameValues(a: Values, b: Values): boolean {
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && a[name] === b[name])
  )
}
