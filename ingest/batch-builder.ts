import type { ReadingBatch, SeriesOwner, Shape } from '../domain/reading-batch.ts'

const rowsFirst = 256

/** A message's readings while they are validated: taken as a whole, or forgotten as a whole. */
export interface Mark {
  readonly rows: number
  readonly values: number
  readonly strings: number
}

/** Fills the columns of a ReadingBatch row by row; after `take` it fills the next one, in the columns it has grown. */
export class BatchBuilder {
  rows = 0
  messages = 0
  receivedAt = Number.POSITIVE_INFINITY
  #valueCount = 0
  #device = new Uint32Array(rowsFirst)
  #shape = new Uint32Array(rowsFirst)
  #message = new Uint32Array(rowsFirst)
  #time = new Float64Array(rowsFirst)
  #future = new Uint8Array(rowsFirst)
  #values = new Float64Array(rowsFirst * 8)
  #strings: string[] = []
  #devices: SeriesOwner[] = []
  readonly #deviceIndex = new Map<string, number>()
  #shapes: Shape[] = []
  readonly #shapeIndex = new Map<Shape, number>()
  #lastDevice = 0
  #lastShape = 0

  mark(): Mark {
    return { rows: this.rows, values: this.#valueCount, strings: this.#strings.length }
  }

  /** Forgets everything added since `mark`. */
  rollback(mark: Mark): void {
    this.rows = mark.rows
    this.#valueCount = mark.values
    this.#strings.length = mark.strings
  }

  /** Adds a value of the row being built; `addRow` follows. */
  addValue(value: number | boolean | string): void {
    if (this.#valueCount === this.#values.length) this.#values = grown(this.#values, Float64Array)
    this.#values[this.#valueCount++] =
      typeof value === 'string' ? this.#strings.push(value) - 1 : Number(value)
  }

  /** Adds all values of a row that has no text. */
  addValues(values: Float64Array): void {
    while (this.#valueCount + values.length > this.#values.length)
      this.#values = grown(this.#values, Float64Array)
    for (let i = 0; i < values.length; i++) this.#values[this.#valueCount++] = values[i]!
  }

  /** The last `count` values added: good until the next rollback. */
  lastValues(count: number): Float64Array {
    return this.#values.subarray(this.#valueCount - count, this.#valueCount)
  }

  addRow(owner: SeriesOwner, shape: Shape, time: number, isFuture: boolean): void {
    const row = this.rows++
    if (row === this.#time.length) {
      this.#device = grown(this.#device, Uint32Array)
      this.#shape = grown(this.#shape, Uint32Array)
      this.#message = grown(this.#message, Uint32Array)
      this.#time = grown(this.#time, Float64Array)
      this.#future = grown(this.#future, Uint8Array)
    }
    // A device often sends several messages in a row, and its neighbours the same shape.
    if (this.#devices[this.#lastDevice] !== owner)
      this.#lastDevice = indexOf(this.#deviceIndex, this.#devices, owner.id, owner)
    if (this.#shapes[this.#lastShape] !== shape)
      this.#lastShape = indexOf(this.#shapeIndex, this.#shapes, shape, shape)
    this.#device[row] = this.#lastDevice
    this.#shape[row] = this.#lastShape
    this.#message[row] = this.messages
    this.#time[row] = time
    this.#future[row] = isFuture ? 1 : 0
  }

  /** The message is complete; its rows stay. */
  endMessage(receivedAt: number): void {
    this.messages++
    if (receivedAt < this.receivedAt) this.receivedAt = receivedAt
  }

  /** The batch; the builder is empty again. */
  take(): ReadingBatch {
    const batch = {
      receivedAt: this.receivedAt,
      messages: this.messages,
      devices: this.#devices,
      shapes: this.#shapes,
      rows: this.rows,
      device: this.#device.slice(0, this.rows),
      shape: this.#shape.slice(0, this.rows),
      message: this.#message.slice(0, this.rows),
      time: this.#time.slice(0, this.rows),
      future: this.#future.slice(0, this.rows),
      values: this.#values.slice(0, this.#valueCount),
      strings: this.#strings,
    }
    this.rows = 0
    this.messages = 0
    this.receivedAt = Number.POSITIVE_INFINITY
    this.#valueCount = 0
    this.#strings = []
    this.#devices = []
    this.#deviceIndex.clear()
    this.#shapes = []
    this.#shapeIndex.clear()
    return batch
  }
}

function indexOf<K, V>(index: Map<K, number>, list: V[], key: K, value: V): number {
  let at = index.get(key)
  if (at === undefined) {
    at = list.push(value) - 1
    index.set(key, at)
  }
  return at
}

function grown<A extends { length: number; set(from: A): void }>(
  array: A,
  Kind: new (length: number) => A,
): A {
  const larger = new Kind(array.length * 2)
  larger.set(array)
  return larger
}
