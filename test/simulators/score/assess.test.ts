import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { DeliveredEvent } from '../../../domain/event.ts'
import { assess } from '../../../simulators/score/assess.ts'
import { runFilePath } from '../../../simulators/score/truth-file.ts'
import { scriptedApi } from '../../support/scripted-api.ts'
import { tempDir } from '../../support/temp-dir.ts'

const startMs = Date.UTC(2026, 10, 1)
const endMs = startMs + 86_400_000
const pageSize = 1_000

function event(sequence: number, timeMs: number, state: string, device: string): DeliveredEvent {
  const data = { rule: 'leak-rule', device, state, class: 'maintenance', evidence: [] }
  return {
    id: `e${sequence}`,
    sequence: String(sequence).padStart(20, '0'),
    type: `tidemark.maintenance.${state}.v1`,
    time: new Date(timeMs).toISOString(),
    data,
  } as unknown as DeliveredEvent
}

interface Stats {
  pending: number
  lags: number[]
}

/** An API that keeps `events`, and whose figures are each of `stats` in turn, then the last for ever. */
async function scripted(events: readonly DeliveredEvent[], stats: Stats[] = [{ pending: 0, lags: [0, 0] }]) {
  const asked: string[] = []
  const api = await scriptedApi((request, response) => {
    const url = new URL(request.url!, 'http://x')
    asked.push(url.pathname.slice('/api/v1'.length))
    response.setHeader('content-type', 'application/json')
    if (url.pathname.endsWith('/stats')) {
      const { pending, lags } = stats.length > 1 ? stats.shift()! : stats[0]!
      const consumers = lags.map((lag, i) => ({ name: `c${i}`, lag }))
      response.end(JSON.stringify({ messages: { pending }, consumers }))
      return
    }
    const after = Number(url.searchParams.get('cursor') ?? 0)
    const limit = Number(url.searchParams.get('limit'))
    const rest = events.filter(({ sequence }) => Number(sequence) > after)
    response.end(
      JSON.stringify({
        items: rest.slice(0, limit),
        nextCursor: rest.length > limit ? String(after + limit) : null,
      }),
    )
  })
  return { api, asked }
}

const leak = { id: 'leak-1', device: 'a', kind: 'leak', onset: startMs, end: endMs, expect: ['leak-rule'] }

function truthFile(truths: readonly object[], run?: object): string {
  const path = join(tempDir(), 'truth.ndjson')
  writeFileSync(path, truths.map((one) => `${JSON.stringify(one)}\n`).join(''))
  if (run !== undefined) writeFileSync(runFilePath(path), JSON.stringify(run))
  return path
}
const run = { scenario: 's', seed: 1, startMs, endMs, devices: ['a', 'b'] }
const options = { settleMs: 20_000, nowMs: endMs }

describe('events', () => {
  test('are read page after page; only those raised count', async () => {
    const events = Array.from({ length: 2 * pageSize + 1 }, (_, i) =>
      event(i + 1, startMs + i, i === 2 * pageSize ? 'raised' : 'cleared', 'a'),
    )
    const { api, asked } = await scripted(events)
    const { score, complete } = await assess({ ...options, truthFile: truthFile([leak], run), api })
    expect(score.total).toMatchObject({ detected: 1, matched: 1, falseAlarms: 0 })
    expect(complete).toBe(true)
    expect(asked).toEqual(['/stats', '/events', '/events', '/events'])
  })

  test('in the longest grace after the end count, later ones do not', async () => {
    const truths = [
      { ...leak, grace: 60_000 },
      { ...leak, id: 'leak-2', device: 'b', grace: 60_001 },
    ]
    const late = (device: string) => event(1, endMs + 60_001, 'raised', device)
    for (const [device, detected] of [
      ['a', 0],
      ['b', 1],
    ] as const) {
      const { api } = await scripted([late(device)])
      const { score } = await assess({ ...options, truthFile: truthFile(truths, run), api })
      expect(score.total.detected).toBe(detected)
    }
  })

  test.each([
    ['the first ever is kept', 1, startMs + 1, true],
    ['older ones were dropped, of before the run', 7, startMs, true],
    ['older ones were dropped, perhaps of the run', 7, startMs + 1, false],
  ])('%s: complete is said', async (_case, sequence, timeMs, complete) => {
    const { api } = await scripted([event(sequence, timeMs, 'cleared', 'a')])
    expect(await assess({ ...options, truthFile: truthFile([leak], run), api })).toMatchObject({ complete })
  })
})

