import type { DeviceRecord } from '../domain/device.ts'
import type { SeriesOwner, Shape } from '../domain/reading-batch.ts'
import type { BatchBuilder } from './batch-builder.ts'
import { decodePayload, type RawReading, type Rejection } from './payload.ts'
import type { PinnedType, TypeLetter, TypeRules } from './type-rules.ts'

/** A reading more than this ahead of the clock has quality `future`. */
const futureToleranceMs = 5 * 60_000
const recentKept = 4

interface Recent {
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
  readonly recent: Recent[] = []

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

  normalise(
    track: DeviceTrack,
    builder: BatchBuilder,
    bytes: Buffer,
    start: number,
    end: number,
    receivedAt: number,
    now: number,
  ): Rejection | undefined {
    const readings = decodePayload(bytes, start, end)
    if ('reason' in readings) return readings
    const mark = builder.mark()
    const seen: Recent[] = []
    const pinsBefore = this.pins.length
    for (const reading of readings) {
      const refused = this.#take(track, builder, reading, receivedAt, now, seen)
      if (refused !== undefined) {
        builder.rollback(mark)
        for (const { metric } of this.pins.splice(pinsBefore)) track.rules.unpin(metric)
        return refused
      }
    }
    for (const recent of seen) {
      if (track.recent.length >= recentKept) track.recent.shift()
      track.recent.push(recent)
    }
    builder.endMessage(receivedAt)
    return undefined
  }

  #take(
    track: DeviceTrack,
    builder: BatchBuilder,
    reading: RawReading,
    receivedAt: number,
    now: number,
    seen: Recent[],
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
    const time = reading.ts ?? Math.max(receivedAt, track.lastReceivedTime + 1)
    if (reading.ts === undefined) track.lastReceivedTime = time
    const values = builder.lastValues(count)
    if (isRepeat(track, time, values)) {
      builder.rollback(mark)
      this.repeats++
      return undefined
    }
    builder.addRow(track.owner, track.shape, time, time > now + futureToleranceMs)
    seen.push({ time, shape: track.shape, values })
    return undefined
  }
}

/** True when the newest remembered reading of that time has the same values. Strings are not compared: they pass. */
function isRepeat(track: DeviceTrack, time: number, values: Float64Array): boolean {
  for (let i = track.recent.length - 1; i >= 0; i--) {
    const recent = track.recent[i]!
    if (recent.time !== time) continue
    return (
      recent.shape === track.shape &&
      !recent.shape.types.includes('s') &&
      recent.values.every((v, j) => v === values[j])
    )
  }
  return false
}
