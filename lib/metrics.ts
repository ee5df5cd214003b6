import { Histogram, Registry } from 'prom-client'

/** Latency histograms of the process, in seconds. Counters are not here: they live in the log, with the offsets. */
export interface Metrics {
  readonly registry: Registry
  /** PUBLISH read from the socket → acknowledgement written. */
  readonly ackSeconds: Histogram
  /** Reading received → event published. */
  readonly eventSeconds: Histogram
  /** One write to the database. */
  readonly storeWriteSeconds: Histogram
}

const buckets = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10]

export function createMetrics(): Metrics {
  const registry = new Registry()
  const histogram = (name: string, help: string) =>
    new Histogram({ name, help, buckets, registers: [registry] })
  return {
    registry,
    ackSeconds: histogram('tidemark_ack_seconds', 'From a PUBLISH read to its acknowledgement written'),
    eventSeconds: histogram('tidemark_event_seconds', 'From a reading received to its event published'),
    storeWriteSeconds: histogram('tidemark_store_write_seconds', 'One write to the database'),
  }
}
