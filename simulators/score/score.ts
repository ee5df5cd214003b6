import type { FaultClass } from '../faults/fault.ts'
import type { Truth } from '../truth.ts'
import type { RaisedEvent } from './events.ts'
import { type JudgedEvent, judgeEvents, type ScoredSpan, truthsByDevice } from './matching.ts'

/** What was told of some truths. A figure that nothing was there for is null. See "Score" in docs/SIMULATOR.md. */
export interface ToldFigures {
  readonly truths: number
  /** Truths that expect something; those of them with a `failure`, with a `warn_by`. */
  readonly expecting: number
  readonly failing: number
  readonly warnable: number
  readonly detected: number
  /** Events that match one of these truths. */
  readonly matched: number
  readonly duplicates: number
  /** Of a kind: those while a sensor or transport fault of this kind was active. In total: all. */
  readonly falseAlarms: number
  readonly recall: number | null
  readonly precision: number | null
  readonly f1: number | null
  readonly delayMedianS: number | null
  readonly delayP95S: number | null
  readonly leadMedianS: number | null
  readonly leadMinS: number | null
  readonly leadShareMedian: number | null
  readonly inTime: number | null
}

export interface KindScore extends ToldFigures {
  readonly kind: string
  readonly class: FaultClass
}

export interface RuleScore {
  readonly rule: string
  readonly events: number
  readonly matched: number
  readonly duplicates: number
  readonly falseAlarms: number
  readonly precision: number | null
  readonly falseAlarmsPerDeviceDay: number | null
}

export interface TruthScore {
  readonly truth: Truth
  /** The event that detected it. */
  readonly detection?: RaisedEvent
}

export interface FalseAlarm {
  readonly rule: string
  readonly device: string
  readonly timeMs: number
  readonly event: string
  /** Kind of the sensor or transport fault that was active on the device, else `none`; and the truth's id. */
  readonly during: string
  readonly fault: string | null
}

export interface Score {
  readonly deviceDays: number
  readonly total: ToldFigures & { readonly falseAlarmsPerDeviceDay: number | null }
  /** In the order of their names. */
  readonly kinds: readonly KindScore[]
  readonly rules: readonly RuleScore[]
  /** In order of event time. */
  readonly falseAlarms: readonly FalseAlarm[]
  /** In the order of the file; those that the span does not reach are left out. */
  readonly truths: readonly TruthScore[]
}

const dayMs = 86_400_000

/** Scores what was told against what was so, by docs/SIMULATOR.md. Pure; neither list need be in order. */
export function score(
  truths: readonly Truth[],
  events: readonly RaisedEvent[],
  { startMs, endMs, devices }: ScoredSpan,
): Score {
  const scored = truths.filter((one) => one.detectable_from < endMs && one.end + one.grace >= startMs)
  const judged = judgeEvents(scored, events, { startMs, endMs, devices })
  const detections = new Map<Truth, RaisedEvent>()
  for (const { event, truth, worth } of judged)
    if (worth === 'detection' && truth !== undefined) detections.set(truth, event)
  const falseAlarms = falseAlarmsOf(judged, truths)
  const deviceDays = (devices.length * Math.max(0, endMs - startMs)) / dayMs
  const all = figuresOf(scored, judged, detections)
  return {
    deviceDays,
    total: {
      ...all,
      falseAlarms: falseAlarms.length,
      falseAlarmsPerDeviceDay: ratio(falseAlarms.length, deviceDays),
    },
    kinds: kindsOf(scored, judged, detections, falseAlarms),
    rules: rulesOf(judged, deviceDays),
    falseAlarms,
    truths: scored.map((truth) => {
      const detection = detections.get(truth)
      return detection === undefined ? { truth } : { truth, detection }
    }),
  }
}

function falseAlarmsOf(judged: readonly JudgedEvent[], truths: readonly Truth[]): FalseAlarm[] {
  const disturbances = truthsByDevice(truths.filter((one) => one.class !== 'process'))
  return judged
    .filter(({ worth }) => worth === 'false')
    .map(({ event: { rule, device, timeMs, id } }) => {
      const fault = disturbances.get(device)?.find(({ onset, end }) => timeMs >= onset && timeMs < end)
      return { rule, device, timeMs, event: id, during: fault?.kind ?? 'none', fault: fault?.id ?? null }
    })
}

