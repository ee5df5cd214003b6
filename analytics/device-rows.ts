import { grownArray } from '../lib/grown-array.ts'
import { labelsMax } from './limits.ts'
import { chunkRows } from './minute-cells.ts'

/** A device as it is kept: its id, and for each label of the type the number of its group, 0 for none. */
export type KeptDevice = readonly [id: string, ...groups: number[]]

/** The devices of a type, each with the row of its cells. A device that has been silent for longer than any open minute gives its row away. */
export class DeviceRows {
  readonly #ids: string[] = []
  readonly #rowOf = new Map<string, number>()
  #groups = new Uint16Array(chunkRows * labelsMax)
  /** Newest minute of which the row has a value. */
  #newestMinute = new Uint32Array(chunkRows)
  /** Number of the batch that last named the row's device: its row is in use until the batch is done. */
  #namedIn = new Uint32Array(chunkRows)
  /** Chunks whose devices have changed since they were last kept. */
  readonly changedChunks = new Set<number>()
  #searchedAt = 0

  get size(): number {
    return this.#ids.length
  }

  find(id: string): number | undefined {
    return this.#rowOf.get(id)
  }

  add(id: string): number {
    const row = this.#ids.push(id) - 1
    this.#rowOf.set(id, row)
    if (row === this.#newestMinute.length) {
      this.#groups = grownArray(this.#groups, 2 * this.#groups.length)
      this.#newestMinute = grownArray(this.#newestMinute, 2 * this.#newestMinute.length)
      this.#namedIn = grownArray(this.#namedIn, 2 * this.#namedIn.length)
    }
    this.changedChunks.add(Math.floor(row / chunkRows))
    return row
  }

  /** Gives the row of a device without a value since `oldestMinute` to `id`, whose groups are yet to be set; undefined when there is none. */
  replaceSilent(id: string, oldestMinute: number, batch: number): number | undefined {
    // Whoever was not silent then is not until the oldest minute is another one.
    if (this.#searchedAt === oldestMinute) return undefined
    for (let row = 0; row < this.#ids.length; row++) {
      if (this.#newestMinute[row]! >= oldestMinute || this.#namedIn[row] === batch) continue
      this.#rowOf.delete(this.#ids[row]!)
      this.#ids[row] = id
      this.#rowOf.set(id, row)
      this.changedChunks.add(Math.floor(row / chunkRows))
      return row
    }
    this.#searchedAt = oldestMinute
    return undefined
  }

  named(row: number, batch: number): void {
    this.#namedIn[row] = batch
  }

  heard(row: number, minute: number): void {
    if (minute > this.#newestMinute[row]!) this.#newestMinute[row] = minute
  }

  /** Number of the device's group by the label at `label`; 0 for none. */
  group(row: number, label: number): number {
    return this.#groups[row * labelsMax + label]!
  }

  /** True when it was in another one. */
  setGroup(row: number, label: number, group: number): boolean {
    const at = row * labelsMax + label
    if (this.#groups[at] === group) return false
    this.#groups[at] = group
    this.changedChunks.add(Math.floor(row / chunkRows))
    return true
  }

  /** The devices of a chunk, in order of their rows. */
  kept(chunk: number): KeptDevice[] {
    const first = chunk * chunkRows
    return this.#ids
      .slice(first, first + chunkRows)
      .map((id, i) => [id, ...this.#groups.subarray((first + i) * labelsMax, (first + i + 1) * labelsMax)])
  }
}
