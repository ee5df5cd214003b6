import { type EventLoopUtilization, performance } from 'node:perf_hooks'
import { build, type Histogram } from 'hdr-histogram-js'

/** Milliseconds. */
export interface Percentiles {
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

/**
 * Who set the figures: the generator (then the broker could do more than they say), the broker, or the schedule, when both
 * kept to it.
 */
export type BoundBy = 'generator' | 'broker' | 'schedule'

export interface Figures {
  readonly sent: number
  readonly acknowledged: number
  readonly seconds: number
  /** Acknowledged messages a second. */
  readonly rate: number
  /** From the intended time of sending to the acknowledgement. */
  readonly ackMs: Percentiles
  /** How far behind its schedule the generator itself was: above a few ms its figures are its own. */
  readonly generatorLateMs: { readonly p99: number; readonly max: number }
  /** Share of the time of sending in which the generator's event loop had work and did not wait for the broker; 0 to 1. */
  readonly generatorBusy: number
  readonly boundBy: BoundBy
}

/** It sends every 2 ms; a generator as late as this at p99 was held up. */
const generatorLateMsMax = 10
/** A loop that waits for nothing can do no more, however fast the acknowledgements come. */
const generatorBusyMax = 0.95

/** Who was the limit, from what the generator measured of itself. `keptUp`: as many were acknowledged as the schedule asked. */
export function boundBy(
  { generatorLateMs, generatorBusy }: Pick<Figures, 'generatorLateMs' | 'generatorBusy'>,
  schedule: { readonly keptUp: boolean } | undefined,
): BoundBy {
  const isBusy = generatorBusy >= generatorBusyMax
  if (schedule === undefined) return isBusy ? 'generator' : 'broker'
  if (generatorLateMs.p99 > generatorLateMsMax) return 'generator'
  if (schedule.keptUp) return 'schedule'
  return isBusy ? 'generator' : 'broker'
}

/** What is counted while messages are sent and their acknowledgements come; times in ms of `performance.now()`. */
export class Measurement {
  sent = 0
  acknowledged = 0
  readonly #latency: Histogram = build({ numberOfSignificantValueDigits: 3 })
  readonly #lateness: Histogram = build({ numberOfSignificantValueDigits: 3 })
  readonly #startedAt = performance.now()
  readonly #loopAtStart = performance.eventLoopUtilization()
  #loop: EventLoopUtilization | undefined

  /** A message leaves at `now` that was due at `intendedAt`. */
  left(now: number, intendedAt: number): void {
    this.#lateness.recordValue(micros(now - intendedAt))
  }

  acknowledgedAfter(ms: number): void {
    this.acknowledged++
    this.#latency.recordValue(micros(ms))
  }

  /** Adds what another counted. */
  add(other: Measurement): void {
    this.sent += other.sent
    this.acknowledged += other.acknowledged
    this.#latency.add(other.#latency)
    this.#lateness.add(other.#lateness)
  }

  /** No more is sent: how busy the generator was is told of the time before. */
  endOfSending(): void {
    this.#loop = performance.eventLoopUtilization(this.#loopAtStart)
  }

  /** `schedule` is undefined where there was none. */
  figures(schedule: { readonly keptUp: boolean } | undefined): Figures {
    const seconds = (performance.now() - this.#startedAt) / 1000
    const late = percentilesOf(this.#lateness)
    const busy = {
      generatorLateMs: { p99: late.p99, max: late.max },
      generatorBusy: Math.round((this.#loop?.utilization ?? 0) * 1000) / 1000,
    }
    return {
      sent: this.sent,
      acknowledged: this.acknowledged,
      seconds,
      rate: Math.round(this.acknowledged / seconds),
      ackMs: percentilesOf(this.#latency),
      ...busy,
      boundBy: boundBy(busy, schedule),
    }
  }
}

/** Percentiles, ms, of what was recorded in µs. */
export function percentilesOf(micros: Histogram): Percentiles {
  // A percentile is the upper end of its bucket, which may lie above all that was recorded.
  const at = (percentile: number) => Math.min(micros.getValueAtPercentile(percentile), micros.maxValue) / 1000
  return { p50: at(50), p90: at(90), p99: at(99), max: micros.maxValue / 1000 }
}

/** Percentiles of values that are all at hand. */
export function percentiles(values: readonly number[]): Percentiles {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) }
}

function micros(ms: number): number {
  return Math.max(0, Math.round(ms * 1000))
}
