import type { Value } from '../../../domain/profile.ts'
import { shippedProfiles } from '../../../domain/shipped-profiles.ts'
import type { AbsenceCondition, Condition, Duration, Limit } from '../../../rules/rule.ts'

/** One thing that a rule is shown, in order of evaluation. */
export interface Seen {
  readonly kind: 'reading' | 'tick' | 'connected' | 'disconnected'
  readonly device: string
  readonly ts: number
  readonly values: Readonly<Record<string, Value>>
  /** Number of the arrival at which it was evaluated. */
  readonly at: number
  /** Of a tick: those whose limit is over now. */
  readonly absences?: readonly AbsenceCondition[]
}

export interface Judgement {
  readonly outcome: 'met' | 'cleared' | 'between' | 'unknown'
  readonly value: Value | undefined
}

/** What a condition may ask about, beside what it has seen. */
export interface Scope {
  readonly labels: Readonly<Record<string, string>>
  readonly labelsOf: (device: string) => Readonly<Record<string, string>>
  readonly registeredAt: number | undefined
  readonly expectedIntervalMs: number | undefined
  /** All that was evaluated for the devices of the group, this one's among it. */
  readonly everyone: readonly Seen[]
  /** Devices registered in the group. */
  readonly members: readonly string[]
  /** Whether what was seen reaches another rule. */
  readonly reachesRule: (rule: string, seen: Seen) => boolean
  /** Whether another rule is active or recovering for the device, or for a group of it, after an arrival. */
  readonly isActive: (rule: string, device: string, at: number) => boolean
  /** Judges an inner condition. */
  readonly judge: Judge<Condition>
}

/** Judges all that reached a condition: as many judgements as `seen`, each from what stands before it and itself. */
export type Judge<C extends Condition> = (
  condition: C,
  seen: readonly Seen[],
  scope: Scope,
) => readonly Judgement[]

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 60e3, h: 3600e3, d: 86400e3 }

function textMs(text: string): number {
  const [, amount, unit] = /^([0-9.]+)(ms|s|m|h|d)$/.exec(text) ?? []
  return amount === undefined ? Number.NaN : Math.round(Number(amount) * unitMs[unit!]!)
}

/** A duration in ms. */
export function msOf(duration: Duration, labels: Readonly<Record<string, string>> = {}): number {
  if (typeof duration === 'string') return textMs(duration)
  const own = textMs(labels[duration.label] ?? '')
  return Number.isNaN(own) ? textMs(duration.default) : own
}

export function limitOf(limit: Limit, labels: Readonly<Record<string, string>>): number {
  if (typeof limit === 'number') return limit
  const own = labels[limit.label] ?? ''
  return /^-?\d+(\.\d+)?$/.test(own) ? Number(own) : limit.default
}

export function profileIntervalMs(type: string): number | undefined {
  const text = shippedProfiles.find((profile) => profile.type === type)?.expectedInterval
  return text === undefined ? undefined : textMs(text)
}

/** A number as it is, a boolean as 0 or 1; a text, and what is not there, is undefined. */
export function numberIn(seen: Seen, metric: string): number | undefined {
  const value = seen.values[metric]
  return value === undefined || typeof value === 'string' ? undefined : Number(value)
}

export const unknown: Judgement = { outcome: 'unknown', value: undefined }

/** Met or cleared, nothing in between. */
export function metIf(holds: boolean, value: Value | undefined): Judgement {
  return { outcome: holds ? 'met' : 'cleared', value }
}

/** The comparison of kinds that calculate a number. */
export function compared(
  { above, below }: { above?: Limit | undefined; below?: Limit | undefined },
  value: number,
  { labels }: Scope,
): Judgement {
  const holds = above === undefined ? value < limitOf(below!, labels) : value > limitOf(above, labels)
  return metIf(holds, value)
}

/** The quantile q of the values: at (n − 1) × q, linear between neighbours. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const rank = (sorted.length - 1) * q
  const low = Math.floor(rank)
  const high = Math.ceil(rank)
  return sorted[low]! + (sorted[high]! - sorted[low]!) * (rank - low)
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)

/** The median of the last 16 gaps between different ones of the times, which rise; undefined before the first gap. */
export function usualIntervalMs(times: readonly number[]): number | undefined {
  const gaps = times
    .map((time, i) => (i === 0 ? 0 : time - times[i - 1]!))
    .filter((gap) => gap > 0)
    .slice(-16)
  return gaps.length === 0 ? undefined : median(gaps)
}

export interface Point {
  readonly ts: number
  readonly value: number
}

/**
 * Judges each reading of one metric by the numbers so far, this one last; a text is `unknown` and leaves no trace.
 */
export function byNumbers(
  metric: string,
  seen: readonly Seen[],
  judge: (points: readonly Point[], now: Point) => Judgement,
): Judgement[] {
  return seen.map((one, i) => {
    if (numberIn(one, metric) === undefined) return unknown
    const points = seen
      .slice(0, i + 1)
      .filter((other) => numberIn(other, metric) !== undefined)
      .map((other) => ({ ts: other.ts, value: numberIn(other, metric)! }))
    return judge(points, points.at(-1)!)
  })
}
