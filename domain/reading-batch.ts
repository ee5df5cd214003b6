/**
 * A batch of valid readings in columns, the record of the `readings` stream. A row is one reading: one device, one
 * time, the values of one shape. Columns instead of an object for each reading keep the path from ingest to storage
 * and rules free of allocation for each value.
 */
export interface ReadingBatch {
  /** Unix ms at which the oldest message of the batch was received. */
  readonly receivedAt: number
  /** Messages the batch accounts for: those with rows and those whose readings were all exact repeats. */
  readonly messages: number
  readonly devices: readonly SeriesOwner[]
  readonly shapes: readonly Shape[]
  /** Number of readings. */
  readonly rows: number
  /** For each row: index into `devices`. */
  readonly device: Uint32Array
  /** For each row: index into `shapes`. */
  readonly shape: Uint32Array
  /** For each row: the message it came in, 0 … messages − 1. */
  readonly message: Uint32Array
  /** For each row: event time, Unix ms. */
  readonly time: Float64Array
  /** For each row: 1 when the time is more than 5 minutes ahead of the clock (quality `future`), else 0. */
  readonly future: Uint8Array
  /** Row after row, one number for each metric of the row's shape: the number, 0/1 for a boolean, an index into `strings`. */
  readonly values: Float64Array
  readonly strings: readonly string[]
}

/** Whose reading it is, as it was when the reading was accepted: replaying the batch writes the same series. */
export interface SeriesOwner {
  readonly id: string
  readonly type: string
  /** Stored as tags beside `device`, sorted by name. */
  readonly tags: readonly (readonly [name: string, value: string])[]
}

export interface Shape {
  readonly metrics: readonly string[]
  /** One letter for each metric: `n` number, `b` boolean, `s` string. */
  readonly types: string
}

/** The value at `index` of `batch.values`, of the type that `letter` tells. */
export function valueAt(
  batch: ReadingBatch,
  index: number,
  letter: string | undefined,
): number | boolean | string {
  const raw = batch.values[index]!
  if (letter === 'b') return raw === 1
  if (letter === 's') return batch.strings[raw]!
  return raw
}

/** One reading of a batch, unpacked: for tests, answers and error paths, not for the hot path. */
export interface Reading {
  readonly device: string
  readonly type: string
  readonly time: number
  readonly message: number
  readonly future: boolean
  readonly values: Record<string, number | boolean | string>
}

/** The readings of a batch one by one, in order. */
export function* readingsOf(batch: ReadingBatch): Generator<Reading> {
  let at = 0
  for (let row = 0; row < batch.rows; row++) {
    const owner = batch.devices[batch.device[row]!]!
    const shape = batch.shapes[batch.shape[row]!]!
    const values: Record<string, number | boolean | string> = Object.create(null)
    for (let i = 0; i < shape.metrics.length; i++)
      values[shape.metrics[i]!] = valueAt(batch, at++, shape.types[i])
    yield {
      device: owner.id,
      type: owner.type,
      time: batch.time[row]!,
      message: batch.message[row]!,
      future: batch.future[row] === 1,
      values,
    }
  }
}
