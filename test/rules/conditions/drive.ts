import { durationMs } from '../../../domain/duration.ts'
import type { Value } from '../../../domain/profile.ts'
import { compileCondition, kindOf } from '../../../rules/condition-kinds.ts'
import {
  type CompileContext,
  type Input,
  type Outcome,
  outcomes,
  type PreviousNeed,
  type PreviousReading,
  type WindowView,
} from '../../../rules/conditions/condition.ts'
import type { Condition } from '../../../rules/rule.ts'

/** A reading as the tests of conditions write it; times in ms. */
export interface GivenReading {
  readonly ts: number
  readonly values: Readonly<Record<string, Value>>
}

export interface Judged {
  readonly outcome: keyof typeof outcomes
  readonly value: Value | undefined
  readonly threshold: Value | readonly number[]
}

export interface DriveOptions {
  readonly labels?: Readonly<Record<string, string>>
  readonly expectedIntervalMs?: number
  readonly registeredAt?: number
}

/** Checks the condition against its schema (which fills in the defaults) and compiles it. */
export function compiled(condition: unknown, options: DriveOptions = {}) {
  const parsed = kindOf(condition as Condition).schema.parse(condition)
  return compileCondition(parsed, contextOf(options))
}

/**
 * Shows readings to one condition, in the order given, those that do not reach it left out; what it says of each. The state goes
 * through JSON after every reading, as over a restart. Windows are plain lists, filtered.
 */
export function drive(
  condition: unknown,
  readings: readonly GivenReading[],
  options: DriveOptions = {},
): Judged[] {
  const subject = compiled(condition, options)
  let state = subject.initial({ beganAt: options.registeredAt ?? 0 })
  const seen: GivenReading[] = []
  return readings.flatMap((reading) => {
    seen.push(reading)
    const input = inputOf(reading, seen)
    if (!subject.everyReading && ![...subject.metrics].some((metric) => metric in reading.values)) return []
    const outcome = nameOf(subject.step(state, input))
    const value = subject.value(state, input)
    const threshold = subject.thresholdOf?.(state, input) ?? subject.threshold
    state = JSON.parse(JSON.stringify(state))
    return [{ outcome, value, threshold }]
  })
}

/** The outcomes alone. */
export function outcomesOf(
  condition: unknown,
  readings: readonly GivenReading[],
  options: DriveOptions = {},
): string[] {
  return drive(condition, readings, options).map(({ outcome }) => outcome)
}

/** Readings of the metric `m`, `stepMs` apart, from 0 on. */
export function series(values: readonly Value[], stepMs = 60_000, metric = 'm'): GivenReading[] {
  return values.map((value, i) => ({ ts: i * stepMs, values: { [metric]: value } }))
}

function nameOf(outcome: Outcome): keyof typeof outcomes {
  return (Object.keys(outcomes) as (keyof typeof outcomes)[]).find((name) => outcomes[name] === outcome)!
}

function contextOf({ labels = {}, expectedIntervalMs }: DriveOptions): Omit<CompileContext, 'compile'> {
  return {
    labels,
    expectedIntervalMs,
    limit: (limit) => (typeof limit === 'number' ? limit : Number(labels[limit.label] ?? limit.default)),
    duration: (given) => {
      const text = typeof given === 'string' ? given : (labels[given.label] ?? given.default)
      return durationMs(text)!
    },
  }
}

export function inputOf(reading: GivenReading, seen: readonly GivenReading[]): Input {
  const value = (metric: string) =>
    Object.hasOwn(reading.values, metric) ? reading.values[metric] : undefined
  return {
    kind: 'reading',
    time: reading.ts,
    device: 'device-1',
    value,
    number: (metric) => numberOf(value(metric)),
    window: (metric, lengthMs) => windowOver(seen, metric, reading.ts, lengthMs),
    previous: (need) => previousIn(seen.slice(0, -1), need),
    isActive: () => false,
  }
}

function previousIn(
  seen: readonly GivenReading[],
  { metric, type }: PreviousNeed,
): PreviousReading | undefined {
  const found = seen.findLast(({ values }) =>
    type === 'number' ? numberOf(values[metric]) !== undefined : values[metric] !== undefined,
  )
  return found === undefined ? undefined : { time: found.ts, value: found.values[metric]! }
}

function numberOf(value: Value | undefined): number | undefined {
  return typeof value === 'string' || value === undefined ? undefined : Number(value)
}

function windowOver(
  seen: readonly GivenReading[],
  metric: string,
  time: number,
  lengthMs: number,
): WindowView {
  const points = seen.flatMap(({ ts, values }) => {
    const value = numberOf(values[metric])
    return value === undefined ? [] : [{ time: ts, value }]
  })
  const within = points
    .filter((point) => point.time > time - lengthMs && point.time <= time)
    .map(({ value }) => value)
  const sorted = [...within].sort((a, b) => a - b)
  const sum = within.reduce((total, value) => total + value, 0)
  const mean = sum / within.length
  return {
    count: within.length,
    sum: () => sum,
    mean: () => mean,
    min: () => sorted[0] ?? Number.NaN,
    max: () => sorted.at(-1) ?? Number.NaN,
    stddev: () => Math.sqrt(within.reduce((total, value) => total + (value - mean) ** 2, 0) / within.length),
    quantile: (q) => {
      const rank = (sorted.length - 1) * q
      const low = sorted[Math.floor(rank)]!
      return low + (sorted[Math.ceil(rank)]! - low) * (rank - Math.floor(rank))
    },
    before: () => points.filter((point) => point.time <= time - lengthMs).at(-1),
    oldestTime: points[0]?.time,
    isFull: false,
  }
}
