import type { ReadingBatch } from '../domain/reading-batch.ts'
import { Evaluator } from '../rules/evaluator.ts'
import type { Kept } from '../rules/kept.ts'
import type { Rule } from '../rules/rule.ts'
import { benchProfile, type RuleFleet } from './rule-fleet.ts'
import { stored } from './rule-set.ts'

/** Nothing was kept: every instance begins, and what an evaluation says is to be kept is let go. */
const nothingKept: Kept = {
  instance: () => undefined,
  clock: () => undefined,
  held: () => [],
  window: () => [],
  lanes: () => ({ windows: [], held: [] }),
}

/** What evaluating some batches took. */
export interface Work {
  readings: number
  evaluations: number
  /** Evaluations in which something was up or came up: the others are found quiet in their column. */
  uneasy: number
  transitions: number
  /** User and system time of all threads, the collector's included. */
  cpuMs: number
}

/** The evaluator of the live engine over a fleet, with nothing kept. */
export class MeasuredEvaluator {
  readonly evaluator: Evaluator
  #uneasy = 0

  constructor(rules: readonly Rule[], fleet: RuleFleet) {
    const devices = new Map(fleet.devices.map((device) => [device.id, device]))
    this.evaluator = new Evaluator({
      kept: nothingKept,
      devices: () => devices.values(),
      findDevice: (id) => devices.get(id),
      profileOf: () => benchProfile,
      // Asked of each evaluation that is not quiet.
      isSilenced: () => {
        this.#uneasy++
        return false
      },
      pairsMax: 1e7,
      readingsMax: 100_000,
      onLimit: (code, rule, device) => {
        throw new Error(`${code}: ${rule}, ${device}`)
      },
    })
    for (const rule of rules) this.evaluator.setRule(rule.id, stored(rule))
  }

  /** Evaluates the batches one by one, as a group of its own each. */
  run(batches: readonly ReadingBatch[]): Work {
    const work: Work = { readings: 0, evaluations: 0, uneasy: 0, transitions: 0, cpuMs: 0 }
    const uneasyBefore = this.#uneasy
    const before = process.cpuUsage()
    for (const batch of batches) {
      const { evaluations, occurrences } = this.evaluator.evaluate([batch])
      work.evaluations += evaluations
      work.transitions += occurrences.length
      work.readings += batch.rows
    }
    const { user, system } = process.cpuUsage(before)
    work.cpuMs = (user + system) / 1_000
    work.uneasy = this.#uneasy - uneasyBefore
    return work
  }
}
