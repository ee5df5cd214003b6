import { randomAt } from '../../lib/prng.ts'
import {
  appliances,
  baseWPerMwh,
  expectedStarts,
  expectedStartsBefore,
  fridgeWPerMwh,
  longestRunMs,
  runWh,
  weekHours,
} from './appliances.ts'
import { dayMs, epochMs, hourMs, signalKey } from './model.ts'

const weekMs = 7 * dayMs

/** What a load draws at a time. */
export interface Load {
  readonly powerW: number
  readonly reactiveVar: number
  /** Since the beginning of 2000. */
  readonly energyWh: number
}

/** The runs that matter in a week, in order of their starts: those of the week, and those before it that may run on into it. */
interface Runs {
  readonly week: number
  /** ms from the beginning of the week, negative for those before. */
  readonly startsMs: Int32Array
  readonly kinds: Uint8Array
  /** Of all runs listed before this one. */
  readonly whBefore: Uint32Array
  /** Of all runs that are not listed, since the beginning of 2000. */
  readonly whEarlier: number
}

/** Reactive for each active watt: motors and power supplies of the base load, mostly heaters among the appliances. */
const baseTangent = 0.5
const applianceTangent = 0.06
/** 20 minutes on, 40 off, for a home's own period. */
const fridgeDuty = 1 / 3

/** How constant and varying parts share what a home uses, kWh of 1,000. */
const constantKwh = (watts: number) => watts * 8.766
const appliancesKwh = 1_000 - constantKwh(baseWPerMwh + fridgeWPerMwh)

/**
 * A home on the H0 load profile: base load, a fridge, and appliances whose runs are a Poisson process whose rate makes the
 * mean of many homes follow the profile. How many runs there were before each week is a number known without a sum, as in a
 * Poisson process seen by the week: within a week, given how many they are, its runs lie at random by the rate. Thus
 * the energy since 2000 is exact.
 */
export class Household {
  readonly #mwh: number
  readonly #baseW: number
  readonly #fridgeW: number
  readonly #fridgePeriodMs: number
  readonly #fridgeKey: number
  readonly #runKeys: readonly number[]
  readonly #phases: readonly number[]
  #runs: Runs | undefined

  constructor(seed: number, home: string, annualKwh: number) {
    const key = (signal: string) => signalKey(seed, home, signal)
    const mwh = annualKwh / 1000
    const baseW = baseWPerMwh * (0.85 + 0.3 * randomAt(key('base'), 0))
    // A home with more base load has fewer runs: each uses its kWh a year.
    this.#mwh = (mwh * (1_000 - constantKwh(baseW + fridgeWPerMwh))) / appliancesKwh
    this.#baseW = mwh * baseW
    this.#fridgeW = (mwh * fridgeWPerMwh) / fridgeDuty
    this.#fridgeKey = key('fridge')
    this.#fridgePeriodMs = Math.round((50 + 20 * randomAt(this.#fridgeKey, -1)) * 60_000)
    this.#runKeys = appliances.map(({ name }) => key(name))
    this.#phases = this.#runKeys.map((runKey) => randomAt(runKey, -1))
  }

