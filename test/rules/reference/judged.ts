import type { Value } from '../../../domain/profile.ts'
import type { Condition } from '../../../rules/rule.ts'
import { reaches } from './inner.ts'
import { judge } from './judge.ts'
import type { Judgement, Scope, Seen } from './judgement.ts'

export const minuteMs = 60_000

/** A reading written as [minute, values] or, of the metric `m`, [minute, value]; a device may follow. */
export type Row = readonly [minute: number, values: Value | Readonly<Record<string, Value>>, device?: string]

/** What a condition says of the rows that reach it, in their order. */
export function judged(condition: Condition, rows: readonly Row[], more: Partial<Scope> = {}): Judgement[] {
  const all = rows.map(
    ([minute, values, device = 'device-1'], at): Seen => ({
      kind: 'reading',
      ts: minute * minuteMs,
      values: typeof values === 'object' ? values : { m: values },
      device,
      at,
    }),
  )
  const scope: Scope = {
    labels: {},
    labelsOf: () => ({}),
    registeredAt: undefined,
    expectedIntervalMs: undefined,
    everyone: all,
    members: [...new Set(all.map(({ device }) => device))],
    reachesRule: () => true,
    isActive: () => false,
    judge,
    ...more,
  }
  return [
    ...judge(
      condition,
      all.filter((one) => reaches(condition, one, scope)),
      scope,
    ),
  ]
}

/** The outcomes, in one text: `met cleared`. */
export function outcomesOf(condition: Condition, rows: readonly Row[], more: Partial<Scope> = {}): string {
  return judged(condition, rows, more)
    .map(({ outcome }) => outcome)
    .join(' ')
}

export function valuesOf(condition: Condition, rows: readonly Row[], more: Partial<Scope> = {}) {
  return judged(condition, rows, more).map(({ value }) => value)
}

/** Values of `m`, one a minute. */
export const perMinute = (...values: readonly Value[]): Row[] => values.map((value, i) => [i, value])
