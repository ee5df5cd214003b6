import { round } from './rounds.ts'
import { MeasuredEvaluator } from './rule-evaluator.ts'
import { RuleFleet } from './rule-fleet.ts'
import { mixedKinds, mixedRules, stored, thresholdRules } from './rule-set.ts'

export interface MemoryOptions {
  /** Rules that are set, compiled and reached once. */
  readonly rules: number
  readonly pairRules: number
  readonly pairDevices: number
  readonly kindDevices: number
}

/** Bytes of the heap and outside it (columns) that stay after a full collection. */
export interface MemoryReport {
  readonly rules: number
  readonly bytesPerRule: number
  readonly pairs: number
  /** One quiet reading of each device after the rules were set; what a device itself takes is in it. */
  readonly bytesPerIdlePair: number
  /** After full windows, of each kind alone. */
  readonly bytesPerPairByKind: Readonly<Record<string, number>>
}

/** What rules, idle pairs of rule and device, and full windows take. Node must have been started with --expose-gc. */
export function ruleMemory(
  options: MemoryOptions,
  warmUp: (evaluator: MeasuredEvaluator, fleet: RuleFleet) => void,
): MemoryReport {
  const { rules, pairRules, pairDevices, kindDevices } = options
  return {
    rules,
    bytesPerRule: bytesPerRule(rules),
    pairs: pairRules * pairDevices,
    bytesPerIdlePair: bytesPerIdlePair(pairRules, pairDevices),
    bytesPerPairByKind: Object.fromEntries(
      mixedKinds.map((kind) => {
        const fleet = new RuleFleet({ devices: kindDevices, isMixed: true })
        const evaluator = new MeasuredEvaluator(mixedRules(kind), fleet)
        warmUp(evaluator, fleet)
        const freed = freedBy(() => evaluator.evaluator.forgetState())
        return [kind, Math.round(freed / (mixedRules(kind).length * kindDevices))]
      }),
    ),
  }
}

function bytesPerRule(count: number): number {
  const fleet = new RuleFleet({ devices: 1, isMixed: false, deviationsMax: 1 })
  const evaluator = new MeasuredEvaluator([], fleet)
  const rules = thresholdRules(count).map((rule) => rule.id)
  for (const rule of thresholdRules(count)) evaluator.evaluator.setRule(rule.id, stored(rule))
  evaluator.run([fleet.next(1_000)])
  const freed = freedBy(() => {
    for (const id of rules) evaluator.evaluator.setRule(id, undefined)
    evaluator.run([fleet.next(1_000)])
  })
  return Math.round(freed / count)
}

function bytesPerIdlePair(rules: number, devices: number): number {
  const fleet = new RuleFleet({ devices, isMixed: false, deviationsMax: 1 })
  const evaluator = new MeasuredEvaluator(thresholdRules(rules), fleet)
  evaluator.run([fleet.next(1_000)])
  return round(freedBy(() => evaluator.evaluator.forgetState()) / (rules * devices))
}

/** Bytes that a full collection finds once they are let go: what else came and went meanwhile is not in it. */
function freedBy(letGo: () => void): number {
  const before = held()
  letGo()
  return before - held()
}

function held(): number {
  if (globalThis.gc === undefined) throw new Error('start node with --expose-gc')
  globalThis.gc()
  globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
