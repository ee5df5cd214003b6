import { median, round } from './rounds.ts'
import { MeasuredEvaluator, type Work } from './rule-evaluator.ts'
import { later, RuleFleet } from './rule-fleet.ts'
import { mixedKinds, mixedRules, thresholdRules } from './rule-set.ts'

const intervalMs = 10_000

/** Size of a run: the default, or less to try it. */
export interface SpeedOptions {
  readonly rounds: number
  readonly rules: number
  readonly devices: number
  readonly mixDevices: number
  /** Readings of each device in a round. */
  readonly ticks: number
  readonly mixTicks: number
}

/** Rates on one core: by CPU time of the process, its collector included. */
export interface Speed {
  readonly evaluationsPerSecond: number
  readonly evaluationsPerSecondOfRounds: readonly number[]
  readonly readingsPerSecond: number
  readonly nsPerEvaluation: number
  /** Share of the evaluations that were other than quiet. */
  readonly uneasyShare: number
  readonly transitionsPerSecond: number
}

export interface ThresholdReport {
  readonly rules: number
  readonly devices: number
  readonly crossing: Speed
  readonly quiet: Speed
}

/** Threshold rules over a fleet, each reading reaching every rule: with alarms that come and go, and without any. */
export function thresholdSpeed(options: SpeedOptions): ThresholdReport {
  const { rules, devices } = options
  const speedOf = (deviationsMax?: number): Speed => {
    const fleet = new RuleFleet({
      devices,
      isMixed: false,
      ...(deviationsMax === undefined ? {} : { deviationsMax }),
    })
    const evaluator = new MeasuredEvaluator(thresholdRules(rules), fleet)
    const batches = Array.from({ length: options.ticks }, () => fleet.next(intervalMs))
    return speedOfRounds(evaluator, options.rounds, (round) =>
      batches.map((batch) => later(batch, round * options.ticks * intervalMs)),
    )
  }
  return { rules, devices, crossing: speedOf(), quiet: speedOf(1) }
}

export interface MixReport {
  readonly rules: number
  readonly devices: number
  readonly all: Speed
  /** Each kind alone, the share of reading included: what a reading costs that reaches no rule is in `readingNs`. */
  readonly nsPerEvaluationByKind: Readonly<Record<string, number>>
  readonly readingNs: number
}

/** All kinds over windows that are full: 15 days of readings, the last six and a half hours of them at the fleet's own interval. */
export function mixSpeed(options: SpeedOptions, onProgress: (text: string) => void): MixReport {
  const rules = mixedRules()
  const speedOf = (of: ReturnType<typeof mixedRules>, rounds: number): Speed => {
    const fleet = new RuleFleet({ devices: options.mixDevices, isMixed: true })
    const evaluator = new MeasuredEvaluator(of, fleet)
    fillWindows(evaluator, fleet)
    return speedOfRounds(evaluator, rounds, () =>
      Array.from({ length: options.mixTicks }, () => fleet.next(intervalMs)),
    )
  }
  const byKind: Record<string, number> = {}
  onProgress('mix: all kinds')
  const all = speedOf(rules, options.rounds)
  for (const kind of mixedKinds) {
    onProgress(`mix: ${kind} alone`)
    byKind[kind] = speedOf(mixedRules(kind), options.rounds).nsPerEvaluation
  }
  const none = speedOf([], 1)
  return {
    rules: rules.length,
    devices: options.mixDevices,
    all,
    nsPerEvaluationByKind: byKind,
    readingNs: round(1e9 / none.readingsPerSecond),
  }
}

const hourMs = 3_600_000
/** Step and length of each part. */
const warmUps = [
  [hourMs / 2, 15 * 24 * hourMs],
  [intervalMs, 6.5 * hourMs],
] as const

/** Gives the evaluator the readings that fill every window of the mix. */
export function fillWindows(evaluator: MeasuredEvaluator, fleet: RuleFleet): void {
  for (const [stepMs, lengthMs] of warmUps) {
    for (let ms = 0; ms < lengthMs; ms += stepMs) evaluator.run([fleet.next(stepMs)])
  }
}

/** The round whose rate is the median; one before them is not counted. */
function speedOfRounds(
  evaluator: MeasuredEvaluator,
  rounds: number,
  batchesOf: (round: number) => Parameters<MeasuredEvaluator['run']>[0],
): Speed {
  evaluator.run(batchesOf(0))
  const works: Work[] = []
  for (let i = 1; i <= rounds; i++) {
    const batches = batchesOf(i)
    globalThis.gc?.()
    works.push(evaluator.run(batches))
  }
  const rate = ({ evaluations, readings, cpuMs }: Work) => ((evaluations || readings) / cpuMs) * 1_000
  const of = median(works, rate)
  const perSecond = (count: number) => Math.round((count / of.cpuMs) * 1_000)
  return {
    evaluationsPerSecond: perSecond(of.evaluations),
    evaluationsPerSecondOfRounds: works.map((work) => Math.round(rate(work))),
    readingsPerSecond: perSecond(of.readings),
    nsPerEvaluation: round((of.cpuMs * 1e6) / of.evaluations),
    uneasyShare: round(of.uneasy / of.evaluations, 4),
    transitionsPerSecond: perSecond(of.transitions),
  }
}
