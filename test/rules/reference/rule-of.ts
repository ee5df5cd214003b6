import type { Condition, Rule } from '../../../rules/rule.ts'

/** A rule with the defaults of docs/RULES.md. */
export function ruleOf(when: Condition, more: Partial<Rule> = {}): Rule {
  return {
    id: 'rule-1',
    name: 'Rule 1',
    enabled: true,
    class: 'maintenance',
    severity: 'minor',
    select: { types: [], labels: {}, devices: [] },
    when,
    for: '0s',
    keepFor: '0s',
    escalate: [],
    wait: '0s',
    gaps: 'hold',
    suppressedBy: [],
    message: '',
    labels: {},
    ...more,
  }
}
