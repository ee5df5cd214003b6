import type { DeviceRecord } from '../../domain/device.ts'
import type { Limit, ThresholdCondition } from '../rule.ts'
import { type CompiledCondition, type ConditionKind, type Outcome, outcomes } from './condition.ts'

/**
 * Value above, below, outside, inside or equal to a limit. Limits are exclusive: `above: 8` is not met at 8. With `clear`
 * an active alarm ends only past it, and exactly at it too (`above: 8, clear: 7.5` clears at 7.5); without, at the first
 * value that does not meet the condition.
 */
export const threshold: ConditionKind<ThresholdCondition> = {
  metrics: (condition) => [condition.metric],
  compile: (condition, device) => {
    const { above, below, outside, inside, equals, clear } = condition
    if (above !== undefined) {
      const limit = resolve(above, device)
      return range(Number.NEGATIVE_INFINITY, limit, Number.NEGATIVE_INFINITY, asNumber(clear, limit), limit)
    }
    if (below !== undefined) {
      const limit = resolve(below, device)
      return range(limit, Number.POSITIVE_INFINITY, asNumber(clear, limit), Number.POSITIVE_INFINITY, limit)
    }
    if (outside !== undefined) {
      const [low, high] = outside
      const [clearLow, clearHigh] = Array.isArray(clear) ? (clear as [number, number]) : outside
      return range(low, high, clearLow, clearHigh, outside)
    }
    if (inside !== undefined) return insideOf(inside)
    return equalTo(equals as number | boolean | string)
  },
}

/** Met outside [low, high]; cleared within [clearLow, clearHigh]. */
function range(
  low: number,
  high: number,
  clearLow: number,
  clearHigh: number,
  limit: number | readonly [number, number],
): CompiledCondition {
  return {
    threshold: limit,
    judge: (value): Outcome => {
      if (typeof value !== 'number') return outcomes.between
      if (value > high || value < low) return outcomes.met
      return value >= clearLow && value <= clearHigh ? outcomes.cleared : outcomes.between
    },
  }
}

function insideOf([low, high]: readonly [number, number]): CompiledCondition {
  return {
    threshold: [low, high],
    judge: (value) =>
      typeof value === 'number' && value > low && value < high ? outcomes.met : outcomes.cleared,
  }
}

function equalTo(wanted: number | boolean | string): CompiledCondition {
  const raw = typeof wanted === 'boolean' ? Number(wanted) : wanted
  return { threshold: wanted, judge: (value) => (value === raw ? outcomes.met : outcomes.cleared) }
}

function resolve(limit: Limit, device: DeviceRecord): number {
  if (typeof limit === 'number') return limit
  const text = Object.hasOwn(device.labels, limit.label) ? device.labels[limit.label] : undefined
  const value = text === undefined || text.trim() === '' ? Number.NaN : Number(text)
  return Number.isFinite(value) ? value : limit.default
}

function asNumber(clear: ThresholdCondition['clear'], otherwise: number): number {
  return typeof clear === 'number' ? clear : otherwise
}
