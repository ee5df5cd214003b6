import { openMinutesMax } from './limits.ts'

/**
 * Devices of one chunk, which the log keeps under one key: with 20 metrics 6 KB, two pages. A commit writes the chunks of all devices that
 * have reported since the one before: larger ones are mostly of others, smaller ones cost a key and an object for a few devices.
 */
export const chunkRows = 32
const valueBytes = 8
const timeBytes = 2
/** Metrics are given room in steps, so that a new one seldom moves the others. */
const strideStep = 4

/**
 * What `chunkRows` devices said in one minute: of each device and metric the newest value and its time. One buffer outside V8's
 * heap, `values` before `times`, so that it is kept as it lies in memory.
 */
export class CellChunk {
  /** Room for so many metrics. */
  readonly stride: number
  readonly values: Float64Array
  /** Milliseconds into the minute, plus one; 0 where there is no value. */
  readonly times: Uint16Array
  readonly bytes: Uint8Array
  /** Since it was last kept. */
  isChanged = false

  constructor(stride: number) {
    const cells = chunkRows * stride
    const buffer = new ArrayBuffer(cells * (valueBytes + timeBytes))
    this.stride = stride
    this.bytes = new Uint8Array(buffer)
    this.values = new Float64Array(buffer, 0, cells)
    this.times = new Uint16Array(buffer, cells * valueBytes, cells)
  }

  /** From the bytes of another. */
  static of(bytes: Uint8Array): CellChunk {
    const chunk = new CellChunk(bytes.length / (chunkRows * (valueBytes + timeBytes)))
    chunk.bytes.set(bytes)
    return chunk
  }

  /** The same with room for more metrics. */
  widened(stride: number): CellChunk {
    const wider = new CellChunk(stride)
    for (let row = 0; row < chunkRows; row++) {
      const [from, to] = [row * this.stride, (row + 1) * this.stride]
      wider.values.set(this.values.subarray(from, to), row * stride)
      wider.times.set(this.times.subarray(from, to), row * stride)
    }
    return wider
  }

  hasRow(row: number): boolean {
    const first = row * this.stride
    for (let cell = first; cell < first + this.stride; cell++) if (this.times[cell] !== 0) return true
    return false
  }
}

/** Room for `metrics` metrics. */
export function strideFor(metrics: number): number {
  return Math.max(1, Math.ceil(metrics / strideStep)) * strideStep
}

/** One minute of one type while readings of it may come. */
export interface MinuteCells {
  readonly minute: number
  /** By chunk of devices; none where no device of it has said anything. */
  readonly chunks: (CellChunk | undefined)[]
  /** Since it was last aggregated. */
  isChanged: boolean
}

/** The open minutes of a type; no two of them are `openMinutesMax` or more apart. */
export class OpenMinutes {
  readonly #ring: (MinuteCells | undefined)[] = Array(openMinutesMax).fill(undefined)

  /** The cells of a minute, made where it is new. */
  at(minute: number): MinuteCells {
    const slot = minute % openMinutesMax
    const cells = this.#ring[slot]
    if (cells !== undefined) return cells
    const made: MinuteCells = { minute, chunks: [], isChanged: false }
    this.#ring[slot] = made
    return made
  }

  /** Those that are open, oldest first. */
  all(): MinuteCells[] {
    return this.#ring.filter((cells) => cells !== undefined).sort((a, b) => a.minute - b.minute)
  }

  close(minute: number): void {
    this.#ring[minute % openMinutesMax] = undefined
  }
}
