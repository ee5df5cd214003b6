import type { ReadingBatch, SeriesOwner } from '../domain/reading-batch.ts'
import type { Log, LogTransaction } from '../log/log.ts'
import { devicesMax, typesMax } from './limits.ts'
import { forgetChanges, keptTypes, putType, readType } from './live-table.ts'
import { type Bound, type Columns, LiveType } from './live-type.ts'

export interface LiveStateOptions {
  /** Told of a bound that leaves something out, when it is first met: of types, or by a type. */
  readonly onBound: (bound: Bound | 'types', type: string) => void
  /** `devicesMax` unless told. */
  readonly devicesMax?: number
}

/** The live minutes of all device types. What it becomes is a function of the readings in the order of the stream. */
export class LiveState {
  readonly #options: LiveStateOptions
  readonly #types = new Map<string, LiveType>()
  #batch = 0
  #isFull = false

  constructor(options: LiveStateOptions) {
    this.#options = options
  }

  /** What the log keeps. */
  static read(log: Log, options: LiveStateOptions): LiveState {
    const state = new LiveState(options)
    for (const [type, kept] of keptTypes(log)) {
      const live = new LiveType(type, (bound) => options.onBound(bound, type), kept)
      readType(log, live, kept)
      state.#types.set(type, live)
    }
    return state
  }

  apply(batch: ReadingBatch): void {
    this.#batch++
    const types = batch.devices.map(({ type }) => this.#types.get(type) ?? this.#newType(type))
    const rows: (number | undefined)[] = Array(batch.devices.length).fill(undefined)
    /** By type, then by shape. */
    const columns = new Map<LiveType, (Columns | undefined)[]>()
    let first = 0
    for (let i = 0; i < batch.rows; i++) {
      const shape = batch.shape[i]!
      const at = first
      first += batch.shapes[shape]!.metrics.length
      // Ahead of the clock by more than a clock may be: stored with a mark, and counted neither here nor by rules.
      if (batch.future[i] === 1) continue
      const device = batch.device[i]!
      const live = types[device]
      const time = batch.time[i]!
      // Whether or not there is room for its device: who has fallen silent is told by what the others say.
      if (live === undefined || !live.reach(time, batch.receivedAt)) continue
      const row = rows[device] ?? this.#rowOf(live, batch.devices[device]!)
      if (row === undefined) continue
      rows[device] = row
      let ofType = columns.get(live)
      if (ofType === undefined) {
        ofType = Array(batch.shapes.length).fill(undefined)
        columns.set(live, ofType)
      }
      ofType[shape] ??= live.columnsOf(batch.shapes[shape]!)
      live.take(batch, row, time, ofType[shape], at)
    }
  }

  /** Keeps what has changed; `forgetChanges` follows once it is on disk. */
  put(log: Log, tx: LogTransaction): void {
    for (const live of this.#types.values()) if (live.isChanged) putType(log, tx, live)
  }

  forgetChanges(): void {
    for (const live of this.#types.values()) if (live.isChanged) forgetChanges(live)
  }

  #rowOf(live: LiveType, owner: SeriesOwner): number | undefined {
    return live.rowOf(owner, this.#batch, this.#devices() < (this.#options.devicesMax ?? devicesMax))
  }

  #newType(type: string): LiveType | undefined {
    const { onBound } = this.#options
    if (this.#types.size >= typesMax) {
      if (!this.#isFull) onBound('types', type)
      this.#isFull = true
      return undefined
    }
    const live = new LiveType(type, (bound) => onBound(bound, type))
    this.#types.set(type, live)
    return live
  }

  #devices(): number {
    let devices = 0
    for (const live of this.#types.values()) devices += live.devices.size
    return devices
  }
}
