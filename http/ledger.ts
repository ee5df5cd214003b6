import { consumedStream, consumers, type Log, type LogStats } from '../log/log.ts'

/** Where every acknowledged message is, read at one moment. `acknowledged = stored + deadLettered + pending`. */
export interface MessageLedger {
  readonly acknowledged: number
  readonly stored: number
  readonly deadLettered: number
  /** From positions in the streams: what ingest has yet to read, and what the storage writer has yet to pass. */
  readonly pending: number
  readonly deadLetteredByReason: Readonly<Record<string, number>>
  readonly readingsStored: number
}

const deadLetterPrefix = 'messages.dead-lettered:'

export function messageLedger({ streams, offsets, counters }: LogStats): MessageLedger {
  const byReason = Object.entries(counters)
    .filter(([name]) => name.startsWith(deadLetterPrefix))
    .map(([name, count]) => [name.slice(deadLetterPrefix.length), count] as const)
  const ingested = offsets[consumers.ingest] ?? 0
  const passed = offsets[consumers.storage] ?? 0
  return {
    acknowledged: streams.ingress.end,
    stored: counters['messages.stored'] ?? 0,
    deadLettered: byReason.reduce((sum, [, count]) => sum + count, 0),
    pending: streams.ingress.end - ingested + (streams.readings.end - passed),
    deadLetteredByReason: Object.fromEntries(byReason),
    readingsStored: counters['readings.stored'] ?? 0,
  }
}

/** Entries that each consumer has yet to read. */
export function consumerLags({ streams, offsets }: LogStats): { name: string; lag: number }[] {
  return Object.entries(consumedStream).map(([name, stream]) => ({
    name,
    lag: streams[stream].end - (offsets[name] ?? 0),
  }))
}

/** Acknowledged messages a second, over the time between two calls that are at least a second apart. */
export class RateMeter {
  #at = performance.now()
  #acknowledged: number
  #perSecond = 0

  constructor(log: Log) {
    this.#acknowledged = log.end('ingress')
  }

  perSecond(acknowledged: number): number {
    const seconds = (performance.now() - this.#at) / 1000
    if (seconds >= 1) {
      this.#perSecond = Math.round((acknowledged - this.#acknowledged) / seconds)
      this.#acknowledged = acknowledged
      this.#at = performance.now()
    }
    return this.#perSecond
  }
}
