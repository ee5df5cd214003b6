import type { ReadingBatch } from '../domain/reading-batch.ts'
import { hash32 } from '../lib/prng.ts'
import { encodeLines } from './line-protocol.ts'

/** Lines that are written one request after the other. */
export interface Lane {
  readonly lines: string[]
  /** Of each line. */
  readonly rows: { readonly batch: number; readonly row: number }[]
}

const lanesMax = 2

/**
 * What is more than one request is written over two connections at once, since the database works on a request with one
 * core. All lines of a device are in one lane, so that of two values for one point the later one still wins.
 */
export function lanesOf(batches: readonly ReadingBatch[], linesPerRequestMax: number): Lane[] {
  const rowCount = batches.reduce((sum, batch) => sum + batch.rows, 0)
  const laneCount = rowCount > linesPerRequestMax ? lanesMax : 1
  const lanes: Lane[] = Array.from({ length: laneCount }, () => ({ lines: [], rows: [] }))
  batches.forEach((batch, index) => {
    const laneOf = batch.devices.map(({ id }) => lanes[hash32(id) % laneCount]!)
    encodeLines(batch).forEach((line, row) => {
      const lane = laneOf[batch.device[row]!]!
      lane.lines.push(line)
      lane.rows.push({ batch: index, row })
    })
  })
  return lanes
}
