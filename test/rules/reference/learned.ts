import type { BaselineCondition, TrendCondition } from '../../../rules/rule.ts'
import {
  byNumbers,
  type Judge,
  limitOf,
  median,
  metIf,
  msOf,
  type Point,
  type Scope,
  unknown,
} from './judgement.ts'

/** The first of each part of time, parts counted from the epoch. */
function firstOfEach(partMs: number, points: readonly Point[]): Point[] {
  const part = ({ ts }: Point) => Math.floor(ts / partMs)
  return points.filter((point, i) => !points.slice(0, i).some((before) => part(before) === part(point)))
}

interface Normal {
  readonly normal: number
  readonly spread: number
}

/** Median and median absolute deviation, not scaled; undefined of nothing. */
export function robust(values: readonly number[]): Normal | undefined {
  if (values.length === 0) return undefined
  const normal = median(values)
  return { normal, spread: median(values.map((value) => Math.abs(value - normal))) }
}

function forgetting(points: readonly Point[], windowMs: number): Normal | undefined {
  if (points.length === 0) return undefined
  let mean = points[0]!.value
  let variance = 0
  points.slice(1).forEach(({ ts, value }, i) => {
    const a = 1 - Math.exp(-(ts - points[i]!.ts) / windowMs)
    const d = value - mean
    mean += a * d
    variance = (1 - a) * (variance + a * d * d)
  })
  return { normal: mean, spread: Math.sqrt(variance) }
}

const hourFormats = new Map<string, Intl.DateTimeFormat>()
/** By zone and quarter of an hour: no zone begins an hour within one. */
const hours = new Map<string, string>()

function hourOfDay(ts: number, timezone: string): string {
  const key = `${timezone} ${Math.floor(ts / 900_000)}`
  const format =
    hourFormats.get(timezone) ??
    new Intl.DateTimeFormat('en-GB', { timeZone: timezone, hour: '2-digit', hourCycle: 'h23' })
  hourFormats.set(timezone, format)
  const hour = hours.get(key) ?? format.format(ts)
  hours.set(key, hour)
  return hour
}

function normalOf(condition: BaselineCondition, learned: readonly Point[], now: Point, scope: Scope) {
  const windowMs = msOf(condition.window, scope.labels)
  if (condition.method === 'ewma') return forgetting(learned, windowMs)
  const partMs = condition.method === 'mad' ? Math.ceil(windowMs / 256) : 900_000
  const samples = firstOfEach(partMs, learned).filter(({ ts }) => ts > now.ts - windowMs && ts < now.ts)
  if (condition.method === 'mad') return robust(samples.map(({ value }) => value))
  const hour = hourOfDay(now.ts, condition.timezone)
  const alike = samples.filter(({ ts }) => hourOfDay(ts, condition.timezone) === hour)
  return robust(alike.map(({ value }) => value))
}

export const baseline: Judge<BaselineCondition> = (condition, seen, scope) =>
  byNumbers(condition.metric, seen, (points, now) => {
    if (now.ts - points[0]!.ts < msOf(condition.warmup, scope.labels)) return unknown
    const of = normalOf(condition, points.slice(0, -1), now, scope)
    if (of === undefined) return unknown
    const spread = Math.max(of.spread, condition.minSpread)
    const isAbove = now.value - of.normal > condition.k * spread
    const isBelow = of.normal - now.value > condition.k * spread
    return metIf(
      (isAbove && condition.direction !== 'below') || (isBelow && condition.direction !== 'above'),
      now.value,
    )
  })

export const trend: Judge<TrendCondition> = ({ metric, window, reaches, within, minSamples }, seen, scope) =>
  byNumbers(metric, seen, (points, now) => {
    const windowMs = msOf(window, scope.labels)
    const samples = firstOfEach(Math.ceil(windowMs / 48), points).filter(({ ts }) => ts > now.ts - windowMs)
    if (samples.length < minSamples) return unknown
    const slopes = samples.flatMap((a, i) =>
      samples.slice(i + 1).map((b) => (b.value - a.value) / (b.ts - a.ts)),
    )
    const slope = median(slopes)
    const limit = limitOf(reaches, scope.labels)
    if (now.value === limit) return metIf(true, 0)
    if (slope === 0) return metIf(false, undefined)
    const isPast = (value: number) => (slope > 0 ? value > limit : value < limit)
    if (isPast(now.value)) {
      const isPassed = !isPast(samples[0]!.value)
      return metIf(isPassed, isPassed ? 0 : undefined)
    }
    const leftMs = (limit - now.value) / slope
    return metIf(leftMs <= msOf(within, scope.labels), leftMs / 1000)
  })
