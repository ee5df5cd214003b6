import { isUtf8 } from 'node:buffer'
import type { DeadLetter, DeadLetterStage } from '../domain/dead-letter.ts'
import type { Logger } from '../lib/logger.ts'
import { consume } from '../log/consume.ts'
import { IngressGroupReader, topicName } from '../log/ingress-codec.ts'
import { consumers, counters, type Log, type LogRecord } from '../log/log.ts'
import { encodeReadingBatch } from '../log/reading-batch-codec.ts'
import { RegistryView } from '../registry/registry-view.ts'
import { BatchBuilder } from './batch-builder.ts'
import { DeviceTrack, Normaliser } from './normaliser.ts'
import type { Rejection } from './payload.ts'
import { metricTypeKey, type TypeLetter, TypeRules } from './type-rules.ts'

export interface IngestOptions {
  readonly log: Log
  readonly logger: Logger
}

const readLimits = { entriesMax: 4_000, bytesMax: 2 * 1024 * 1024 }
/** A record of `readings` is closed at this many rows, so that the storage writer can gather whole records to 5,000. */
const recordRowsMax = 2_500
const tracksMax = 50_000
const gatherMs = 5

/** The consumer of `ingress`: raw messages in, batches of valid readings and dead letters out, in one transaction a group. */
export class Ingest {
  readonly #options: IngestOptions
  readonly #registry: RegistryView
  readonly #normaliser = new Normaliser()
  readonly #builder = new BatchBuilder()
  readonly #rules = new Map<string, TypeRules>()
  readonly #tracks = new Map<string, DeviceTrack>()
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined

  constructor(options: IngestOptions) {
    this.#options = options
    this.#registry = new RegistryView(options.log)
  }

  start(): void {
    this.#running = consume({
      ...this.#options,
      stream: 'ingress',
      consumer: consumers.ingest,
      limits: readLimits,
      gatherMs,
      signal: this.#stopping.signal,
      process: (records, next) => this.#process(records, next),
      // What was remembered of the devices may not have been written.
      onRefused: () => this.#forget(),
    })
  }

  /** Finishes the group in hand. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #process(records: readonly LogRecord[], next: number): Promise<boolean> {
    const { log } = this.#options
    for (const { table } of this.#registry.refresh()) if (table !== 'rules') this.#forget()
    const batches: { bytes: Buffer; messages: number }[] = []
    const letters: DeadLetter[] = []
    const builder = this.#builder
    const close = () => {
      const batch = builder.take()
      if (batch.messages > 0) batches.push({ bytes: encodeReadingBatch(batch), messages: batch.messages })
    }
    for (const record of records) {
      const group = new IngressGroupReader(record.value)
      while (group.next()) {
        const refused = this.#take(group, builder)
        if (refused !== undefined) letters.push(deadLetter(group, refused))
        if (builder.rows >= recordRowsMax) close()
      }
    }
    close()
    const { repeats, pins, receivedTimes } = this.#normaliser
    this.#normaliser.repeats = 0
    this.#normaliser.pins = []
    this.#normaliser.receivedTimes = new Map()
    await log.transaction((tx) => {
      for (const { bytes, messages } of batches) tx.append('readings', bytes, messages)
      for (const letter of letters) {
        tx.append('dead-letters', Buffer.from(JSON.stringify(letter)), 1)
        tx.count(counters.deadLettered(letter.reason), 1)
      }
      for (const { key, letter } of pins) tx.put('metric-types', key, letter)
      for (const [device, time] of receivedTimes) tx.put('received-times', device, time)
      if (repeats > 0) tx.count(counters.repeats, repeats)
      tx.commitOffset(consumers.ingest, next)
    })
    return true
  }

  #take(group: IngressGroupReader, builder: BatchBuilder): Rejection | undefined {
    const track = this.#tracks.get(group.device) ?? this.#newTrack(group.device)
    if ('reason' in track) return track
    return this.#normaliser.normalise(
      track,
      builder,
      group.bytes,
      group.payloadStart,
      group.payloadEnd,
      group.receivedAt,
    )
  }

  #newTrack(id: string): DeviceTrack | Rejection {
    const device = this.#registry.devices.get(id)
    if (device === undefined)
      return { reason: 'device.unknown_type', detail: 'the device is not registered any more' }
    const rules = this.#rules.get(device.type) ?? this.#newRules(device.type)
    if (rules === undefined)
      return { reason: 'device.unknown_type', detail: `there is no profile for ${device.type}` }
    if (this.#tracks.size >= tracksMax) this.#tracks.clear()
    const lastReceivedTime =
      this.#normaliser.receivedTimes.get(id) ?? this.#options.log.get<number>('received-times', id)
    const track = new DeviceTrack(device, rules, lastReceivedTime)
    this.#tracks.set(id, track)
    return track
  }

  #newRules(type: string): TypeRules | undefined {
    const profile = this.#registry.profiles.get(type)
    if (profile === undefined) return undefined
    const prefix = metricTypeKey(type, '')
    const pinned = this.#options.log.entries<TypeLetter>('metric-types', { prefix })
    const rules = new TypeRules(
      profile,
      pinned.map(([key, letter]) => [key.slice(prefix.length), letter]),
    )
    this.#rules.set(type, rules)
    return rules
  }

  #forget(): void {
    this.#tracks.clear()
    this.#rules.clear()
  }
}

function deadLetter(group: IngressGroupReader, { reason, detail }: Rejection): DeadLetter {
  const payload = group.bytes.subarray(group.payloadStart, group.payloadEnd)
  const encoding = isUtf8(payload) ? 'utf8' : 'base64'
  const stage: DeadLetterStage =
    reason.startsWith('payload.') || reason === 'ts.invalid' ? 'decode' : 'validate'
  return {
    receivedAt: new Date(group.receivedAt).toISOString(),
    device: group.device,
    topic: topicName(group.topic, group.device),
    stage,
    reason,
    detail,
    payload: payload.toString(encoding),
    encoding,
  }
}