describe('the platform', () => {
  test('is asked for events only when it has caught up', async () => {
    const stats = [
      { pending: 1, lags: [0, 0] },
      { pending: 0, lags: [0, 3] },
      { pending: 0, lags: [0, 0] },
    ]
    const { api, asked } = await scripted([], stats)
    const result = await assess({ ...options, truthFile: truthFile([leak], run), api })
    expect(result.settled).toBe(true)
    expect(asked).toEqual(['/stats', '/stats', '/stats', '/events'])
  })

  test.each([
    ['messages that it has not stored', { pending: 1, lags: [0] }],
    ['a consumer that lags', { pending: 0, lags: [0, 1] }],
  ])('that has not caught up in time, with %s, is scored and it is said', async (_case, stats) => {
    const { api } = await scripted([event(1, startMs, 'raised', 'a')], [stats])
    const result = await assess({ ...options, settleMs: 0, truthFile: truthFile([leak], run), api })
    expect(result).toMatchObject({ settled: false, score: { total: { detected: 1 } } })
  })
})

describe('what was run', () => {
  const truths = [
    { ...leak, onset: startMs + 1_000, end: startMs + 2_000 },
    { ...leak, id: 'leak-2', device: 'b', onset: startMs + 1_500, end: null },
    { ...leak, id: 'leak-3', device: 'site=x', onset: startMs + 1_500, end: startMs + 1_600 },
  ]

  test('is in the run file', async () => {
    const { api } = await scripted([])
    const pass = [{ figure: 'recall', atLeast: 1 }]
    expect(await assess({ ...options, truthFile: truthFile(truths, { ...run, pass }), api })).toMatchObject({
      scenario: 's',
      seed: 1,
      span: { startMs, endMs, devices: ['a', 'b'] },
      marks: [{ figure: 'recall', verdict: 'missed', reached: 0 }],
    })
  })

  test('else from the first onset to the last end, now where there is none, on the devices that are no groups', async () => {
    const { api } = await scripted([])
    const result = await assess({ ...options, nowMs: startMs + 9_000, truthFile: truthFile(truths), api })
    expect(result.span).toEqual({ startMs: startMs + 1_000, endMs: startMs + 9_000, devices: ['a', 'b'] })
    expect(result).not.toHaveProperty('scenario')
    expect(result.marks).toEqual([])
  })

  test('unless it is said otherwise', async () => {
    const { api } = await scripted([])
    const said = { fromMs: startMs + 5, toMs: startMs + 1_550, marks: [{ figure: 'missing', atMost: 0 }] }
    const file = truthFile(truths, run)
    const result = await assess({ ...options, ...said, run: { missing: 1 }, truthFile: file, api })
    expect(result.span).toMatchObject({ startMs: startMs + 5, endMs: startMs + 1_550 })
    expect(result.marks).toMatchObject([{ figure: 'missing', verdict: 'missed', reached: 1 }])
  })

  test('with no truth is false alarms alone where a run file says what ran, else nothing: exit code 2', async () => {
    const { api } = await scripted([event(1, startMs, 'raised', 'a')])
    const { score } = await assess({ ...options, truthFile: truthFile([], run), api })
    expect(score.total).toMatchObject({ truths: 0, falseAlarms: 1, falseAlarmsPerDeviceDay: 0.5 })
    const refused = { code: 'TIDEMARK_TRUTH_INVALID', exitCode: 2 }
    await expect(assess({ ...options, truthFile: truthFile([]), api })).rejects.toMatchObject(refused)
  })

  test.each([
    ['a time that ends before it begins', { fromMs: endMs, toMs: startMs }, 'TIDEMARK_TRUTH_INVALID'],
    ['a mark that is none', { marks: [{ figure: 'x', atLeast: 1 }] }, 'TIDEMARK_SCENARIO_INVALID'],
  ])('%s is refused before anything is asked for: exit code 2', async (_case, change, code) => {
    const { api, asked } = await scripted([])
    const refused = assess({ ...options, ...change, truthFile: truthFile([leak], run), api })
    await expect(refused).rejects.toMatchObject({ code, exitCode: 2 })
    expect(asked).toEqual([])
  })
})
