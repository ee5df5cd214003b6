import type { RaisedEvent } from '../../../simulators/score/events.ts'
import type { ScoredSpan } from '../../../simulators/score/matching.ts'
import type { Truth } from '../../../simulators/truth.ts'

/**
 * The section "Score" of docs/SIMULATOR.md, read sentence by sentence and written as slowly as it says it: it shares nothing
 * with the code that it judges.
 */
export function slowScore(truths: readonly Truth[], events: readonly RaisedEvent[], span: ScoredSpan) {
  const inSpan = truths.filter((t) => t.detectable_from < span.endMs && t.end + t.grace >= span.startMs)
  const matchOf = (e: RaisedEvent): Truth | undefined => {
    let best: Truth | undefined
    for (const t of inSpan) {
      if (t.device !== e.device) continue
      if (!t.expect.some((x) => x === e.rule || x === e.type)) continue
      if (e.timeMs < t.detectable_from || e.timeMs > t.end + t.grace) continue
      if (best === undefined || t.onset < best.onset) best = t
    }
    return best
  }
  const counted = events.filter((e) => {
    if (!span.devices.includes(e.device) && !/=/.test(e.device)) return false
    if (e.timeMs < span.startMs) return false
    return e.timeMs <= span.endMs || matchOf(e) !== undefined
  })
  const isBefore = (a: RaisedEvent, b: RaisedEvent) =>
    a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.sequence < b.sequence)
  const detectionOf = (t: Truth) =>
    counted
      .filter((e) => matchOf(e) === t)
      .reduce<RaisedEvent | undefined>(
        (first, e) => (first === undefined || isBefore(e, first) ? e : first),
        undefined,
      )
  const isDuplicate = (e: RaisedEvent) =>
    matchOf(e) !== undefined &&
    counted.some((o) => o !== e && isBefore(o, e) && o.rule === e.rule && matchOf(o) === matchOf(e))
  const duringOf = (e: RaisedEvent) => {
    let during: Truth | undefined
    for (const t of truths) {
      if (t.class === 'process' || t.device !== e.device || e.timeMs < t.onset || e.timeMs >= t.end) continue
      if (during === undefined || t.onset < during.onset) during = t
    }
    return during
  }
  const isFalse = (e: RaisedEvent) => matchOf(e) === undefined
  const days = (span.devices.length * Math.max(0, span.endMs - span.startMs)) / 86_400_000
  const perDay = (n: number) => (days > 0 ? n / days : null)

  const figures = (of: readonly Truth[], bearing: readonly RaisedEvent[]) => {
    const expecting = of.filter((t) => t.expect.length > 0)
    const found = expecting.flatMap((truth) => {
      const event = detectionOf(truth)
      return event === undefined ? [] : [{ truth, at: event.timeMs }]
    })
    const failing = found.flatMap(({ truth, at }) =>
      truth.failure === null ? [] : [{ lead: truth.failure - at, life: truth.failure - truth.onset }],
    )
    const warnable = expecting.filter((t) => t.warn_by !== null)
    const right = bearing.filter((e) => !isFalse(e)).length
    const recall = expecting.length === 0 ? null : found.length / expecting.length
    const precision = bearing.length === 0 ? null : right / bearing.length
    const delays = found.map(({ truth, at }) => (at - truth.detectable_from) / 1000)
    const leads = failing.map(({ lead }) => lead / 1000)
    return {
      truths: of.length,
      expecting: expecting.length,
      failing: expecting.filter((t) => t.failure !== null).length,
      warnable: warnable.length,
      detected: found.length,
      matched: right,
      duplicates: bearing.filter(isDuplicate).length,
      recall,
      precision,
      f1: recall === null ? null : precision ? (2 * recall * precision) / (recall + precision) || 0 : 0,
      delayMedianS: middle(delays),
      delayP95S: leastNotExceededBy(delays, 95),
      leadMedianS: middle(leads),
      leadMinS: leads.length === 0 ? null : Math.min(...leads),
      leadShareMedian: middle(failing.filter(({ life }) => life > 0).map(({ lead, life }) => lead / life)),
      inTime:
        warnable.length === 0
          ? null
          : warnable.filter((t) => (detectionOf(t)?.timeMs ?? Number.POSITIVE_INFINITY) < t.warn_by!).length /
            warnable.length,
    }
  }
  const wrong = counted.filter(isFalse)
  return {
    deviceDays: days,
    total: {
      ...figures(inSpan, counted),
      falseAlarms: wrong.length,
      falseAlarmsPerDeviceDay: perDay(wrong.length),
    },
    kinds: Object.fromEntries(
      inSpan.map(({ kind }) => {
        const own = inSpan.filter((t) => t.kind === kind)
        const couldTell = (e: RaisedEvent) =>
          own.some((t) => t.expect.includes(e.rule) || t.expect.includes(e.type))
        const bearing = counted.filter((e) => (isFalse(e) ? couldTell(e) : matchOf(e)?.kind === kind))
        const under = wrong.filter((e) => duringOf(e)?.kind === kind)
        return [kind, { ...figures(own, bearing), falseAlarms: under.length }]
      }),
    ),
    rules: Object.fromEntries(
      counted.map(({ rule }) => {
        const own = counted.filter((e) => e.rule === rule)
        const bad = own.filter(isFalse).length
        const all = own.length
        return [
          rule,
          {
            events: all,
            matched: all - bad,
            duplicates: own.filter(isDuplicate).length,
            falseAlarms: bad,
            precision: (all - bad) / all,
            falseAlarmsPerDeviceDay: perDay(bad),
          },
        ]
      }),
    ),
    falseAlarms: wrong
      .map((e) => ({ event: e.id, during: duringOf(e)?.kind ?? 'none', fault: duringOf(e)?.id ?? null }))
      .sort((a, b) => (a.event < b.event ? -1 : 1)),
    detections: Object.fromEntries(inSpan.map((t) => [t.id, detectionOf(t)?.id])),
  }
}

function middle(values: readonly number[]): number | null {
  const rest = [...values].sort((a, b) => a - b)
  while (rest.length > 2) {
    rest.pop()
    rest.shift()
  }
  return rest.length === 0 ? null : rest.reduce((a, b) => a + b) / rest.length
}

/** The least of them that `percent` of all are at most as large as. */
function leastNotExceededBy(values: readonly number[], percent: number): number | null {
  const enough = values.filter(
    (v) => values.filter((other) => other <= v).length * 100 >= percent * values.length,
  )
  return enough.length === 0 ? null : Math.min(...enough)
}
