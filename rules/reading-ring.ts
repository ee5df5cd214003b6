const capacityAtFirst = 4

/**
 * Room for the readings of several rings in one array: time and value in turn, with no object for any of them. The windows of one
 * device share it, since an array of its own for each window would take as much again as a small window holds.
 */
export class RingRoom {
  numbers = new Float64Array(0)
  #rings: readonly ReadingRing[] = []

  /** A ring that has no place yet gets one with its first reading. */
  add(ring: ReadingRing): void {
    this.#rings = [...this.#rings, ring]
  }

  /** Its place is used again when another ring grows. */
  remove(ring: ReadingRing): void {
    this.#rings = this.#rings.filter((other) => other !== ring)
  }

  /** By a quarter: what most windows hold does not change, and room that is never used counts for thousands of them. */
  grow(growing: ReadingRing): void {
    const capacityOf = (ring: ReadingRing) =>
      ring === growing ? Math.ceil(ring.capacity * 1.25) + capacityAtFirst : ring.capacity
    let length = 0
    for (const ring of this.#rings) length += 2 * capacityOf(ring)
    const numbers = new Float64Array(length)
    let offset = 0
    for (const ring of this.#rings) {
      ring.moveTo(numbers, offset, capacityOf(ring))
      offset += 2 * ring.capacity
    }
    this.numbers = numbers
  }
}

/** Readings in order of time, each known by an index that counts all that were ever added; their places are used around. */
export class ReadingRing {
  /** Index of the oldest that is held, and of the next to be added. */
  first: number
  end: number
  /** How many there is room for. */
  capacity = 0
  readonly #room: RingRoom
  /** Where in the room its first place is, and which place the oldest reading has. */
  #offset = 0
  #head = 0

  /** The first to be added gets the index `first`. */
  constructor(room: RingRoom, first = 0) {
    this.#room = room
    this.first = first
    this.end = first
    room.add(this)
  }

  get count(): number {
    return this.end - this.first
  }

  timeAt(index: number): number {
    return this.#room.numbers[this.#offset + 2 * this.#placeOf(index)]!
  }

  valueAt(index: number): number {
    return this.#room.numbers[this.#offset + 2 * this.#placeOf(index) + 1]!
  }

  append(time: number, value: number): void {
    if (this.count === this.capacity) this.#room.grow(this)
    const { numbers } = this.#room
    const at = this.#offset + 2 * this.#placeOf(this.end)
    numbers[at] = time
    numbers[at + 1] = value
    this.end += 1
  }

  dropOldest(): void {
    this.first += 1
    this.#head = this.#head + 1 === this.capacity ? 0 : this.#head + 1
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

  /** Its readings go to `numbers` at `offset`, where as many as `capacity` have room; the room takes `numbers` for its own. */
  moveTo(numbers: Float64Array, offset: number, capacity: number): void {
    for (let i = 0; i < this.count; i++) {
      numbers[offset + 2 * i] = this.timeAt(this.first + i)
      numbers[offset + 2 * i + 1] = this.valueAt(this.first + i)
    }
    this.#offset = offset
    this.#head = 0
    this.capacity = capacity
  }

  /** It is no longer asked anything. */
  leave(): void {
    this.#room.remove(this)
  }

  #placeOf(index: number): number {
    const place = this.#head + index - this.first
    return place < this.capacity ? place : place - this.capacity
  }
}
