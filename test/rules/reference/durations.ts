import type {
  AbsenceCondition,
  CumulativeCondition,
  FlappingCondition,
  InverseTimeCondition,
  ShareCondition,
} from '../../../rules/rule.ts'
import { innerOf } from './inner.ts'
import {
  byNumbers,
  type Judge,
  limitOf,
  metIf,
  msOf,
  type Scope,
  type Seen,
  usualIntervalMs,
} from './judgement.ts'

/** Stretches of time before what was seen last, each with whether a thing held in it. */
function stretches(seen: readonly Seen[], holds: readonly boolean[]) {
  return seen.slice(1).map(({ ts }, i) => ({ from: seen[i]!.ts, to: ts, held: holds[i]! }))
}

export const share: Judge<ShareCondition> = ({ of, window, above }, seen, scope) => {
  const holds = innerOf(of, seen, scope).map((inner) => inner.holds)
  const windowMs = msOf(window, scope.labels)
  return seen.map(({ ts }, i) => {
    const heldMs = stretches(seen.slice(0, i + 1), holds)
      .filter(({ held }) => held)
      .map(({ from, to }) => Math.max(0, to - Math.max(from, ts - windowMs)))
      .reduce((sum, ms) => sum + ms, 0)
    return metIf(heldMs / windowMs > limitOf(above, scope.labels), heldMs / windowMs)
  })
}

export const cumulative: Judge<CumulativeCondition> = ({ of, longerThan, reset }, seen, scope) => {
  const holds = innerOf(of, seen, scope).map((inner) => inner.holds)
  const resets = reset === undefined ? [] : innerOf(reset, seen, scope).map((inner) => inner.holds)
  const limitMs = msOf(longerThan, scope.labels)
  return seen.map((_, i) => {
    // The stretch that follows a reading at which `reset` holds still belongs to it.
    const first = resets.slice(0, i + 1).lastIndexOf(true) + 1
    const heldMs = resets[i]
      ? 0
      : stretches(seen.slice(0, i + 1), holds)
          .slice(first)
          .filter(({ held }) => held)
          .reduce((sum, { from, to }) => sum + (to - from), 0)
    return metIf(heldMs > limitMs, heldMs / 1000)
  })
}

export const inverseTime: Judge<InverseTimeCondition> = ({ metric, table }, seen, scope) =>
  byNumbers(metric, seen, (points, now) => {
    const levels = table.map(({ above }) => limitOf(above, scope.labels))
    const met = table.some((row, r) => {
      const firstOfRun = points.findLastIndex(({ value }) => value <= levels[r]!) + 1
      const began = points[firstOfRun]
      return began !== undefined && now.ts - began.ts >= msOf(row.for, scope.labels)
    })
    if (met) return { outcome: 'met', value: now.value }
    return { outcome: now.value <= Math.min(...levels) ? 'cleared' : 'between', value: now.value }
  })

export const absence: Judge<AbsenceCondition> = (_, seen, { registeredAt }) =>
  seen.map(({ kind, ts }, i) => {
    const last = seen.slice(0, i).findLast((other) => other.kind === 'reading')?.ts ?? registeredAt
    return metIf(kind === 'tick', last === undefined ? undefined : (ts - last) / 1000)
  })

/** When the absence will be there if nothing comes; `readings` are those that count. */
export function absentFrom({ longerThan }: AbsenceCondition, readings: readonly Seen[], scope: Scope) {
  const last = readings.at(-1)?.ts ?? scope.registeredAt
  if (last === undefined) return undefined
  if (typeof longerThan === 'string' || 'label' in longerThan) return last + msOf(longerThan, scope.labels)
  const usualMs = usualIntervalMs(readings.map(({ ts }) => ts)) ?? scope.expectedIntervalMs
  return usualMs === undefined ? undefined : last + longerThan.intervals * usualMs
}

export const flapping: Judge<FlappingCondition> = ({ of, above, clear }, seen, scope) => {
  const states = seen.map(({ kind, device, at }) =>
    of === 'connection' ? kind !== 'disconnected' : scope.isActive(of.rule, device, at),
  )
  return seen.map((_, i) => {
    const ring = states.slice(0, i + 1).slice(-21)
    const weighted = ring
      .toReversed()
      .slice(0, -1)
      .map((state, back) => (state === ring.toReversed()[back + 1] ? 0 : 1.2 - (0.4 * back) / 19))
    const value = weighted.reduce((sum, weight) => sum + weight, 0) / 20
    if (value > above) return { outcome: 'met', value }
    return { outcome: value < clear ? 'cleared' : 'between', value }
  })
}
