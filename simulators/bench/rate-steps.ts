import type { BoundBy, Figures } from './measurement.ts'

/** A rate that was tried. */
export interface RateStep extends Omit<Figures, 'rate'> {
  /** Messages a second that were asked for. */
  readonly rate: number
  /** Messages a second that were acknowledged in time. */
  readonly acknowledgedRate: number
  /** Almost all were acknowledged in time, and quickly. */
  readonly holds: boolean
}

export interface RateSteps {
  readonly steps: readonly RateStep[]
  /** The highest rate that held; null when none did. */
  readonly knee: number | null
  /** Who was the limit at the lowest rate above the knee; `schedule` when every rate held. */
  readonly boundBy: BoundBy
}

/** Tries a rate; undefined when it cannot go on: interrupted, or the broker has not caught up. */
export type TryRate = (rate: number) => Promise<RateStep | undefined>

const firstRate = 1_000
/** Where doubling ends though everything held: no generator gets there. */
const rateMax = 2_000_000
/** The knee is known to a twentieth: finer than two runs agree. */
const precision = 0.05
const bisectionsMax = 5

/** Tries each rate in turn. */
export async function tryRates(rates: readonly number[], tryRate: TryRate): Promise<RateSteps> {
  const steps: RateStep[] = []
  for (const rate of rates) {
    const step = await tryRate(rate)
    if (step === undefined) break
    steps.push(step)
  }
  return result(steps)
}

/** Doubles the rate until one does not hold, then bisects between the last that held and the first that did not. */
export async function findKnee(tryRate: TryRate): Promise<RateSteps> {
  const steps: RateStep[] = []
  const holds = async (rate: number): Promise<boolean | undefined> => {
    const step = await tryRate(rate)
    if (step !== undefined) steps.push(step)
    return step?.holds
  }
  let [low, high] = [0, firstRate]
  let outcome = await holds(high)
  while (outcome === true) {
    if (high >= rateMax) return result(steps)
    low = high
    high *= 2
    outcome = await holds(high)
  }
  for (let i = 0; i < bisectionsMax && outcome !== undefined && high - low > high * precision; i++) {
    const middle = Math.round((low + high) / 2)
    outcome = await holds(middle)
    if (outcome === true) low = middle
    else high = middle
  }
  return result(steps)
}

function result(steps: readonly RateStep[]): RateSteps {
  const held = steps.filter((step) => step.holds).map(({ rate }) => rate)
  const knee = held.length === 0 ? null : Math.max(...held)
  const above = steps.filter((step) => step.rate > (knee ?? 0)).toSorted((a, b) => a.rate - b.rate)
  return { steps, knee, boundBy: above[0]?.boundBy ?? 'schedule' }
}
