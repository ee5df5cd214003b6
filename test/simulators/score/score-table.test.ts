import { expect, test } from 'vitest'
import { judge } from '../../../simulators/score/marks.ts'
import { score } from '../../../simulators/score/score.ts'
import { scoreTable } from '../../../simulators/score/score-table.ts'
import type { Truth } from '../../../simulators/truth.ts'

const hourMs = 3_600_000
const startMs = Date.UTC(2026, 10, 1)
const span = { startMs, endMs: startMs + 72 * hourMs, devices: ['f1', 'f2'] }
const leak = (id: string, device: string): Truth => ({
  id,
  device,
  kind: 'refrigerant_leak',
  class: 'process',
  severity: 1,
  onset: startMs,
  detectable_from: startMs + hourMs,
  failure: startMs + 45.4 * hourMs,
  warn_by: startMs + 33.4 * hourMs,
  end: span.endMs,
  grace: 0,
  expect: ['duty'],
})
const spike: Truth = {
  ...leak('spike-1', 'f2'),
  kind: 'spike',
  class: 'sensor',
  failure: null,
  warn_by: null,
  expect: [],
}
const event = (i: number, hours: number, rule: string, device: string) => ({
  id: `e${i}`,
  sequence: String(i).padStart(20, '0'),
  type: 'tidemark.maintenance.raised.v1',
  rule,
  device,
  timeMs: startMs + hours * hourMs,
  evidence: [],
})

test('a score as text: kinds, then what was wrong, then marks', () => {
  const result = score(
    [spike, leak('leak-1', 'f1'), leak('leak-2', 'f2')],
    [event(1, 26.2, 'duty', 'f1'), event(2, 40, 'duty', 'f1'), event(3, 10, 'stuck', 'f2')],
    span,
  )
  const marks = judge(
    [
      { figure: 'leadMinS', fault: 'refrigerant_leak', atLeast: 43_200 },
      { figure: 'recall', fault: 'refrigerant_leak', atLeast: 1 },
      { figure: 'falseAlarms', rule: 'stuck', atMost: 0 },
      { figure: 'recall', fault: 'door_left_open', atLeast: 1 },
    ],
    result,
  )
  expect(scoreTable(result, marks)).toMatchInlineSnapshot(`
    "fault             truths  detected  recall  precision    F1   delay     p95    lead  least lead  lead share  in time  false  again
    refrigerant_leak       2       1/2    0.50       1.00  0.67  25.2 h  25.2 h  19.2 h      19.2 h        0.42     0.50      0      1
    spike                  1         -       -          -     -       -       -       -           -           -        -      1      -
    all                    3       1/2    0.50       0.67  0.57  25.2 h  25.2 h  19.2 h      19.2 h        0.42     0.50      1      1
    false alarms: 1, 0.1667 a device-day (6 device-days)

    rule   events  matched  false  again
    duty        2        2      0      1
    stuck       1        0      1      0

    false alarm               device  rule   during
    2026-11-01T10:00:00.000Z  f2      stuck  spike

    mark                          required  reached
    leadMinS of refrigerant_leak   ≥ 43200    69120  ok
    recall of refrigerant_leak         ≥ 1      0.5  missed
    falseAlarms of stuck               ≤ 0        1  missed
    recall of door_left_open           ≥ 1        -  not judged: no such fault in this run
    "
  `)
})

test('of many false alarms the first twenty are shown, and how many more there are', () => {
  const events = Array.from({ length: 25 }, (_, i) => event(i, i, `rule-${i}`, 'f1'))
  const text = scoreTable(score([], events, span), [])
  expect(text).toContain('2026-11-01T19:00:00.000Z  f1      rule-19')
  expect(text).not.toContain('2026-11-01T20:00:00.000Z')
  expect(text).toContain('… and 5 more')
})

test('a run in which nothing was told and nothing was to tell', () => {
  expect(scoreTable(score([], [], span), [])).toMatchInlineSnapshot(`
    "fault  truths  detected  recall  precision  F1  delay  p95  lead  least lead  lead share  in time  false  again
    all         0         -       -          -   -      -    -     -           -           -        -      0      -
    false alarms: 0, 0 a device-day (6 device-days)
    "
  `)
})
