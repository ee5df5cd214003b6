import { expect, test } from 'vitest'
import type { Rule } from '../../dashboard/api/types.ts'
import {
  draftOf,
  newDraft,
  parseDraft,
  thresholdForm,
  withThresholdForm,
} from '../../dashboard/rule-draft.ts'

const stored = {
  id: 'warm',
  name: 'Too warm',
  enabled: true,
  class: 'maintenance',
  severity: 'major',
  select: { types: ['fridge'], labels: { site: 'berlin' }, devices: [] },
  when: { kind: 'threshold', metric: 'temperature_c', above: 8, clear: 7 },
  for: '15m',
  escalate: [],
  labels: {},
  message: '{device} is warm',
  version: 3,
  createdAt: '2026-11-23T12:00:00Z',
  updatedAt: '2026-11-23T12:00:00Z',
} as unknown as Rule

test('the draft of a rule is what a person writes of it', () => {
  expect(Object.keys(draftOf(stored))).toEqual([
    'id',
    'name',
    'enabled',
    'class',
    'severity',
    'select',
    'when',
    'for',
    'message',
  ])
})

test('a form that changes nothing changes nothing of what is sent', () => {
  const draft = draftOf(stored)
  expect(withThresholdForm(draft, thresholdForm(draft)!)).toEqual(draft)
})

test('the form sends numbers as numbers, states as states, and leaves out what is empty', () => {
  const form = { ...thresholdForm(draftOf(stored))!, limit: ' 9.5 ', clear: '', for: '', message: '' }
  const changed = withThresholdForm(draftOf(stored), form)
  expect(changed.when).toEqual({ kind: 'threshold', metric: 'temperature_c', above: 9.5 })
  expect(changed).not.toHaveProperty('for')
  expect(changed).not.toHaveProperty('message')
  const open = withThresholdForm(newDraft, { ...form, comparison: 'equals', limit: 'true' })
  expect(open.when).toMatchObject({ equals: true })
  expect(open.when).not.toHaveProperty('above')
})

test('what is typed wrong stays as it was typed, for the platform to say so', () => {
  const form = thresholdForm(draftOf(stored))!
  expect(withThresholdForm(newDraft, { ...form, limit: '8 °C' }).when).toMatchObject({ above: '8 °C' })
})

test.each([
  ['another kind', { when: { kind: 'absence', longerThan: '5m' } }],
  ['a limit from a label', { when: { kind: 'threshold', metric: 'm', above: { label: 'max', default: 8 } } }],
  ['a range', { when: { kind: 'threshold', metric: 'm', outside: [1, 2] } }],
  ['several types', { select: { types: ['a', 'b'] } }],
  ['no condition', { when: undefined }],
])('%s has no form', (_name, part) => {
  expect(thresholdForm({ ...draftOf(stored), ...part })).toBeUndefined()
})

test('a text that is no object is told as a problem', () => {
  expect(parseDraft('{"a": 1}')).toEqual({ draft: { a: 1 } })
  for (const text of ['', '[]', 'null', '1', '{'])
    expect(parseDraft(text), text).toEqual({ problem: expect.any(String) })
})
