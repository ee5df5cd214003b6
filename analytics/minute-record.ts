/** Whose aggregates: all devices of the type (`label` empty), or those with a value of a label. */
export interface Group {
  readonly label: string
  readonly value: string
}

/** Aggregates of one metric over the devices of a group in one minute. */
export interface Figures {
  /** Devices that have a value. */
  readonly count: number
  readonly sum: number
  readonly mean: number
  readonly min: number
  readonly max: number
}

/** The aggregates of one type in one minute. */
export interface MinuteRecord {
  /** Rises with each change of the type: what has a greater one than was seen has changed since. */
  readonly revision: number
  readonly metrics: readonly string[]
  /** Those of which a device has said anything. */
  readonly groups: readonly Group[]
  /** Group after group, metric after metric: `figureFields` numbers. */
  readonly figures: Float64Array
}

/** Numbers of a metric in a group: count, sum, min, max. */
export const figureFields = 4
const lengthBytes = 4

type Header = Omit<MinuteRecord, 'figures'>

/** Bytes of a minute: the length of its header (u32), the header as JSON, the numbers (f64), little-endian as they lie in memory. */
export function encodeMinute({ figures, ...header }: MinuteRecord): Buffer {
  const text = Buffer.from(JSON.stringify(header satisfies Header))
  const bytes = Buffer.allocUnsafe(lengthBytes + text.length + figures.byteLength)
  bytes.writeUInt32LE(text.length, 0)
  bytes.set(text, lengthBytes)
  bytes.set(new Uint8Array(figures.buffer, figures.byteOffset, figures.byteLength), lengthBytes + text.length)
  return bytes
}

export function decodeMinute(bytes: Buffer): MinuteRecord {
  const end = lengthBytes + bytes.readUInt32LE(0)
  const header = JSON.parse(bytes.toString('utf8', lengthBytes, end)) as Header
  // A view of floats must begin at a multiple of eight.
  const figures = new Float64Array((bytes.length - end) / Float64Array.BYTES_PER_ELEMENT)
  new Uint8Array(figures.buffer).set(bytes.subarray(end))
  return { ...header, figures }
}

/** Undefined where no device of the group has a value. */
export function figuresAt(record: MinuteRecord, group: number, metric: number): Figures | undefined {
  const at = (group * record.metrics.length + metric) * figureFields
  const [count, sum, min, max] = record.figures.subarray(at, at + figureFields)
  if (!count) return undefined
  return { count, sum: sum!, mean: sum! / count, min: min!, max: max! }
}
