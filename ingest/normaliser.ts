import type { DeviceRecord } from '../domain/device.ts'
import type { SeriesOwner, Shape } from '../domain/reading-batch.ts'
import type { BatchBuilder } from './batch-builder.ts'
import { decodePayload, type RawReading, type Rejection } from './payload.ts'
import { RecentReadings } from './recent-readings.ts'
import { ShapeDecoder } from './shape-decoder.ts'
import type { PinnedType, TypeLetter, TypeRules } from './type-rules.ts'

/** A reading more than this ahead of the time at which it was received has quality `future`. */
const futureToleranceMs = 5 * 60_000

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

  constructor(device: DeviceRecord, rules: TypeRules, lastReceivedTime = 0) {
    const tags: [string, string][] = []
    for (const name of [...rules.profile.tags].sort()) {
      const value = Object.hasOwn(device.labels, name) ? device.labels[name] : undefined
      if (value !== undefined && value !== '') tags.push([name, value])
    }
    this.owner = { id: device.id, type: device.type, tags }
    this.rules = rules
    this.lastReceivedTime = lastReceivedTime
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
 * of a device's last readings are left out (their point is there). What comes of a message is a function of the message,
 * the time it was received and what was kept of those before it, so that reading the log again gives the same readings.
 */
export class Normaliser {
  /** Readings left out, metrics whose type was fixed, and the last time given to readings without `ts`, by device: to be kept with the batch. */
  repeats = 0
  pins: PinnedType[] = []
  receivedTimes = new Map<string, number>()
  readonly #shapes = new ShapeCache()
  readonly #decoders = new WeakMap<TypeRules, WeakMap<Shape, ShapeDecoder | undefined>>()

  normalise(
    track: DeviceTrack,
    builder: BatchBuilder,
    bytes: Buffer,
    start: number,
    end: number,
    receivedAt: number,
  ): Rejection | undefined {
    const { decoder, lastReceivedTime } = track
    if (decoder?.decode(bytes, start, end)) {
      const { shape, values, ts } = decoder
      const time = Number.isNaN(ts) ? nextReceivedTime(track, receivedAt) : ts
      if (track.recent.repeats(time, shape, values)) this.repeats++
      else {
        builder.addValues(values)
        builder.addRow(track.owner, shape, time, time > receivedAt + futureToleranceMs)
        track.recent.add(time, shape, values)
      }
    } else {
      const refused = this.#normaliseAny(track, builder, decodePayload(bytes, start, end), receivedAt)
      if (refused !== undefined) return refused
    }
    if (track.lastReceivedTime !== lastReceivedTime)
      this.receivedTimes.set(track.owner.id, track.lastReceivedTime)
    builder.endMessage(receivedAt)
    return undefined
  }

  #normaliseAny(
    track: DeviceTrack,
    builder: BatchBuilder,
    readings: readonly RawReading[] | Rejection,
    receivedAt: number,
  ): Rejection | undefined {
    if ('reason' in readings) return readings
    const mark = builder.mark()
    const { repeats, pins } = this
    const pinsBefore = pins.length
    const { shape: shapeBefore, lastReceivedTime: receivedBefore } = track
    for (const reading of readings) {
      const refused = this.#take(track, builder, reading, receivedAt)
      if (refused === undefined) continue
      builder.rollback(mark)
      for (const { metric } of pins.splice(pinsBefore)) track.rules.unpin(metric)
      this.repeats = repeats
      track.lastReceivedTime = receivedBefore
      track.shape = shapeBefore
      track.recent.clear()
      return refused
    }
    if (track.decoder?.shape !== track.shape) track.decoder = this.#decoderOf(track)
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
    const time = reading.ts ?? nextReceivedTime(track, receivedAt)
    const values = builder.lastValues(count)
    if (track.recent.repeats(time, shape, values)) {
      builder.rollback(mark)
      this.repeats++
      return undefined
    }
    builder.addRow(track.owner, shape, time, time > receivedAt + futureToleranceMs)
    track.recent.add(time, shape, values)
    return undefined
  }
}

/** The time of a reading without `ts`: when it was received, moved on where the device has one of that millisecond. */
function nextReceivedTime(track: DeviceTrack, receivedAt: number): number {
  track.lastReceivedTime = Math.max(receivedAt, track.lastReceivedTime + 1)
  return track.lastReceivedTime
}
