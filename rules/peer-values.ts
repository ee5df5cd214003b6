import { grownArray } from '../lib/grown-array.ts'
/** The newest values of the members of a group of `peers`, in columns: each reading is compared with all of them. */
export class PeerValues {
  readonly #slots = new Map<string, number>()
  /** Slots of members that have left. */
  readonly #free: number[] = []
  #times = new Float64Array(8)
  #values = new Float64Array(8)
  #used = 0
  /** What `collectOthers` has collected; the caller may overwrite it. */
  collected = new Float64Array(8)

  /** Slot of a member, which has no value until one is set. */
  slotOf(deviceId: string): number {
    const found = this.#slots.get(deviceId)
    if (found !== undefined) return found
    const slot = this.#free.pop() ?? this.#used++
    if (slot === this.#times.length) this.#grow()
    this.#times[slot] = Number.NEGATIVE_INFINITY
    this.#slots.set(deviceId, slot)
    return slot
  }

  set(slot: number, time: number, value: number): void {
    this.#times[slot] = time
    this.#values[slot] = value
  }

  remove(deviceId: string): void {
    const slot = this.#slots.get(deviceId)
    if (slot === undefined) return
    this.#times[slot] = Number.NEGATIVE_INFINITY
    this.#slots.delete(deviceId)
    this.#free.push(slot)
  }

  /** Puts the values of the others that are not older than `maxAgeMs` at `newest` into `collected`, and says how many they are. */
  collectOthers(slot: number, newest: number, maxAgeMs: number): number {
    let count = 0
    for (let i = 0; i < this.#used; i++) {
      if (newest - this.#times[i]! <= maxAgeMs && i !== slot) this.collected[count++] = this.#values[i]!
    }
    return count
  }

  #grow(): void {
    const capacity = 2 * this.#times.length
    this.#times = grownArray(this.#times, capacity)
    this.#values = grownArray(this.#values, capacity)
    this.collected = new Float64Array(capacity)
  }
}
