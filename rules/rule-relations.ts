import { conditionsOf } from './placed-condition.ts'
import type { Rule } from './rule.ts'
import { type RuleProblem, toPointer } from './rule-problem.ts'

/** The rules there are, by id. */
export type RuleLookup = Pick<ReadonlyMap<string, Rule>, 'get' | 'has'>

/** A place at which a rule names another. */
interface Mention {
  readonly rule: string
  readonly pointer: string
  readonly field: 'suppressedBy' | 'flapping'
}

/**
 * What a rule says of other rules: not itself, and with `rules` given, flapping of one that there is, and no way back to
 * itself (two rules that silence each other would depend on which is evaluated first). A rule of `suppressedBy` that
 * there is not is never active, so it may come later.
 */
export function relationProblems(rule: Rule, rules: RuleLookup | undefined): RuleProblem[] {
  return mentionsOf(rule).flatMap(({ rule: id, pointer, field }) => {
    if (id === rule.id) return [{ pointer, detail: 'a rule cannot depend on itself' }]
    if (rules === undefined) return []
    const unwatchable = field === 'flapping' ? unwatchableOf(rule, id, rules.get(id)) : undefined
    if (unwatchable !== undefined) return [{ pointer, detail: unwatchable }]
    const way = wayBack(id, rule.id, rules)
    return way === undefined ? [] : [{ pointer, detail: `a circle: ${[rule.id, ...way].join(' → ')}` }]
  })
}

/** Why flapping of `watched` cannot be noticed by `rule`: it sees what its own readings make of the other. */
function unwatchableOf(rule: Rule, id: string, watched: Rule | undefined): string | undefined {
  if (watched === undefined) return `there is no rule ${id}`
  const { kind } = watched.when
  if (kind === 'group' || kind === 'peers') return `${id} looks at other devices`
  return watched.wait === rule.wait ? undefined : `${id} has another wait: ${watched.wait}`
}

/** Of the rule's own and of its conditions at any depth. */
function mentionsOf(rule: Rule): Mention[] {
  const suppressors = rule.suppressedBy.map(
    (id, i): Mention => ({ rule: id, pointer: toPointer(['suppressedBy', i]), field: 'suppressedBy' }),
  )
  const flapping = conditionsOf(rule).flatMap(({ condition, path }): Mention[] =>
    condition.kind === 'flapping' && condition.of !== 'connection'
      ? [{ rule: condition.of.rule, pointer: toPointer([...path, 'of', 'rule']), field: 'flapping' }]
      : [],
  )
  return [...suppressors, ...flapping]
}

/** The rules from `from` to `to`, each depending on the next; undefined when `from` does not depend on `to`. */
function wayBack(from: string, to: string, rules: RuleLookup): string[] | undefined {
  const cameFrom = new Map<string, string | undefined>([[from, undefined]])
  const open = [from]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const rule = rules.get(id)
    if (rule === undefined) continue
    for (const { rule: next } of mentionsOf(rule)) {
      if (cameFrom.has(next)) continue
      cameFrom.set(next, id)
      if (next === to) return wayTo(to, cameFrom)
      open.push(next)
    }
  }
  return undefined
}

function wayTo(to: string, cameFrom: ReadonlyMap<string, string | undefined>): string[] {
  const way: string[] = []
  for (let id: string | undefined = to; id !== undefined; id = cameFrom.get(id)) way.push(id)
  return way.reverse()
}
