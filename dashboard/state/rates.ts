import { type Buckets, bucketsSince, quantile } from '../api/metrics-text.ts'

/** Counters as they were at one moment. */
export interface CounterSample {
  /** Unix ms. */
  readonly at: number
  readonly acknowledged: number
  readonly readingsStored: number
  readonly ack: Buckets
}

export interface Rate {
  readonly at: number
  readonly messagesPerSecond: number
  readonly readingsPerSecond: number
}

/** So long the rates of the overview reach back, and one minute the latency. */
const keptMs = 5 * 60_000
const latencyMs = 60_000

/** The samples with one more, without those that are too old. Counters that went back are of another log: it begins anew. */
export function withSample(samples: readonly CounterSample[], sample: CounterSample): CounterSample[] {
  const last = samples.at(-1)
  if (last !== undefined && sample.acknowledged < last.acknowledged) return [sample]
  return [...samples.filter(({ at }) => at > sample.at - keptMs), sample]
}

/** What happened a second, between each two samples. */
export function ratesOf(samples: readonly CounterSample[]): Rate[] {
  return samples.slice(1).map((sample, i) => {
    const before = samples[i]!
    const seconds = Math.max(0.001, (sample.at - before.at) / 1000)
    return {
      at: sample.at,
      messagesPerSecond: (sample.acknowledged - before.acknowledged) / seconds,
      readingsPerSecond: (sample.readingsStored - before.readingsStored) / seconds,
    }
  })
}

/** The 99th percentile of acknowledgements in the last minute, in seconds; of all since the start when there were none. */
export function ackP99(samples: readonly CounterSample[]): number | undefined {
  const last = samples.at(-1)
  if (last === undefined) return undefined
  const before = samples.find(({ at }) => at >= last.at - latencyMs)
  const recent =
    before === undefined || before === last ? undefined : quantile(bucketsSince(last.ack, before.ack), 0.99)
  return recent ?? quantile(last.ack, 0.99)
}
