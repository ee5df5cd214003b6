import type { Shape } from '../domain/reading-batch.ts'

const kept = 4

/** The last few readings of a device, to know an exact repeat by. Nothing is allocated for a reading of a known size. */
export class RecentReadings {
  readonly #times = new Float64Array(kept).fill(Number.NaN)
  readonly #shapes: (Shape | undefined)[] = Array(kept).fill(undefined)
  readonly #values: Float64Array[] = Array(kept).fill(new Float64Array(0))
  #next = 0

  add(time: number, shape: Shape, values: Float64Array): void {
    const slot = this.#next
    this.#next = (slot + 1) % kept
    this.#times[slot] = time
    this.#shapes[slot] = shape
    if (this.#values[slot]!.length === values.length) this.#values[slot]!.set(values)
    else this.#values[slot] = values.slice()
  }

  /** Forgets all: of a message that was refused, none of its readings came to be. */
  clear(): void {
    this.#times.fill(Number.NaN)
  }

  /** True when the newest kept reading of that time is of this shape and has these values. Of a shape with text never. */
  repeats(time: number, shape: Shape, values: Float64Array): boolean {
    for (let age = 1; age <= kept; age++) {
      const slot = (this.#next - age + kept) % kept
      if (this.#times[slot] !== time) continue
      return (
        this.#shapes[slot] === shape && !shape.types.includes('s') && isEqual(this.#values[slot]!, values)
      )
    }
    return false
  }
}

function isEqual(a: Float64Array, b: Float64Array): boolean {
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false
  return true
}
