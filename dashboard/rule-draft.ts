import type { Rule } from './api/types.ts'

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
