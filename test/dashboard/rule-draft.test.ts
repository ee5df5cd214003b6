import { expect, test } from 'vitest'
import type { Rule } from '../../dashboard/api/types.ts'
import { draftOf, parseDraft } from '../../dashboard/rule-draft.ts'

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

test('a text that is no object is told as a problem', () => {
  expect(parseDraft('{"a": 1}')).toEqual({ draft: { a: 1 } })
  for (const text of ['', '[]', 'null', '1', '{'])
    expect(parseDraft(text), text).toEqual({ problem: expect.any(String) })
})
