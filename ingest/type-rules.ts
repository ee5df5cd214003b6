import { isMetricName, stringValueBytesMax } from '../domain/names.ts'
import { fixedValueType, type Profile, type ValueType } from '../domain/profile.ts'
import { isDeeperThan } from '../lib/nesting.ts'
import type { Rejection } from './payload.ts'

/** One letter for each value type, as in `Shape.types`. */
export type TypeLetter = 'n' | 'b' | 's'

const letters: Readonly<Record<string, TypeLetter>> = { number: 'n', boolean: 'b', string: 's' }
const typeNames: Readonly<Record<TypeLetter, string>> = { n: 'number', b: 'boolean', s: 'string' }
/** Metrics of one device type, listed or not: each is a column in the database for ever. */
const metricsMax = 2_000
const nestingMax = 6

const unlimited = { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY }

interface MetricRule {
  /** Undefined until the first value decides. */
  letter: TypeLetter | undefined
  readonly min: number
  readonly max: number
}

/** A metric whose type its first value has just decided: to be kept in the log with the batch. */
export interface PinnedType {
  readonly metric: string
  readonly key: string
  readonly letter: TypeLetter
}

/**
 * A profile compiled for the hot path: one map look-up and a few comparisons for each value. Also remembers the types of
 * metrics that the profile leaves open, which the first value fixes for the whole device type.
 */
export class TypeRules {
  readonly profile: Profile
  readonly #metrics = new Map<string, MetricRule>()

  constructor(profile: Profile, pinned: Iterable<readonly [metric: string, letter: TypeLetter]>) {
    this.profile = profile
    for (const [metric, { min, max }] of Object.entries(profile.metrics)) {
      const fixed = fixedValueType(profile.metrics[metric])
      const letter = fixed === undefined ? undefined : letters[fixed satisfies ValueType]
      this.#metrics.set(metric, {
        letter,
        min: min ?? unlimited.min,
        max: max ?? unlimited.max,
      })
    }
    // The profile may have been edited since a metric was first seen: what it no longer allows is not known either.
    for (const [metric, letter] of pinned) if (this.#isAllowed(metric)) this.#pin(metric, letter)
  }

  /** The letter of a valid value (which may pin the metric's type), or why it is refused. */
  check(metric: string, value: unknown, pins: PinnedType[]): TypeLetter | Rejection {
    const rule = this.#metrics.get(metric) ?? this.#unlisted(metric)
    if ('reason' in rule) return rule
    const letter = letters[typeof value]
    if (letter === undefined) {
      if (isDeeperThan(value, nestingMax))
        return { reason: 'payload.too_deep', detail: `${metric} is nested too deep` }
      return { reason: 'value.wrong_type', detail: `${metric} is not a number, boolean or string` }
    }
    if (letter === 'n' && !Number.isFinite(value))
      return { reason: 'value.not_finite', detail: `${metric} is not finite` }
    if (rule.letter !== undefined && rule.letter !== letter) {
      return {
        reason: 'value.wrong_type',
        detail: `${metric} is a ${typeNames[rule.letter]}, not a ${typeNames[letter]}`,
      }
    }
    if (letter === 'n' && ((value as number) < rule.min || (value as number) > rule.max)) {
      return {
        reason: 'value.out_of_range',
        detail: `${metric} is ${value}, outside ${rule.min} … ${rule.max}`,
      }
    }
    if (letter === 's') {
      const refused = checkString(metric, value as string)
      if (refused !== undefined) return refused
    }
    if (rule.letter === undefined) {
      this.#pin(metric, letter)
      pins.push({ metric, key: metricTypeKey(this.profile.type, metric), letter })
    }
    return letter
  }

  /** Valid range of a metric's numbers; without limits for one that is not listed. */
  range(metric: string): { readonly min: number; readonly max: number } {
    return this.#metrics.get(metric) ?? unlimited
  }

  /** Takes a pin back: the message that made it was refused. */
  unpin(metric: string): void {
    const rule = this.#metrics.get(metric)
    if (rule === undefined) return
    if (Object.hasOwn(this.profile.metrics, metric)) rule.letter = undefined
    else this.#metrics.delete(metric)
  }

  #pin(metric: string, letter: TypeLetter): void {
    const rule = this.#metrics.get(metric)
    if (rule === undefined) {
      this.#metrics.set(metric, { letter, ...unlimited })
    } else rule.letter ??= letter
  }

  #isAllowed(metric: string): boolean {
    const { strict, tags, metrics } = this.profile
    return Object.hasOwn(metrics, metric) || (!strict && isMetricName(metric, tags))
  }

  #unlisted(metric: string): MetricRule | Rejection {
    const shown = JSON.stringify(metric.slice(0, 64))
    if (!isMetricName(metric, this.profile.tags))
      return { reason: 'metric.bad_name', detail: `${shown} cannot name a metric` }
    if (this.profile.strict)
      return { reason: 'metric.bad_name', detail: `${shown} is not in the strict profile` }
    if (this.#metrics.size >= metricsMax)
      return { reason: 'metric.bad_name', detail: `over ${metricsMax} metrics of this type` }
    return { letter: undefined, ...unlimited }
  }
}

function checkString(metric: string, value: string): Rejection | undefined {
  if (Buffer.byteLength(value) > stringValueBytesMax) {
    return { reason: 'value.out_of_range', detail: `${metric} is longer than ${stringValueBytesMax} bytes` }
  }
  // A lone surrogate has no UTF-8: it would be stored as another character than was sent.
  const isText = (value as string & { isWellFormed(): boolean }).isWellFormed() && !value.includes('\u0000')
  return isText ? undefined : { reason: 'value.wrong_type', detail: `${metric} is not valid Unicode text` }
}

export function metricTypeKey(deviceType: string, metric: string): string {
  return `${deviceType}/${metric}`
}
