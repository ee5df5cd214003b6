import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Draft, newDraft } from '../../dashboard/rule-draft.ts'
import { formOf, ruleText, ruleValue, unseenParts, withForm, withKind } from '../../dashboard/rule-form.ts'
import { ruleKinds } from '../../dashboard/rule-kinds.ts'
import { shippedProfiles } from '../../domain/shipped-profiles.ts'
import { rulePacks } from '../../rules/rule-packs.ts'
import { validateRule } from '../../rules/rule-schema.ts'
import { repositoryRoot } from '../support/platform-process.ts'

const profiles = new Map(shippedProfiles.map((profile) => [profile.type, profile]))
const kinds = Object.keys(ruleKinds)
type Packed = Draft & {
  readonly id: string
  readonly when: { readonly kind: string }
  readonly select?: { readonly types?: readonly string[] }
}
const packed = rulePacks.flatMap(({ rules }) => rules) as unknown as Packed[]
/** As the platform keeps it, with its defaults. */
function stored(draft: Draft): Draft {
  const checked = validateRule(draft, { profiles })
  if (!checked.ok) throw new Error(JSON.stringify(checked.errors))
  return JSON.parse(JSON.stringify(checked.rule)) as Draft
}

const formed = packed.filter(
  ({ when, select }) => kinds.includes(when.kind) && (select?.types?.length ?? 0) <= 1,
)

test('most kinds of the rules that are shipped have a form', () => {
  expect([...new Set(formed.map(({ when }) => when.kind))].sort()).toEqual([
    'aggregate',
    'counter',
    'flapping',
    'rate',
    'stuck',
    'threshold',
    'trend',
  ])
})

test.each(formed.map((rule) => [rule.id, rule] as const))(
  'the form of %s sends back what it was made of, as written and as stored',
  (_id, rule) => {
    for (const draft of [rule, stored(rule)]) {
      const form = formOf(draft)
      expect(form, JSON.stringify(draft.when)).toBeDefined()
      const sent = withForm(draft, form!)
      expect(sent).toEqual({ ...draft, select: { types: [], ...(draft.select as object) } })
      expect(Object.keys(sent).slice(0, Object.keys(draft).length)).toEqual(Object.keys(draft))
    }
  },
)

const documented = [
  ...readFileSync(join(repositoryRoot, 'docs/RULES.md'), 'utf8').matchAll(/```json\n(.*?)```/gs),
]
  .map(([, text = '']) => JSON.parse(text) as { kind?: string })
  .filter(({ kind }) => kind !== undefined && kinds.includes(kind))

test('the examples of docs/RULES.md have forms, but for those that hold other conditions', () => {
  expect(documented.map(({ kind }) => kind).sort()).toEqual([...kinds].sort())
  for (const when of documented) {
    const draft = { ...newDraft, when }
    expect(withForm(draft, formOf(draft)!)).toEqual(draft)
  }
})

describe.each(kinds)('a rule of kind %s', (kind) => {
  test('begins as a rule that the platform takes', () => {
    const begun = withKind(formOf(newDraft)!, kind)
    const metric = ruleKinds[kind]!.fields.some(({ name }) => name === 'metric') ? 'temperature_c' : undefined
    expect(begun.fields.metric).toBe(metric)
    const draft: Draft = { ...withForm(newDraft, begun), id: 'new', name: 'New' }
    expect(stored(draft).when).toMatchObject(draft.when as object)
    expect(formOf(draft)?.kind).toBe(kind)
  })

  test('keeps its form while its fields are empty or wrong, for the platform to say so there', () => {
    const begun = withKind(formOf(newDraft)!, kind)
    for (const name of Object.keys(begun.fields))
      for (const text of ['', 'not so', 'not, so', '-', '{"a":1}']) {
        const form = { ...begun, fields: { ...begun.fields, [name]: text } }
        const draft = withForm(newDraft, form)
        expect(formOf(draft), `${name}: ${text}`).toMatchObject({ kind, fields: { [name]: text } })
        const checked = validateRule({ ...draft, id: 'new', name: 'New' }, { profiles })
        const isAtField = checked.ok || checked.errors.some(({ pointer }) => pointer.startsWith('/when'))
        expect(isAtField, `${name}: ${text}`).toBe(true)
      }
  })
})

test.each([
  ['8', 8],
  [' -2.5 ', -2.5],
  ['true', true],
  ['2, 8', [2, 8]],
  ['3 intervals', { intervals: 3 }],
  ['max_c or 8', { label: 'max_c', default: 8 }],
  ['grace or 15m', { label: 'grace', default: '15m' }],
  ['8 °C', '8 °C'],
  ['', ''],
])('%j is %j in the rule', (text, value) => {
  expect(ruleValue(text)).toEqual(value)
  expect(ruleValue(ruleText(value))).toEqual(value)
})

test('a name that looks like a number stays a text, and a `for` may come from a label', () => {
  const draft = { ...newDraft, name: '8', for: { label: 'grace', default: '5m' } }
  const form = formOf(draft)!
  expect(form.rule).toMatchObject({ name: '8', for: 'grace or 5m' })
  expect(withForm(draft, form)).toEqual(draft)
  expect(withForm(draft, { ...form, rule: { ...form.rule, for: '' } })).not.toHaveProperty('for')
})

test.each<[string, Draft]>([
  ['a kind that holds others', { when: { kind: 'all', of: [] } }],
  ['an unknown kind', { when: { kind: 'constructor' } }],
  ['two comparisons', { when: { kind: 'rate', metric: 'm', per: '1m', above: 1, below: 0 } }],
  ['a field that is not of the kind', { when: { kind: 'absence', longerThan: '5m', above: 3 } }],
  ['a text that would become a number', { when: { kind: 'threshold', metric: 'm', equals: '8' } }],
  ['several types', { select: { types: ['a', 'b'] } }],
  ['no condition', { when: undefined }],
])('%s has no form', (_name, part) => {
  expect(formOf({ ...newDraft, ...part })).toBeUndefined()
})

test('what the form keeps and does not show is named', () => {
  const select = { types: ['fridge'], labels: { site: 'berlin' }, devices: [] }
  expect(unseenParts({ ...newDraft, select, escalate: [], wait: '10m' })).toEqual([
    'select.labels',
    'escalate',
    'wait',
  ])
  expect(unseenParts(newDraft)).toEqual([])
  expect(unseenParts({ ...newDraft, wait: '0s', gaps: 'hold' })).toEqual([])
})
