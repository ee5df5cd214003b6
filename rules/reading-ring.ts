const capacityAtFirst = 4

/** Of a ring that holds nothing: some windows never do. */
const noNumbers: number[] = []

/**
 * Readings in order of time, each known by an index that counts all that were ever added. Thousands of windows hold some sixty
 * each, so they lie as plain numbers in one array that is used around, with no object for any of them.
 */
export class ReadingRing {
  /** Index of the oldest that is held, and of the next to be added. */
  first: number
  end: number
  /** Time and value in turn. */
  #numbers = noNumbers
  /** Which place the oldest has. */
  #head = 0

  /** The first to be added gets the index `first`. */
  constructor(first = 0) {
    this.first = first
    this.end = first
  }

  get count(): number {
    return this.end - this.first
  }

  timeAt(index: number): number {
    return this.#numbers[2 * this.#placeOf(index)]!
  }

  valueAt(index: number): number {
    return this.#numbers[2 * this.#placeOf(index) + 1]!
  }

  append(time: number, value: number): void {
    if (this.count === this.#capacity) this.#grow()
    const place = this.#placeOf(this.end)
    this.#numbers[2 * place] = time
    this.#numbers[2 * place + 1] = value
    this.end += 1
  }

  dropOldest(): void {
    this.first += 1
    this.#head = this.#head + 1 === this.#capacity ? 0 : this.#head + 1
  }

  /** Index of the first reading later than `time`; `end` where there is none. */
  firstAfter(time: number): number {
    let low = this.first
    let high = this.end
    while (low < high) {
      const middle = low + ((high - low) >>> 1)
      if (this.timeAt(middle) <= time) low = middle + 1
      else high = middle
    }
    return low
  }

  get #capacity(): number {
    return this.#numbers.length >>> 1
  }

  #placeOf(index: number): number {
    const place = this.#head + index - this.first
    const capacity = this.#capacity
    return place < capacity ? place : place - capacity
  }

  /** By a quarter: what most windows hold does not change, and room that is never used counts for thousands of them. */
  #grow(): void {
    const capacity = Math.ceil(this.#capacity * 1.25) + capacityAtFirst
    // Of floating-point numbers from the first on, so that none is an object.
    const numbers = new Array<number>(2 * capacity).fill(Number.NaN)
    for (let i = 0; i < this.count; i++) {
      numbers[2 * i] = this.timeAt(this.first + i)
      numbers[2 * i + 1] = this.valueAt(this.first + i)
    }
    this.#numbers = numbers
    this.#head = 0
  }
}
