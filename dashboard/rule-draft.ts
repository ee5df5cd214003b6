import type { Rule, Severity } from './api/types.ts'

/** A rule while it is edited: any JSON object, until the platform has checked it. */
export type Draft = Readonly<Record<string, unknown>>

/** Of the platform's making: not sent back. */
const kept: ReadonlySet<string> = new Set(['version', 'createdAt', 'updatedAt', 'updatedBy'])

export const newDraft: Draft = {
  id: '',
  name: '',
  // To be tried on the past first.
  enabled: false,
  class: 'maintenance',
  severity: 'major',
  select: { types: ['fridge'] },
  when: { kind: 'threshold', metric: 'temperature_c', above: 8 },
  for: '5m',
}

/** The parts of a stored rule that a person writes; what is empty, or as it would be without saying, is left out. */
export function draftOf(rule: Rule): Draft {
  return Object.fromEntries(
    Object.entries(rule).filter(([name, value]) => !kept.has(name) && !isEmpty(value)),
  )
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

export function draftText(draft: Draft): string {
  return `${JSON.stringify(draft, null, 2)}\n`
}

/** The draft that a text is, or why it is none. */
export function parseDraft(text: string): { readonly draft: Draft } | { readonly problem: string } {
  try {
    const draft: unknown = JSON.parse(text)
    if (typeof draft !== 'object' || draft === null || Array.isArray(draft))
      return { problem: 'expected an object' }
    return { draft: draft as Draft }
  } catch (error) {
    return { problem: (error as Error).message }
  }
}

export const comparisons = ['above', 'below', 'equals'] as const
export type Comparison = (typeof comparisons)[number]

/** A threshold rule as the form shows it; all texts are as typed. */
export interface ThresholdForm {
  readonly id: string
  readonly name: string
  readonly class: string
  readonly severity: Severity
  readonly type: string
  readonly metric: string
  readonly comparison: Comparison
  readonly limit: string
  readonly clear: string
  readonly for: string
  readonly message: string
}

/** The form of a draft; undefined where the draft says more than the form can show. */
export function thresholdForm(draft: Draft): ThresholdForm | undefined {
  const { select = {}, when } = draft as { select?: Draft; when?: Draft }
  const types = (select.types ?? []) as unknown
  if (when?.kind !== 'threshold' || !Array.isArray(types) || types.length > 1) return undefined
  const comparison = comparisons.filter((name) => when[name] !== undefined)
  const known = ['kind', 'metric', 'clear', ...comparison]
  if (comparison.length !== 1 || Object.keys(when).some((name) => !known.includes(name))) return undefined
  const [one = 'above'] = comparison
  if (![when[one], when.clear ?? 0].every((value) => typeof value !== 'object')) return undefined
  const text = (value: unknown) => (value === undefined ? '' : String(value))
  return {
    id: text(draft.id),
    name: text(draft.name),
    class: text(draft.class),
    severity: text(draft.severity) as Severity,
    type: text(types[0]),
    metric: text(when.metric),
    comparison: one,
    limit: text(when[one]),
    clear: text(when.clear),
    for: text(draft.for),
    message: text(draft.message),
  }
}

/** The draft with what the form says; all else of it stays. */
export function withThresholdForm(draft: Draft, form: ThresholdForm): Draft {
  const { type, metric, comparison, limit, clear, for: hold, message, ...plain } = form
  const select = { ...(draft.select as Draft | undefined), types: type === '' ? [] : [type] }
  const when = {
    kind: 'threshold',
    metric,
    [comparison]: scalar(limit),
    ...(clear === '' ? {} : { clear: scalar(clear) }),
  }
  const { for: _, message: __, ...others } = draft
  return {
    ...others,
    ...plain,
    select,
    when,
    ...(hold === '' ? {} : { for: hold }),
    ...(message === '' ? {} : { message }),
  }
}

/** `8` is a number, `true` a boolean, all else a text. */
function scalar(text: string): number | boolean | string {
  const trimmed = text.trim()
  if (trimmed === 'true' || trimmed === 'false') return trimmed === 'true'
  return trimmed !== '' && Number.isFinite(Number(trimmed)) ? Number(trimmed) : trimmed
}
