import { setImmediate } from 'node:timers/promises'
import type { Profile } from '../domain/profile.ts'
import type { Rule } from './rule.ts'
import { type ActionContext, tooManyActions } from './rule-actions.ts'
import { ruleLimits } from './rule-limits.ts'
import { type RuleProblem, toPointer } from './rule-problem.ts'
import { type RuleLookup, relationProblems } from './rule-relations.ts'
import { validateRule } from './rule-schema.ts'

export type RuleSetCheck =
  | { readonly ok: true; readonly rules: readonly Rule[] }
  | { readonly ok: false; readonly errors: readonly RuleProblem[] }

export interface RuleSetContext {
  readonly profiles: ReadonlyMap<string, Profile>
  /** The rules that stay beside the set; those of the set take the place of theirs. */
  readonly others: RuleLookup
  readonly actions?: ActionContext
}

/** Rules that are checked before the thread goes on with other work: it also acknowledges messages. */
const turnMax = 25

/**
 * Checks rules as a whole set, against each other: one may name another that comes later in the list. Pointers are into
 * `{"rules": […]}`; what rules say of each other is looked at when each is right by itself.
 */
export async function validateRuleSet(
  inputs: readonly unknown[],
  { profiles, others, actions }: RuleSetContext,
): Promise<RuleSetCheck> {
  const errors: RuleProblem[] = []
  const placed = new Map<string, { rule: Rule; at: number }>()
  for (const [at, input] of inputs.entries()) {
    if (at % turnMax === turnMax - 1) await setImmediate()
    if (errors.length >= ruleLimits.problemsMax) break
    const checked = validateRule(input, { profiles, ...(actions !== undefined && { actions }) })
    if (!checked.ok) errors.push(...below(at, checked.errors))
    else {
      const same = placed.get(checked.rule.id)
      if (same === undefined) placed.set(checked.rule.id, { rule: checked.rule, at })
      else {
        const detail = `rule ${checked.rule.id} is in the set already, at /rules/${same.at}`
        errors.push({ pointer: toPointer(['rules', at, 'id']), detail })
      }
    }
  }
  if (errors.length > 0) return refused(errors)
  const rules: RuleLookup = {
    get: (id) => placed.get(id)?.rule ?? others.get(id),
    has: (id) => placed.has(id) || others.has(id),
  }
  for (const { rule, at } of placed.values()) {
    if (at % turnMax === turnMax - 1) await setImmediate()
    errors.push(...below(at, relationProblems(rule, rules)))
  }
  const checked = [...placed.values()].map(({ rule }) => rule)
  const tooMany = tooManyActions(checked, actions)
  if (tooMany !== undefined) errors.push({ pointer: '/rules', detail: tooMany })
  return errors.length > 0 ? refused(errors) : { ok: true, rules: checked }
}

function below(at: number, problems: readonly RuleProblem[]): RuleProblem[] {
  return problems.map(({ pointer, detail }) => ({ pointer: toPointer(['rules', at]) + pointer, detail }))
}

function refused(errors: readonly RuleProblem[]): RuleSetCheck {
  return { ok: false, errors: errors.slice(0, ruleLimits.problemsMax) }
}
