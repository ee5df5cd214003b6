import type { Value } from '../../../domain/profile.ts'
import type {
  AggregateCondition,
  CounterCondition,
  RateCondition,
  StuckCondition,
  ThresholdCondition,
} from '../../../rules/rule.ts'
import {
  byNumbers,
  compared,
  type Judge,
  type Judgement,
  limitOf,
  metIf,
  msOf,
  type Point,
  quantile,
  type Scope,
  unknown,
} from './judgement.ts'

export const threshold: Judge<ThresholdCondition> = (condition, seen, scope) =>
  seen.map(({ values }) => thresholdOf(condition, values[condition.metric]!, scope))

function thresholdOf(condition: ThresholdCondition, value: Value, { labels }: Scope): Judgement {
  const { above, below, outside, inside, equals, clear } = condition
  if (equals !== undefined) return metIf(plain(value) === plain(equals), value)
  if (typeof value === 'string') return { outcome: 'between', value }
  const n = Number(value)
  let met: boolean
  let past: boolean
  if (above !== undefined) {
    met = n > limitOf(above, labels)
    past = clear === undefined ? !met : n <= (clear as number)
  } else if (below !== undefined) {
    met = n < limitOf(below, labels)
    past = clear === undefined ? !met : n >= (clear as number)
  } else if (outside !== undefined) {
    const [low, high] = (clear as readonly [number, number] | undefined) ?? outside
    met = n < outside[0] || n > outside[1]
    past = n >= low && n <= high
  } else {
    met = n > inside![0] && n < inside![1]
    past = !met
  }
  if (met) return { outcome: 'met', value }
  return { outcome: past ? 'cleared' : 'between', value }
}

const plain = (value: Value) => (typeof value === 'boolean' ? Number(value) : value)

export const rate: Judge<RateCondition> = (condition, seen, scope) =>
  byNumbers(condition.metric, seen, (points, now) => {
    const earlier =
      condition.window === undefined
        ? points.filter(({ ts }) => ts < now.ts).at(-1)
        : newestAtOrBefore(points, now.ts - msOf(condition.window, scope.labels))
    if (earlier === undefined) return unknown
    const perMs = (now.value - earlier.value) / (now.ts - earlier.ts)
    return compared(condition, perMs * msOf(condition.per, scope.labels), scope)
  })

function newestAtOrBefore(points: readonly Point[], time: number): Point | undefined {
  return points.filter(({ ts }) => ts <= time).at(-1)
}

export const aggregate: Judge<AggregateCondition> = (condition, seen, scope) =>
  byNumbers(condition.metric, seen, (points, now) => {
    const from = now.ts - msOf(condition.window, scope.labels)
    const values = points.filter(({ ts }) => ts > from).map(({ value }) => value)
    if (values.length < condition.minCount) return unknown
    const [low, high] = condition.plausible ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
    if (values.some((value) => value < low || value > high)) return unknown
    return compared(condition, aggregated(condition.fn, values), scope)
  })

function aggregated(fn: string, values: readonly number[]): number {
  const sum = values.reduce((total, value) => total + value, 0)
  const mean = sum / values.length
  switch (fn) {
    case 'mean':
      return mean
    case 'min':
      return Math.min(...values)
    case 'max':
      return Math.max(...values)
    case 'sum':
      return sum
    case 'count':
      return values.length
    case 'range':
      return Math.max(...values) - Math.min(...values)
    case 'stddev':
      return Math.sqrt(values.reduce((total, value) => total + (value - mean) ** 2, 0) / values.length)
    default:
      return quantile(values, Number(fn.slice(1)) / 100)
  }
}

export const stuck: Judge<StuckCondition> = ({ metric, window, minCount, tolerance }, seen, scope) =>
  byNumbers(metric, seen, (points, now) => {
    const from = now.ts - msOf(window, scope.labels)
    const before = newestAtOrBefore(points, from)
    const within = points.filter(({ ts }) => ts > from)
    if (before === undefined || within.length < minCount) return unknown
    const values = [before, ...within].map(({ value }) => value)
    return metIf(Math.max(...values) - Math.min(...values) <= tolerance, now.value)
  })

export const counter: Judge<CounterCondition> = (condition, seen, scope) =>
  byNumbers(condition.metric, seen, (points, now) => {
    const previous = points.at(-2)
    if (previous === undefined) return unknown
    return metIf(stepIs(condition, previous, now, scope), now.value)
  })

function stepIs(
  { event, max, maxPerHour, tolerance = 0 }: CounterCondition,
  was: Point,
  is: Point,
  scope: Scope,
): boolean {
  if (event === 'implausible') {
    const risen = is.value - was.value
    const hours = (is.ts - was.ts) / 3_600_000
    return risen > 0 && risen > limitOf(maxPerHour!, scope.labels) * hours + tolerance
  }
  if (is.value >= was.value) return false
  const isRollover = max !== undefined && max - was.value + is.value < was.value - is.value
  if (event === 'rollover' || isRollover) return event === 'rollover' && isRollover
  const isReset = is.value < was.value / 2
  return event === 'reset' ? isReset : !isReset && was.value - is.value > tolerance
}
