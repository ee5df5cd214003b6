import type { Value } from '../domain/profile.ts'
import type { ReadingBatch, SeriesOwner, Shape } from '../domain/reading-batch.ts'

/** A stored reading, or a sample: as plain data, so that it may cross threads. */
export interface PastReading {
  readonly device: string
  /** Unix ms. */
  readonly time: number
  readonly values: Readonly<Record<string, Value>>
}

const letters = { number: 'n', boolean: 'b', string: 's' } as const

/** By time, then device; those of one device and time as they came. */
export function inOrderOfTime(readings: PastReading[]): PastReading[] {
  return readings.sort((a, b) => a.time - b.time || (a.device < b.device ? -1 : a.device > b.device ? 1 : 0))
}

/** Puts readings into batches as ingest writes them, one for each time: received when they were measured. */
export class PastBatches {
  readonly #shapes = new Map<string, Shape>()
  readonly #owners = new Map<string, SeriesOwner>()

  /** `readings` are in order of time. */
  of(readings: readonly PastReading[]): ReadingBatch[] {
    const batches: ReadingBatch[] = []
    for (let first = 0; first < readings.length; ) {
      const { time } = readings[first]!
      let end = first + 1
      while (end < readings.length && readings[end]!.time === time) end++
      batches.push(this.#batch(readings.slice(first, end), time))
      first = end
    }
    return batches
  }

  #batch(readings: readonly PastReading[], time: number): ReadingBatch {
    const rows = readings.length
    const [device, shape] = [new Uint32Array(rows), new Uint32Array(rows)]
    const [owners, shapes] = [new Map<SeriesOwner, number>(), new Map<Shape, number>()]
    const [numbers, strings]: [number[], string[]] = [[], []]
    for (const [row, reading] of readings.entries()) {
      device[row] = placeOf(owners, this.#owner(reading.device))
      shape[row] = placeOf(shapes, this.#shape(reading.values))
      for (const value of Object.values(reading.values))
        numbers.push(typeof value === 'string' ? strings.push(value) - 1 : Number(value))
    }
    return {
      receivedAt: time,
      messages: rows,
      devices: [...owners.keys()],
      shapes: [...shapes.keys()],
      rows,
      device,
      shape,
      message: Uint32Array.from(readings, (_, row) => row),
      time: new Float64Array(rows).fill(time),
      future: new Uint8Array(rows),
      values: Float64Array.from(numbers),
      strings,
    }
  }

  #owner(id: string): SeriesOwner {
    const known = this.#owners.get(id)
    if (known !== undefined) return known
    const owner = { id, type: '', tags: [] }
    this.#owners.set(id, owner)
    return owner
  }

  #shape(values: PastReading['values']): Shape {
    const metrics = Object.keys(values)
    let types = ''
    for (const metric of metrics) types += letters[typeof values[metric] as keyof typeof letters]
    const key = `${metrics.join(' ')} ${types}`
    const known = this.#shapes.get(key)
    if (known !== undefined) return known
    const shape = { metrics, types }
    this.#shapes.set(key, shape)
    return shape
  }
}

function placeOf<T>(places: Map<T, number>, one: T): number {
  const place = places.get(one)
  if (place !== undefined) return place
  places.set(one, places.size)
  return places.size - 1
}
