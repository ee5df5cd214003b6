import { durationMs } from '../domain/duration.ts'
import type { Profile } from '../domain/profile.ts'
import { groupedDigits } from '../lib/grouped-digits.ts'
import { kindOf } from './condition-kinds.ts'
import { expressionProblems } from './conditions/expression.ts'
import { metricProblems } from './metric-checks.ts'
import { conditionsOf, type PlacedCondition, type SelectedProfiles } from './placed-condition.ts'
import type { Condition, Duration, Rule } from './rule.ts'
import { atMost, ruleLimits } from './rule-limits.ts'
import { type RuleProblem, toPointer } from './rule-problem.ts'
import { type RuleLookup, relationProblems } from './rule-relations.ts'

/** Problems of a rule whose fields are right that only profiles, other rules or its other fields show. */
export function ruleProblems(
  rule: Rule,
  { profiles, rules }: { profiles: ReadonlyMap<string, Profile>; rules?: RuleLookup },
): RuleProblem[] {
  const conditions = conditionsOf(rule)
  const selected = rule.select.types.map((type) => profiles.get(type))
  return [
    ...metricProblems(rule, conditions, selected),
    ...conditions.flatMap((placed) => [
      ...celProblems(placed, selected),
      ...windowProblems(placed, rule.select.types, selected),
    ]),
    ...timingProblems(rule, conditions),
    ...messageProblems(rule, selected, profiles),
    ...relationProblems(rule, rules),
  ]
}

/** The metrics that a rule reads, each once. */
export function metricsOf(rule: Rule): string[] {
  const read = conditionsOf(rule).flatMap(({ condition }) => kindOf(condition).reads(condition))
  return [...new Set(read.map(({ metric }) => metric))]
}

/** What its text shows beside its names: types, and functions that there are not. */
function celProblems({ condition, path }: PlacedCondition, selected: SelectedProfiles): RuleProblem[] {
  if (condition.kind !== 'expression') return []
  const pointer = toPointer([...path, 'cel'])
  return expressionProblems(condition, selected).map((detail) => ({ pointer, detail }))
}

/** A window that would hold more readings than it may. Only where the interval of every selected type is known. */
function windowProblems(
  { condition, path }: PlacedCondition,
  types: readonly string[],
  selected: SelectedProfiles,
): RuleProblem[] {
  const window = windowOf(condition)
  const intervals = selected.map((profile) => durationMs(profile?.expectedInterval ?? '') ?? 0)
  if (window === undefined || intervals.length === 0 || intervals.includes(0)) return []
  const shortest = Math.min(...intervals)
  const bound = condition.kind === 'share' ? 'shareReadingsMax' : 'windowReadingsMax'
  const readings = Math.ceil(window.ms / shortest)
  if (readings <= ruleLimits[bound]) return []
  const type = types[intervals.indexOf(shortest)]
  const detail =
    `${groupedDigits(readings)} readings at the expected interval of ${type}: ` +
    atMost(bound, 'readings in a window')
  return [{ pointer: toPointer([...path, 'window', ...window.within]), detail }]
}

/** The window of a kind that keeps what is in it; `baseline` and `trend` keep a fixed number of samples. */
function windowOf(condition: Condition): { ms: number; within: string[] } | undefined {
  const { kind } = condition
  if (kind !== 'aggregate' && kind !== 'stuck' && kind !== 'rate' && kind !== 'share') return undefined
  const { window } = condition
  if (window === undefined) return undefined
  const isText = typeof window === 'string'
  return { ms: durationMs(isText ? window : window.default) ?? 0, within: isText ? [] : ['default'] }
}

function timingProblems(rule: Rule, conditions: readonly PlacedCondition[]): RuleProblem[] {
  const problems: RuleProblem[] = []
  if (isMomentary(rule.when) && !isZero(rule.for))
    problems.push({
      pointer: '/for',
      detail: `${momentary(rule.when)}, so it cannot hold for longer than 0s`,
    })
  for (const { path, condition } of conditions) {
    if (condition.kind === 'repeated' && isMomentary(condition.of))
      problems.push({
        pointer: toPointer([...path, 'of']),
        detail: `${momentary(condition.of)}: it is never repeated`,
      })
  }
  if (rule.gaps === 'reset' && conditions.some(({ condition }) => condition.kind === 'absence'))
    problems.push({ pointer: '/gaps', detail: 'absence waits for gaps: only hold can stand beside it' })
  return problems
}

/**
 * Whether the reading after one at which the condition is met can never meet it too. A sequence starts again; a register
 * that rolled over stands in its lower half, and a second rollover falls by more than half. (It may fall, or rise too
 * fast, many times running, so the other events of a counter may have a `for`.)
 */
function isMomentary(when: Condition): boolean {
  return when.kind === 'sequence' || (when.kind === 'counter' && when.event === 'rollover')
}

function momentary({ kind }: Condition): string {
  return `a ${kind === 'counter' ? 'rollover' : kind} is met at one reading and never at the next`
}

function isZero(given: Duration): boolean {
  return durationMs(typeof given === 'string' ? given : given.default) === 0
}

/** What a message may name of any event. */
const messageWords = ['device', 'value', 'threshold', 'rule', 'severity', 'since'] as const

/** Placeholders that nothing can fill. A label is known when the rule names it or a selected profile has it as a tag. */
function messageProblems(
  rule: Rule,
  selected: SelectedProfiles,
  profiles: ReadonlyMap<string, Profile>,
): RuleProblem[] {
  const known = new Set<string>([...messageWords, ...Object.keys(rule.select.labels), ...labelsNamedBy(rule)])
  for (const profile of selected.length === 0 ? profiles.values() : selected) {
    for (const tag of profile?.tags ?? []) known.add(tag)
  }
  const named = [...rule.message.matchAll(/\{([^{}]*)\}/g)].map((match) => match[1]!)
  const unknown = [...new Set(named)].filter((name) => !known.has(name))
  if (unknown.length === 0) return []
  const detail =
    `unknown placeholder ${unknown.map((name) => `{${name}}`).join(', ')}: ` +
    `known here are ${[...known].map((name) => `{${name}}`).join(' ')}`
  return [{ pointer: '/message', detail }]
}

/** Labels of the device that the rule reads: those of limits and durations, and `by` of peers and groups. */
function labelsNamedBy({ when, for: held, keepFor, escalate }: Rule): string[] {
  const labels: string[] = []
  const open: unknown[] = [when, held, keepFor, escalate]
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (typeof value !== 'object' || value === null) continue
    if ('label' in value && 'default' in value) labels.push(String(value.label))
    if ('kind' in value && 'by' in value && typeof value.by === 'string') labels.push(value.by)
    open.push(...Object.values(value).filter((inner) => inner !== undefined))
  }
  return labels
}
