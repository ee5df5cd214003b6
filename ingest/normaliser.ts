import type { DeviceRecord } from '../domain/device.ts'
import type { SeriesOwner, Shape } from '../domain/reading-batch.ts'
import type { BatchBuilder } from './batch-builder.ts'
import { decodePayload, type RawReading, type Rejection } from './payload.ts'
import { RecentReadings } from './recent-readings.ts'
import { ShapeDecoder } from './shape-decoder.ts'
import type { PinnedType, TypeLetter, TypeRules } from './type-rules.ts'

/** A reading more than this ahead of the clock has quality `future`. */
const futureToleranceMs = 5 * 60_000

interface TakenReading {
  readonly time: number
  readonly shape: Shape
  readonly values: Float64Array
}

/** What ingest remembers of a device between messages; all of it may be forgotten at any time. */
export class DeviceTrack {
  readonly owner: SeriesOwner
  readonly rules: TypeRules
  /** The shape of its last reading: devices rarely change theirs, so the next is compared with it first. */
  shape: Shape = { metrics: [], types: '' }
  /** Last time given to a reading without `ts`: no two of them may share a millisecond, or one would vanish. */
  lastReceivedTime = 0
  readonly recent = new RecentReadings()
  /** Of the shape of its last message; undefined before one, and where that cannot be read this way. */
  decoder: ShapeDecoder | undefined

  constructor(device: DeviceRecord, rules: TypeRules) {
    const tags: [string, string][] = []
    for (const name of [...rules.profile.tags].sort()) {
      const value = Object.hasOwn(device.labels, name) ? device.labels[name] : undefined
      if (value !== undefined && value !== '') tags.push([name, value])
    }
    this.owner = { id: device.id, type: device.type, tags }
    this.rules = rules
  }
}

/** Metrics and types → one shared Shape object, so that batches can index shapes by identity. */
export class ShapeCache {
  readonly #shapes = new Map<string, Shape>()

  get(metrics: readonly string[], types: string): Shape {
    const key = `${types} ${metrics.join(' ')}`
    let shape = this.#shapes.get(key)
    if (shape === undefined) {
      if (this.#shapes.size > 10_000) this.#shapes.clear()
      shape = { metrics: [...metrics], types }
      this.#shapes.set(key, shape)
    }
    return shape
  }
}

/**
 * Decodes, validates and normalises one message into `builder`: all of its readings, or none and the reason. Exact repeats
 * of a device's last readings are left out (their point is there). `repeats` and `pins` are added to.
 */
export class Normaliser {
  repeats = 0
  pins: PinnedType[] = []
  readonly #shapes = new ShapeCache()
  readonly #decoders = new WeakMap<TypeRules, WeakMap<Shape, ShapeDecoder | undefined>>()

  normalise(
    track: DeviceTrack,
    builder: BatchBuilder,
    bytes: Buffer,
    start: number,
    end: number,
    receivedAt: number,
    now: number,
  ): Rejection | undefined {
    const { decoder } = track
    if (decoder?.decode(bytes, start, end)) {
      const { shape, values, ts } = decoder
      const time = timeOf(track, Number.isNaN(ts) ? undefined : ts, receivedAt)
      if (track.recent.repeats(time, shape, values)) this.repeats++
      else {
        builder.addValues(values)
        builder.addRow(track.owner, shape, time, time > now + futureToleranceMs)
        track.recent.add(time, shape, values)
      }
    } else {
      const refused = this.#normaliseAny(track, builder, decodePayload(bytes, start, end), receivedAt, now)
      if (refused !== undefined) return refused
    }
    builder.endMessage(receivedAt)
    return undefined
  }

  #normaliseAny(
    track: DeviceTrack,
    builder: BatchBuilder,
    readings: readonly RawReading[] | Rejection,
    receivedAt: number,
    now: number,
  ): Rejection | undefined {
    if ('reason' in readings) return readings
    const mark = builder.mark()
    const taken: TakenReading[] = []
    const pinsBefore = this.pins.length
    for (const reading of readings) {
      const refused = this.#take(track, builder, reading, receivedAt, now, taken)
      if (refused !== undefined) {
        builder.rollback(mark)
        for (const { metric } of this.pins.splice(pinsBefore)) track.rules.unpin(metric)
        return refused
      }
    }
    for (const { time, shape, values } of taken) track.recent.add(time, shape, values)
    // Only now: a shape of a refused message may have types that were taken back.
    if (taken.length > 0 && track.decoder?.shape !== track.shape) track.decoder = this.#decoderOf(track)
    return undefined
  }

  #decoderOf({ shape, rules }: DeviceTrack): ShapeDecoder | undefined {
    let ofRules = this.#decoders.get(rules)
    if (ofRules === undefined) {
      ofRules = new WeakMap()
      this.#decoders.set(rules, ofRules)
    }
    if (!ofRules.has(shape)) ofRules.set(shape, ShapeDecoder.for(shape, rules))
    return ofRules.get(shape)
  }

  #take(
    track: DeviceTrack,
    builder: BatchBuilder,
    reading: RawReading,
    receivedAt: number,
    now: number,
    taken: TakenReading[],
  ): Rejection | undefined {
    const mark = builder.mark()
    const { metrics, types } = track.shape
    let sameShape = true
    let count = 0
    let foundMetrics: string[] | undefined
    let foundTypes = ''
    for (const metric in reading.values) {
      const value = reading.values[metric]
      if (value === null) continue
      const letter = track.rules.check(metric, value, this.pins)
      if (typeof letter === 'object') return letter
      if (sameShape && (metrics[count] !== metric || types[count] !== letter)) {
        sameShape = false
        foundMetrics = metrics.slice(0, count)
        foundTypes = types.slice(0, count)
      }
      if (!sameShape) {
        foundMetrics!.push(metric)
        foundTypes += letter satisfies TypeLetter
      }
      builder.addValue(value as number | boolean | string)
      count++
    }
    if (count === 0) return undefined
    if (sameShape && count < metrics.length) {
      sameShape = false
      foundMetrics = metrics.slice(0, count)
      foundTypes = types.slice(0, count)
    }
    if (!sameShape) track.shape = this.#shapes.get(foundMetrics!, foundTypes)
    const { shape } = track
    const time = timeOf(track, reading.ts, receivedAt)
    const values = builder.lastValues(count)
    if (track.recent.repeats(time, shape, values)) {
      builder.rollback(mark)
      this.repeats++
      return undefined
    }
    builder.addRow(track.owner, shape, time, time > now + futureToleranceMs)
    taken.push({ time, shape, values })
    return undefined
  }
}

/** `ts`, or without it the time received, moved on where the device has a reading without `ts` of that millisecond. */
function timeOf(track: DeviceTrack, ts: number | undefined, receivedAt: number): number {
  if (ts !== undefined) return ts
  track.lastReceivedTime = Math.max(receivedAt, track.lastReceivedTime + 1)
  return track.lastReceivedTime
}
