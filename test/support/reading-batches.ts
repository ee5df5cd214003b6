import type { Value } from '../../domain/profile.ts'
import type { ReadingBatch, SeriesOwner, Shape } from '../../domain/reading-batch.ts'

export interface TestReading {
  readonly device: string
  readonly type: string
  readonly tags?: readonly (readonly [string, string])[]
  readonly time: number
  readonly values: Readonly<Record<string, Value>>
  readonly future?: boolean
  readonly message?: number
}

/** A batch as ingest would make it, each reading a message of its own unless told. */
export function batchOf(readings: readonly TestReading[], receivedAt = 0): ReadingBatch {
  const letter = (value: Value) => (typeof value === 'number' ? 'n' : typeof value === 'boolean' ? 'b' : 's')
  const strings: string[] = []
  const values: number[] = []
  const devices: SeriesOwner[] = []
  const shapes: Shape[] = readings.map(({ device, type, tags = [], values: own }) => {
    devices.push({ id: device, type, tags })
    for (const value of Object.values(own)) {
      values.push(typeof value === 'string' ? strings.push(value) - 1 : Number(value))
    }
    return { metrics: Object.keys(own), types: Object.values(own).map(letter).join('') }
  })
  const indexes = readings.map((_, i) => i)
  const messages = readings.map(({ message }, i) => message ?? i)
  return {
    receivedAt,
    messages: Math.max(-1, ...messages) + 1,
    devices,
    shapes,
    rows: readings.length,
    device: new Uint32Array(indexes),
    shape: new Uint32Array(indexes),
    message: new Uint32Array(messages),
    time: new Float64Array(readings.map(({ time }) => time)),
    future: new Uint8Array(readings.map(({ future }) => (future ? 1 : 0))),
    values: new Float64Array(values),
    strings,
  }
}
