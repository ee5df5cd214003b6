import type { Draft } from './rule-draft.ts'
import { type KindField, ruleKinds } from './rule-kinds.ts'

/** A rule as the form shows it; all texts are as a person would type them. */
export interface RuleForm {
  /** Of the rule itself; empty where it has none. */
  readonly rule: Readonly<Record<(typeof ruleFields)[number], string>>
  readonly type: string
  readonly kind: string
  /** One of the kind's; empty where it has none. */
  readonly comparison: string
  readonly limit: string
  /** The kind's fields by name. */
  readonly fields: Readonly<Record<string, string>>
}

export const ruleFields = ['id', 'name', 'class', 'severity', 'for', 'keepFor', 'message'] as const
/** Left out of the rule while they are empty. */
const optionalRuleFields: ReadonlySet<string> = new Set(['for', 'keepFor', 'message'])
/** May be a label of the device. */
const durations: ReadonlySet<string> = new Set(['for', 'keepFor'])

/** The form of a draft; undefined where its condition or types say more than the form can show. */
export function formOf(draft: Draft): RuleForm | undefined {
  const { select = {}, when } = draft as { select?: Draft; when?: Draft }
  const kind = String(when?.kind)
  if (when === undefined || !Object.hasOwn(ruleKinds, kind)) return undefined
  const { comparisons, fields } = ruleKinds[kind]!
  const comparison = comparisons.find((name) => when[name] !== undefined) ?? comparisons[0] ?? ''
  const form: RuleForm = {
    rule: Object.fromEntries(ruleFields.map((name) => [name, ruleText(draft[name])])) as RuleForm['rule'],
    type: ruleText((select.types as readonly unknown[] | undefined)?.[0]),
    kind,
    comparison,
    limit: ruleText(when[comparison]),
    fields: Object.fromEntries(fields.map(({ name }) => [name, ruleText(when[name])])),
  }
  // What the form would send is the test of what it can show.
  const sent = withForm(draft, form)
  const isShown = ['when', ...ruleFields].every(
    (name) => draft[name] === undefined || isSame(sent[name], draft[name]),
  )
  return isShown && isOneType(select.types) ? form : undefined
}

/** The draft with what the form says; all else of it stays. */
export function withForm(draft: Draft, { rule, type, kind, comparison, limit, fields }: RuleForm): Draft {
  const types = type === '' ? [] : [type]
  const when: Record<string, unknown> = { kind }
  for (const field of ruleKinds[kind]?.fields ?? []) {
    const text = fields[field.name] ?? ''
    if (text !== '' || !field.isOptional) when[field.name] = ruleValue(text, field)
  }
  if (comparison !== '') when[comparison] = ruleValue(limit)
  const own = ruleFields.map((name) => [name, durations.has(name) ? ruleValue(rule[name]) : rule[name]])
  const changed = {
    ...draft,
    ...Object.fromEntries(own),
    select: { ...(draft.select as Draft), types },
    when,
  }
  const isLeftOut = (name: string, value: unknown) => optionalRuleFields.has(name) && value === ''
  return Object.fromEntries(Object.entries(changed).filter(([name, value]) => !isLeftOut(name, value)))
}

/** The form with another kind of condition, as that begins. */
export function withKind(form: RuleForm, kind: string): RuleForm {
  const { initial, comparisons, fields } = ruleKinds[kind]!
  const comparison = comparisons.find((name) => initial[name] !== undefined) ?? ''
  const begun = fields.map(({ name }) => [
    name,
    (name === 'metric' && form.fields.metric) || ruleText(initial[name]),
  ])
  return {
    ...form,
    kind,
    comparison,
    limit: ruleText(initial[comparison]),
    fields: Object.fromEntries(begun),
  }
}

/** Parts of a draft that the form keeps and does not show. */
export function unseenParts(draft: Draft): string[] {
  const seen: ReadonlySet<string> = new Set([...ruleFields, 'select', 'when', 'enabled'])
  const { types: _, ...others } = (draft.select ?? {}) as Draft
  const narrowed = Object.entries(others).filter(([, value]) => Object.keys(value ?? {}).length > 0)
  return [
    ...narrowed.map(([name]) => `select.${name}`),
    ...Object.keys(draft).filter((name) => !seen.has(name) && draft[name] !== unsaid[name]),
  ]
}

/** What a rule that says nothing of it is given. */
const unsaid: Readonly<Record<string, unknown>> = { wait: '0s', gaps: 'hold' }

const range = /^(\S+)\s*,\s*(\S+)$/
const intervals = /^(\S+) intervals?$/
const label = /^(\S+) or (\S+)$/

/** `8`, `true`, `2, 8`, `3 intervals`, `max_c or 8` (the device's label, else 8) as the rule has them; all else is a text. */
export function ruleValue(text: string, { isText = false }: Pick<KindField, 'isText'> = {}): unknown {
  const trimmed = text.trim()
  if (isText) return trimmed
  if (trimmed === 'true' || trimmed === 'false') return trimmed === 'true'
  if (isNumber(trimmed)) return Number(trimmed)
  const [, low = '', high = ''] = range.exec(trimmed) ?? []
  if (isNumber(low) && isNumber(high)) return [Number(low), Number(high)]
  const [, count = ''] = intervals.exec(trimmed) ?? []
  if (isNumber(count)) return { intervals: Number(count) }
  const [, name, otherwise = ''] = label.exec(trimmed) ?? []
  return name === undefined ? trimmed : { label: name, default: scalarOf(otherwise) }
}

/** The reverse; of what no text stands for, its JSON. */
export function ruleText(value: unknown): string {
  if (value === undefined) return ''
  if (Array.isArray(value)) return value.join(', ')
  if (typeof value !== 'object' || value === null) return String(value)
  if ('intervals' in value) return `${value.intervals} intervals`
  return 'label' in value && 'default' in value ? `${value.label} or ${value.default}` : JSON.stringify(value)
}

function isNumber(text: string): boolean {
  return text !== '' && Number.isFinite(Number(text))
}

function scalarOf(text: string): number | string {
  return isNumber(text) ? Number(text) : text
}

function isOneType(types: unknown): boolean {
  return types === undefined || (Array.isArray(types) && types.length <= 1)
}

/** Of JSON values, whatever the order of their fields. */
function isSame(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b
  const [left, right] = [a as Draft, b as Draft]
  const names = Object.keys(left)
  return (
    Array.isArray(a) === Array.isArray(b) &&
    names.length === Object.keys(right).length &&
    names.every((name) => Object.hasOwn(right, name) && isSame(left[name], right[name]))
  )
}
