import type { DeviceRows } from './device-rows.ts'
import { chunkRows, type MinuteCells } from './minute-cells.ts'
import { figureFields } from './minute-record.ts'

export interface Extent {
  readonly metrics: number
  /** Group 0 is all devices. */
  readonly groups: number
  readonly labels: number
}

/**
 * Aggregates of a minute, group after group and metric after metric: count, sum, min, max of what the devices said last in it,
 * each device once. Sums are made in the order of the rows.
 */
export function aggregate(cells: MinuteCells, rows: DeviceRows, extent: Extent): Float64Array {
  const { metrics, groups, labels } = extent
  const width = metrics * figureFields
  const figures = new Float64Array(groups * width)
  const groupOf = new Uint16Array(labels)
  cells.chunks.forEach((chunk, index) => {
    if (chunk === undefined) return
    const { stride, values, times } = chunk
    const known = Math.min(chunkRows, rows.size - index * chunkRows)
    const columns = Math.min(stride, metrics)
    for (let i = 0; i < known; i++) {
      for (let label = 0; label < labels; label++) groupOf[label] = rows.group(index * chunkRows + i, label)
      for (let metric = 0; metric < columns; metric++) {
        const cell = i * stride + metric
        if (times[cell] === 0) continue
        const value = values[cell]!
        add(figures, metric * figureFields, value)
        for (let label = 0; label < labels; label++) {
          const group = groupOf[label]!
          if (group !== 0) add(figures, group * width + metric * figureFields, value)
        }
      }
    }
  })
  return figures
}

function add(figures: Float64Array, at: number, value: number): void {
  const isFirst = figures[at] === 0
  figures[at]!++
  figures[at + 1]! += value
  if (isFirst || value < figures[at + 2]!) figures[at + 2] = value
  if (isFirst || value > figures[at + 3]!) figures[at + 3] = value
}
