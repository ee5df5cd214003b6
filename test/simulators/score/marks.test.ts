import { describe, expect, test } from 'vitest'
import type { Mark } from '../../../simulators/scenario.ts'
import type { RaisedEvent } from '../../../simulators/score/events.ts'
import type { RunFigures } from '../../../simulators/score/figures.ts'
import { judge } from '../../../simulators/score/marks.ts'
import { score } from '../../../simulators/score/score.ts'
import type { Truth } from '../../../simulators/truth.ts'

const span = { startMs: 0, endMs: 86_400_000, devices: ['a', 'b'] }
const truth = (id: string, change: Partial<Truth> = {}): Truth => ({
  id,
  device: 'a',
  kind: 'leak',
  class: 'process',
  severity: 1,
  onset: 1_000,
  detectable_from: 2_000,
  failure: 102_000,
  warn_by: null,
  end: 200_000,
  grace: 0,
  expect: ['leak-rule'],
  ...change,
})
const event = (timeMs: number, rule: string, device = 'a'): RaisedEvent => ({
  id: `${rule}-${timeMs}`,
  sequence: String(timeMs),
  type: 'tidemark.maintenance.raised.v1',
  rule,
  device,
  timeMs,
  evidence: [],
})
/** One leak of two found after 50 s, 50 s before it failed; a spike with a false alarm during it; one outside of everything. */
const result = score(
  [
    truth('leak-1'),
    truth('leak-2', { device: 'b' }),
    truth('spike-1', { kind: 'spike', class: 'sensor', failure: null, expect: [] }),
    truth('quiet-1', { kind: 'quiet', failure: null, onset: 1_000, device: 'b', expect: ['quiet-rule'] }),
  ],
  [event(52_000, 'leak-rule'), event(60_000, 'jumpy'), event(60_000, 'jumpy', 'b')],
  span,
)

const one = (mark: Mark, run?: RunFigures) => judge([mark], result, run)[0]

test.each<[Mark, string, number]>([
  [{ figure: 'recall', fault: 'leak', atLeast: 0.5 }, 'ok', 0.5],
  [{ figure: 'recall', fault: 'leak', atLeast: 0.51 }, 'missed', 0.5],
  [{ figure: 'recall', atLeast: 0.3, atMost: 0.4 }, 'ok', 1 / 3],
  [{ figure: 'recall', atLeast: 0, atMost: 0.3 }, 'missed', 1 / 3],
  [{ figure: 'delayMedianS', fault: 'leak', atMost: 50 }, 'ok', 50],
  [{ figure: 'delayP95S', atMost: 49 }, 'missed', 50],
  [{ figure: 'leadMinS', fault: 'leak', atLeast: 50 }, 'ok', 50],
  [{ figure: 'falseAlarms', atMost: 1 }, 'missed', 2],
  [{ figure: 'falseAlarms', fault: 'spike', atMost: 0 }, 'missed', 1],
  [{ figure: 'falseAlarms', fault: 'none', atMost: 1 }, 'ok', 1],
  [{ figure: 'falseAlarms', fault: 'leak', atMost: 0 }, 'ok', 0],
  [{ figure: 'falseAlarms', rule: 'jumpy', atMost: 1 }, 'missed', 2],
  [{ figure: 'falseAlarmsPerDeviceDay', atMost: 1 }, 'ok', 1],
  [{ figure: 'precision', rule: 'leak-rule', atLeast: 1 }, 'ok', 1],
  [{ figure: 'precision', rule: 'jumpy', atLeast: 0.5 }, 'missed', 0],
])('%j is %s: %d', (mark, verdict, reached) => {
  expect(one(mark)).toEqual({ ...mark, verdict, reached })
})

test('a rule that told nothing has no false alarm', () => {
  const silent = { figure: 'falseAlarms', rule: 'silent', atMost: 0 }
  expect(one(silent)).toMatchObject({ verdict: 'ok', reached: 0 })
})

test('a figure without a value is missed where there was something to tell, whatever is asked of it', () => {
  for (const figure of ['delayMedianS', 'delayP95S', 'precision'])
    expect(one({ figure, fault: 'quiet', atMost: 1e9 })).toMatchObject({ verdict: 'missed', reached: null })
})

test.each<[Mark]>([
  [{ figure: 'recall', fault: 'flood', atLeast: 1 }],
  [{ figure: 'falseAlarms', fault: 'flood', atMost: 0 }],
  [{ figure: 'recall', fault: 'spike', atLeast: 1 }],
  [{ figure: 'precision', fault: 'spike', atLeast: 1 }],
  [{ figure: 'leadMinS', fault: 'quiet', atLeast: 1 }],
  [{ figure: 'inTime', fault: 'leak', atLeast: 1 }],
  [{ figure: 'precision', rule: 'silent', atLeast: 1 }],
  [{ figure: 'missing', atMost: 0 }],
])('%j is not judged here, and it says why', (mark) => {
  expect(one(mark)).toEqual({
    ...mark,
    verdict: 'not judged',
    reached: null,
    reason: expect.stringMatching(/./),
  })
})

test('figures of the run are those that it adds; of 0 lost none is missing', () => {
  const run = { missing: 0, ackP99Ms: 12 }
  expect(one({ figure: 'missing', atMost: 0 }, run)).toMatchObject({ verdict: 'ok', reached: 0 })
  expect(one({ figure: 'ackP99Ms', atMost: 10 }, run)).toMatchObject({ verdict: 'missed', reached: 12 })
})

describe('what asks for no figure is a mistake: exit code 2', () => {
  test.each<[Mark, string]>([
    [{ figure: 'recal', atLeast: 1 }, 'recal is no figure'],
    [{ figure: 'toString', atLeast: 1 }, 'toString is no figure'],
    [{ figure: 'recall', rule: 'leak-rule', atLeast: 1 }, 'recall is not a figure of a rule'],
    [{ figure: 'falseAlarmsPerDeviceDay', fault: 'leak', atMost: 1 }, 'is not a figure of a fault'],
    [{ figure: 'missing', fault: 'leak', atMost: 0 }, 'missing is not a figure of a fault'],
    [{ figure: 'falseAlarms', fault: 'leak', rule: 'jumpy', atMost: 0 }, 'not of both'],
    [{ figure: 'recall' }, 'needs atLeast or atMost'],
  ])('%j', (mark, message) => {
    expect(() => one(mark)).toThrow(
      expect.objectContaining({
        code: 'TIDEMARK_SCENARIO_INVALID',
        exitCode: 2,
        message: expect.stringContaining(message),
      }),
    )
  })
})
