import { stringValueBytesMax } from '../domain/names.ts'
import { fixedValueType, type ValueType } from '../domain/profile.ts'
import { kindOf } from './condition-kinds.ts'
import { comparisons } from './conditions/threshold.ts'
import type { PlacedCondition, SelectedProfiles } from './placed-condition.ts'
import type { Condition, Rule, ThresholdCondition } from './rule.ts'
import { type RuleProblem, toPointer } from './rule-problem.ts'

/** The types that a metric has in the profiles that list it: undefined where the first value decides. */
type MetricTypes = (metric: string) => ReadonlySet<ValueType | undefined>

/**
 * Metrics that no selected device can send, or whose type the condition can never meet. Only where every selected type
 * is known and lists metrics: a type without a profile, or one that lists none and is not strict (`generic`), may send
 * anything.
 */
export function metricProblems(
  { select }: Rule,
  conditions: readonly PlacedCondition[],
  selected: SelectedProfiles,
): RuleProblem[] {
  const equals = conditions.flatMap(tooLongText)
  if (selected.length === 0) return equals
  const profiles = selected.filter((profile) => profile !== undefined)
  if (profiles.length < selected.length) return equals
  if (profiles.some(({ strict, metrics }) => !strict && Object.keys(metrics).length === 0)) return equals
  const typesOf: MetricTypes = (metric) =>
    new Set(
      profiles
        .filter(({ metrics }) => Object.hasOwn(metrics, metric))
        .map(({ metrics }) => fixedValueType(metrics[metric])),
    )
  const types = select.types.join(', ')
  return [...equals, ...conditions.flatMap((placed) => problemsOf(placed, types, typesOf))]
}

function problemsOf(
  { condition, path }: PlacedCondition,
  types: string,
  typesOf: MetricTypes,
): RuleProblem[] {
  // An expression's names stand in its text: conditions/expression.ts checks them with it.
  if (condition.kind === 'expression') return []
  const named = new Map<string, string[]>()
  for (const read of kindOf(condition).reads(condition)) {
    const pointer = toPointer([...path, ...read.path])
    named.set(pointer, [...(named.get(pointer) ?? []), read.metric])
  }
  const problems: RuleProblem[] = []
  for (const [pointer, metrics] of named) {
    // A table that is named (`news2`) has several inputs: those that are not there give no points.
    const sent = metrics.filter((metric) => typesOf(metric).size > 0)
    if (sent.length === 0) {
      problems.push({ pointer, detail: `${types}: no metric ${metrics.join(', ')}` })
    } else if (condition.kind === 'threshold') {
      problems.push(...comparisonProblems(condition, path, typesOf(condition.metric)))
    } else if (calculates(condition) && sent.every((metric) => isOnly('string', typesOf(metric)))) {
      problems.push({ pointer, detail: `${sent.join(', ')} is text: ${condition.kind} needs a number` })
    }
  }
  return problems
}

/** docs/RULES.md, "What is evaluated": kinds that ignore texts. Absence only asks whether there was a value. */
function calculates({ kind }: Condition): boolean {
  return kind !== 'absence'
}

/** A boolean is judged as 0 or 1, so text and number exclude each other, and a boolean equals no other number. */
function comparisonProblems(
  when: ThresholdCondition,
  path: PlacedCondition['path'],
  types: ReadonlySet<ValueType | undefined>,
): RuleProblem[] {
  const { metric, equals } = when
  const comparison = comparisons.find((name) => when[name] !== undefined)!
  const problem = (detail: string) => [{ pointer: toPointer([...path, comparison]), detail }]
  if (isOnly('string', types) && typeof equals !== 'string')
    return problem(`${metric} is text: only equals with text can hold`)
  if (typeof equals === 'string' && !types.has('string') && !types.has(undefined))
    return problem(`${metric} is never text`)
  if (typeof equals === 'number' && equals !== 0 && equals !== 1 && isOnly('boolean', types))
    return problem(`${metric} is true or false, as numbers 1 and 0`)
  return []
}

function isOnly(type: ValueType, types: ReadonlySet<ValueType | undefined>): boolean {
  return types.size === 1 && types.has(type)
}

/** A text that no reading can hold: a longer one is a dead letter. */
function tooLongText({ condition, path }: PlacedCondition): RuleProblem[] {
  if (condition.kind !== 'threshold' || typeof condition.equals !== 'string') return []
  if (Buffer.byteLength(condition.equals) <= stringValueBytesMax) return []
  const detail = `a text of a reading has at most ${stringValueBytesMax} bytes`
  return [{ pointer: toPointer([...path, 'equals']), detail }]
}