function kindsOf(
  scored: readonly Truth[],
  judged: readonly JudgedEvent[],
  detections: ReadonlyMap<Truth, RaisedEvent>,
  falseAlarms: readonly FalseAlarm[],
): KindScore[] {
  return [...new Set(scored.map(({ kind }) => kind))].sort().map((kind) => {
    const own = scored.filter((one) => one.kind === kind)
    const expected = new Set(own.flatMap(({ expect }) => expect))
    // A false alarm is held against each kind that its rule could have told of.
    const relevant = judged.filter(({ event: { rule, type }, truth }) =>
      truth === undefined ? expected.has(rule) || expected.has(type) : truth.kind === kind,
    )
    return {
      kind,
      class: own[0]!.class,
      ...figuresOf(own, relevant, detections),
      falseAlarms: falseAlarms.filter(({ during }) => during === kind).length,
    }
  })
}

/** Of truths and the events that bear on them. */
function figuresOf(
  truths: readonly Truth[],
  judged: readonly JudgedEvent[],
  detections: ReadonlyMap<Truth, RaisedEvent>,
): ToldFigures {
  const expecting = truths.filter(({ expect }) => expect.length > 0)
  const warnable = expecting.filter(({ warn_by }) => warn_by !== null)
  const detected = expecting.filter((one) => detections.has(one))
  const delaysMs: number[] = []
  const leadsMs: number[] = []
  const leadShares: number[] = []
  let inTime = 0
  for (const truth of detected) {
    const { timeMs } = detections.get(truth)!
    const { failure, onset, warn_by } = truth
    delaysMs.push(timeMs - truth.detectable_from)
    if (warn_by !== null && timeMs < warn_by) inTime++
    if (failure === null) continue
    leadsMs.push(failure - timeMs)
    if (failure > onset) leadShares.push((failure - timeMs) / (failure - onset))
  }
  const matched = judged.filter(({ truth }) => truth !== undefined).length
  const recall = ratio(detected.length, expecting.length)
  const precision = ratio(matched, judged.length)
  return {
    truths: truths.length,
    expecting: expecting.length,
    failing: expecting.filter(({ failure }) => failure !== null).length,
    warnable: warnable.length,
    detected: detected.length,
    matched,
    duplicates: judged.filter(({ worth }) => worth === 'duplicate').length,
    falseAlarms: judged.length - matched,
    recall,
    precision,
    f1: f1Of(recall, precision),
    delayMedianS: seconds(median(delaysMs)),
    delayP95S: seconds(nearestRank(delaysMs, 0.95)),
    leadMedianS: seconds(median(leadsMs)),
    leadMinS: seconds(nearestRank(leadsMs, 0)),
    leadShareMedian: median(leadShares),
    inTime: ratio(inTime, warnable.length),
  }
}

function rulesOf(judged: readonly JudgedEvent[], deviceDays: number): RuleScore[] {
  return [...new Set(judged.map(({ event }) => event.rule))].sort().map((rule) => {
    const own = judged.filter(({ event }) => event.rule === rule)
    const falseAlarms = own.filter(({ worth }) => worth === 'false').length
    return {
      rule,
      events: own.length,
      matched: own.length - falseAlarms,
      duplicates: own.filter(({ worth }) => worth === 'duplicate').length,
      falseAlarms,
      precision: ratio(own.length - falseAlarms, own.length),
      falseAlarmsPerDeviceDay: ratio(falseAlarms, deviceDays),
    }
  })
}

function ratio(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null
}

/** 0 when nothing was detected, whether or not anything was told; null where there was nothing to detect. */
function f1Of(recall: number | null, precision: number | null): number | null {
  if (recall === null) return null
  if (precision === null || recall + precision === 0) return 0
  return (2 * recall * precision) / (recall + precision)
}

/** The middle one, or the mean of the two in the middle. */
function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)]
  if (upper === undefined) return null
  return sorted.length % 2 === 1 ? upper : (sorted[sorted.length / 2 - 1]! + upper) / 2
}

/** The least value that at least this share of all does not exceed: one that occurred, not one between two. */
function nearestRank(values: readonly number[], share: number): number | null {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null
}

function seconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1_000
}