  at(timeMs: number): Load {
    const sinceMs = timeMs - epochMs
    const fridge = this.#fridgeAt(sinceMs)
    const runs = this.#runsOf(Math.floor(sinceMs / weekMs))
    const inWeekMs = sinceMs - runs.week * weekMs
    const first = firstAfter(runs.startsMs, inWeekMs - longestRunMs)
    let runningWh = 0
    let runningW = 0
    for (let i = first; i < runs.startsMs.length && runs.startsMs[i]! <= inWeekMs; i++) {
      const one = appliances[runs.kinds[i]!]!
      const elapsedMs = inWeekMs - runs.startsMs[i]!
      runningWh += runWh(one, elapsedMs)
      for (const { untilMs, watts } of one.stretches) {
        if (elapsedMs >= untilMs) continue
        runningW += watts
        break
      }
    }
    const constant = this.#baseW + fridge.powerW
    return {
      powerW: constant + runningW,
      reactiveVar: constant * baseTangent + runningW * applianceTangent,
      energyWh:
        runs.whEarlier +
        runs.whBefore[first]! +
        runningWh +
        (this.#baseW * sinceMs) / hourMs +
        fridge.energyWh,
    }
  }

  /** When the power may change next. */
  nextChangeMs(timeMs: number): number {
    const sinceMs = timeMs - epochMs
    let nextMs = this.#fridgeAt(sinceMs).changesMs
    const runs = this.#runsOf(Math.floor(sinceMs / weekMs))
    const weekStartMs = runs.week * weekMs
    nextMs = Math.min(nextMs, weekStartMs + weekMs)
    const inWeekMs = sinceMs - weekStartMs
    for (let i = firstAfter(runs.startsMs, inWeekMs - longestRunMs); i < runs.startsMs.length; i++) {
      const startMs = runs.startsMs[i]!
      if (startMs > inWeekMs) {
        nextMs = Math.min(nextMs, weekStartMs + startMs)
        break
      }
      for (const { untilMs } of appliances[runs.kinds[i]!]!.stretches) {
        if (startMs + untilMs <= inWeekMs) continue
        nextMs = Math.min(nextMs, weekStartMs + startMs + untilMs)
        break
      }
    }
    return epochMs + nextMs
  }

  /** One cooling in each period, its begin drawn; so whole periods are alike. */
  #fridgeAt(sinceMs: number): { powerW: number; energyWh: number; changesMs: number } {
    const periodMs = this.#fridgePeriodMs
    const period = Math.floor(sinceMs / periodMs)
    const onMs = Math.round(periodMs * fridgeDuty)
    const fromMs = Math.round(period * periodMs + 0.3 * periodMs * randomAt(this.#fridgeKey, period))
    const ranMs = Math.min(Math.max(sinceMs - fromMs, 0), onMs)
    return {
      powerW: sinceMs >= fromMs && ranMs < onMs ? this.#fridgeW : 0,
      energyWh: (this.#fridgeW * (period * onMs + ranMs)) / hourMs,
      changesMs:
        sinceMs < fromMs ? fromMs : sinceMs < fromMs + onMs ? fromMs + onMs : (period + 1) * periodMs,
    }
  }

  #countBefore(kind: number, week: number): number {
    return Math.floor(this.#mwh * expectedStartsBefore(kind, week) + this.#phases[kind]!)
  }

  #runsOf(week: number): Runs {
    if (this.#runs?.week === week) return this.#runs
    const drawn: { startMs: number; kind: number }[] = []
    let whEarlier = 0
    for (const [kind, { wh, lengthMs }] of appliances.entries()) {
      const last = week === 0 ? [] : this.#startsMs(kind, week - 1)
      const runOn = last.map((startMs) => startMs - weekMs).filter((startMs) => startMs > -lengthMs)
      whEarlier += wh * (this.#countBefore(kind, week) - this.#countBefore(kind, 0) - runOn.length)
      for (const startMs of runOn) drawn.push({ startMs, kind })
      for (const startMs of this.#startsMs(kind, week)) drawn.push({ startMs, kind })
    }
    drawn.sort((a, b) => a.startMs - b.startMs || a.kind - b.kind)
    const whBefore = new Uint32Array(drawn.length + 1)
    drawn.forEach(({ kind }, i) => {
      whBefore[i + 1] = whBefore[i]! + appliances[kind]!.wh
    })
    this.#runs = {
      week,
      startsMs: Int32Array.from(drawn, ({ startMs }) => startMs),
      kinds: Uint8Array.from(drawn, ({ kind }) => kind),
      whBefore,
      whEarlier,
    }
    return this.#runs
  }

  /** Starts of the runs of a week, in no order. */
  #startsMs(kind: number, week: number): number[] {
    const cumulative = expectedStarts(week).subarray(kind * (weekHours + 1), (kind + 1) * (weekHours + 1))
    const first = this.#countBefore(kind, week)
    const count = this.#countBefore(kind, week + 1) - first
    return Array.from({ length: count }, (_, i) => {
      const at = randomAt(this.#runKeys[kind]!, first + i) * cumulative[weekHours]!
      const hour = firstAfter(cumulative, at) - 1
      const share = (at - cumulative[hour]!) / (cumulative[hour + 1]! - cumulative[hour]!)
      return Math.floor((hour + share) * hourMs)
    })
  }
}

/** Index of the first of rising numbers that is above a limit; their length when none is. */
function firstAfter(rising: Int32Array | Float64Array, limit: number): number {
  let low = 0
  let high = rising.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (rising[middle]! > limit) high = middle
    else low = middle + 1
  }
  return low
}
