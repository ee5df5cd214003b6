import { WindowSummary } from './window-summary.ts'

const bytesPerReading = 16

/** Readings of one span of time, in order, and what is asked of them all. Of few readings most buckets hold one: it is kept small. */
export class WindowBucket extends WindowSummary {
  readonly start: number
  /** Index of its first reading among all that were ever added. */
  readonly firstIndex: number
  /** Time and value of each reading in turn. */
  points: number[]
  isDirty = false
  /** Whether the store has one of this start. */
  isStored = false

  /** Holds one reading. */
  constructor(start: number, firstIndex: number, time: number, value: number) {
    super(value)
    this.start = start
    this.firstIndex = firstIndex
    this.points = [time, value]
  }

  /** undefined when `bytes` holds no reading. */
  static load(start: number, firstIndex: number, bytes: Buffer): WindowBucket | undefined {
    const count = bytes.length / bytesPerReading
    if (!Number.isInteger(count)) throw new Error(`bucket ${start} of a window has ${bytes.length} bytes`)
    if (count === 0) return undefined
    const bucket = new WindowBucket(start, firstIndex, bytes.readDoubleLE(0), bytes.readDoubleLE(8 * count))
    for (let i = 1; i < count; i++)
      bucket.append(bytes.readDoubleLE(8 * i), bytes.readDoubleLE(8 * (count + i)))
    bucket.isStored = true
    return bucket
  }

  get newestTime(): number {
    return this.points[this.points.length - 2]!
  }

  get endIndex(): number {
    return this.firstIndex + this.count
  }

  timeAt(position: number): number {
    return this.points[2 * position]!
  }

  valueAt(position: number): number {
    return this.points[2 * position + 1]!
  }

  append(time: number, value: number): void {
    this.points.push(time, value)
    this.include(value)
  }

  /** No reading will follow: gives back what the array has grown ahead. */
  seal(): void {
    if (this.count > 1) this.points = this.points.slice()
  }

  save(): Buffer {
    const bytes = Buffer.allocUnsafe(this.count * bytesPerReading)
    const numbers = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    for (let i = 0; i < this.count; i++) {
      numbers.setFloat64(8 * i, this.timeAt(i), true)
      numbers.setFloat64(8 * (this.count + i), this.valueAt(i), true)
    }
    return bytes
  }

  /** Position of the first reading later than `time`. */
  firstAfter(time: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.timeAt(middle) <= time) low = middle + 1
      else high = middle
    }
    return low
  }
}
