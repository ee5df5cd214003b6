import type { Value } from '../domain/profile.ts'

/** A reading that waits for its turn. */
export interface HeldReading {
  readonly time: number
  readonly device: string
  readonly values: Readonly<Record<string, Value>>
  readonly receivedAt: number
}

/**
 * Readings of one `wait`, in order of time and, of one time, of device. Readings of one device and time become one; a later
 * arrival of the same metric takes the earlier's place.
 */
export class HeldReadings {
  readonly #readings: HeldReading[] = []

  get size(): number {
    return this.#readings.length
  }

  get oldest(): HeldReading | undefined {
    return this.#readings[0]
  }

  all(): readonly HeldReading[] {
    return this.#readings
  }

  /** Returns the reading as it is held now. */
  add(reading: HeldReading): HeldReading {
    let at = this.#readings.length
    while (at > 0 && isAfter(this.#readings[at - 1]!, reading)) at--
    const same = this.#readings[at - 1]
    if (same === undefined || same.time !== reading.time || same.device !== reading.device) {
      this.#readings.splice(at, 0, reading)
      return reading
    }
    const merged = { ...reading, values: { ...same.values, ...reading.values }, receivedAt: same.receivedAt }
    this.#readings[at - 1] = merged
    return merged
  }

  /** Removes those of a device. */
  remove(device: string): void {
    const others = this.#readings.filter((reading) => reading.device !== device)
    this.#readings.splice(0, this.#readings.length, ...others)
  }

  /** Time of the newest with time ≤ `until`. */
  newestUntil(until: number): number | undefined {
    return this.#readings.findLast(({ time }) => time <= until)?.time
  }

  /** Removes and returns those with time ≤ `until`, oldest first. */
  release(until: number): HeldReading[] {
    let count = 0
    while (count < this.#readings.length && this.#readings[count]!.time <= until) count++
    return count === 0 ? none : this.#readings.splice(0, count)
  }
}

const none: HeldReading[] = []

function isAfter(a: HeldReading, b: HeldReading): boolean {
  return a.time > b.time || (a.time === b.time && a.device > b.device)
}
