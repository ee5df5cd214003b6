import type { Profile, Value } from '../../domain/profile.ts'

/**
 * What the contract says of a payload, written from the contract: an oracle that shares no code with ingest. Where a payload
 * breaks several rules, the contract does not say which reason is told, so the oracle names all that fit.
 */
export interface Verdict {
  /** Reasons to refuse the message; empty when it must be taken. */
  readonly reasons: ReadonlySet<string>
  /** Of a message that must be taken, in order; those without any value left out. */
  readonly readings: readonly ExpectedReading[]
}

export interface ExpectedReading {
  /** Undefined: the time received. */
  readonly ts: number | undefined
  readonly values: ReadonlyMap<string, Value>
}

const timeFirst = Date.parse('2000-01-01T00:00:00.000Z')
const timeLast = Date.parse('2099-12-31T23:59:59.999Z')
const readingsMax = 10_000
/** From here on a payload may be told to be too deep; whatever nests that deep has no valid place. */
const depthFirstTooDeep = 8

export class PayloadOracle {
  readonly #profile: Profile
  /** Types that first values have fixed. */
  readonly #types = new Map<string, string>()

  constructor(profile: Profile) {
    this.#profile = profile
  }

  judge(payload: Uint8Array): Verdict {
    let parsed: unknown
    try {
      parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload))
    } catch {
      return refused('payload.not_json')
    }
    const items: readonly unknown[] = Array.isArray(parsed) ? parsed : [parsed]
    if (items.length > readingsMax) return refused('payload.too_large')
    const reasons = new Set<string>()
    if (items.length === 0) reasons.add('payload.wrong_shape')
    const types = new Map(this.#types)
    const readings: ExpectedReading[] = []
    for (const item of items) {
      const reading = this.#reading(item, types, reasons)
      if (reading !== undefined && reading.values.size > 0) readings.push(reading)
    }
    if (reasons.size > 0) {
      if (depthOf(parsed) >= depthFirstTooDeep) reasons.add('payload.too_deep')
      return { reasons, readings: [] }
    }
    for (const [metric, type] of types) this.#types.set(metric, type)
    return { reasons, readings }
  }

  #reading(item: unknown, types: Map<string, string>, reasons: Set<string>): ExpectedReading | undefined {
    const message = membersOf(item)
    if (message === undefined || message.size === 0) return wrongShape(reasons)
    if (!message.has('values')) {
      // A reading with a time has its values apart: `ts` is no metric of the short form.
      if (message.has('ts')) return wrongShape(reasons)
      return { ts: undefined, values: this.#values(message, types, reasons) }
    }
    const members = membersOf(message.get('values'))
    if (members === undefined) return wrongShape(reasons)
    for (const name of message.keys()) if (!['ts', 'seq', 'values'].includes(name)) wrongShape(reasons)
    // It is not stored, so any plain value does for it.
    if (typeof (message.get('seq') ?? 0) === 'object') wrongShape(reasons)
    const ts = message.get('ts')
    const isTime = typeof ts === 'number' && Math.floor(ts) === ts && ts >= timeFirst && ts <= timeLast
    if (message.has('ts') && !isTime) reasons.add('ts.invalid')
    return { ts: ts as number | undefined, values: this.#values(members, types, reasons) }
  }

  #values(
    members: ReadonlyMap<string, unknown>,
    types: Map<string, string>,
    reasons: Set<string>,
  ): Map<string, Value> {
    const values = new Map<string, Value>()
    for (const [metric, value] of members) {
      if (value === null) continue
      if (!this.#mayName(metric)) reasons.add('metric.bad_name')
      this.#checkValue(metric, value, types, reasons)
      values.set(metric, value as Value)
    }
    return values
  }

  #mayName(metric: string): boolean {
    const { tags, strict, metrics } = this.#profile
    if (['time', 'device', 'quality', ...tags].includes(metric)) return false
    if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(metric) || metric.length > 64 || metric.endsWith('\n')) return false
    return !strict || Object.keys(metrics).includes(metric)
  }

  #checkValue(metric: string, value: unknown, types: Map<string, string>, reasons: Set<string>): void {
    const listed = new Map(Object.entries(this.#profile.metrics)).get(metric)
    if (typeof value === 'object') {
      reasons.add('value.wrong_type')
      return
    }
    const fixed = listed === undefined || listed.kind === 'state' ? listed?.type : 'number'
    const known = fixed ?? types.get(metric)
    if (known === undefined) types.set(metric, typeof value)
    else if (known !== typeof value) reasons.add('value.wrong_type')
    if (typeof value === 'number') {
      if (Math.abs(value) > Number.MAX_VALUE) reasons.add('value.not_finite')
      const { min = -Infinity, max = Infinity } = listed ?? {}
      if (value < min || value > max) reasons.add('value.out_of_range')
    }
    if (typeof value === 'string') {
      if (new TextEncoder().encode(value).length > 256) reasons.add('value.out_of_range')
      // What is no Unicode text, and U+0000, cannot be stored as it was sent.
      if (/\p{Surrogate}|\0/u.test(value)) reasons.add('value.wrong_type')
    }
  }
}

function refused(reason: string): Verdict {
  return { reasons: new Set([reason]), readings: [] }
}

function wrongShape(reasons: Set<string>): undefined {
  reasons.add('payload.wrong_shape')
}

/** Members of a JSON object, undefined for everything else. */
function membersOf(value: unknown): Map<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return new Map(Object.entries(value))
}

/** Levels of lists and objects in one another; by hand, since a payload may nest deeper than the stack. */
function depthOf(value: unknown): number {
  let level = [value]
  for (let depth = 0; ; depth++) {
    const containers = level.filter((item) => typeof item === 'object' && item !== null)
    if (containers.length === 0 || depth > depthFirstTooDeep) return depth
    level = containers.flatMap((item) => Object.values(item as object))
  }
}
