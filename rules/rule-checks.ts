import { fixedValueType, type Profile } from '../domain/profile.ts'
import type { Rule } from './rule.ts'

/** A problem with a rule: where in the body as it was sent (JSON pointer, RFC 6901), and what. */
export interface RuleProblem {
  readonly pointer: string
  readonly detail: string
}

export const comparisons = ['above', 'below', 'outside', 'inside', 'equals'] as const

/** What a message may name of any event. */
const messageWords: ReadonlySet<string> = new Set(['device', 'value', 'threshold', 'rule'])

/** Problems of a well-formed rule that only the profiles of its devices show: an empty list when there are none. */
export function profileProblems(rule: Rule, profiles: ReadonlyMap<string, Profile>): RuleProblem[] {
  const selected = rule.select.types.map((type) => profiles.get(type))
  return [...metricProblems(rule, selected), ...messageProblems(rule, selected, profiles)]
}

type Selected = readonly (Profile | undefined)[]

/**
 * A metric that no selected device can send, or whose type the condition can never meet. Only where every selected type
 * is known and lists metrics: a type without a profile, or one that lists none (`generic`), may send anything.
 */
function metricProblems({ select, when }: Rule, selected: Selected): RuleProblem[] {
  if (selected.length === 0) return []
  const types = new Set<string | undefined>()
  for (const profile of selected) {
    if (profile === undefined || Object.keys(profile.metrics).length === 0) return []
    if (Object.hasOwn(profile.metrics, when.metric)) types.add(fixedValueType(profile.metrics[when.metric]))
  }
  if (types.size === 0) {
    return [{ pointer: '/when/metric', detail: `${select.types.join(', ')}: no metric ${when.metric}` }]
  }
  if (types.has(undefined)) return []
  // A boolean is judged as 0 or 1, so only text and number exclude each other.
  const comparison = comparisons.find((name) => when[name] !== undefined)
  const wantsText = typeof when.equals === 'string'
  if ([...types].some((type) => (type === 'string') === wantsText)) return []
  const detail = wantsText
    ? `${when.metric} is never text`
    : `${when.metric} is text: only equals with text can hold`
  return [{ pointer: `/when/${comparison}`, detail }]
}

/** Placeholders that nothing can fill. A label is known when the rule selects by it or a selected profile has it as a tag. */
function messageProblems(
  rule: Rule,
  selected: Selected,
  profiles: ReadonlyMap<string, Profile>,
): RuleProblem[] {
  const known = new Set([...messageWords, ...Object.keys(rule.select.labels), ...limitLabels(rule)])
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

function limitLabels({ when }: Rule): string[] {
  return [when.above, when.below].flatMap((limit) => (typeof limit === 'object' ? [limit.label] : []))
}
