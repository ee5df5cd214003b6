import type { ReadingBatch, SeriesOwner, Shape } from '../domain/reading-batch.ts'
import { aggregate } from './aggregate.ts'
import { DeviceRows } from './device-rows.ts'
import {
  aheadMinutes,
  labelsMax,
  labelValuesMax,
  latenessMinutes,
  metricsMax,
  minuteMs,
  minutesKept,
} from './limits.ts'
import { CellChunk, chunkRows, type MinuteCells, OpenMinutes, strideFor } from './minute-cells.ts'
import { figureFields, type Group, type MinuteRecord } from './minute-record.ts'

/** A bound that a type has met: what is beyond it is left out. */
export type Bound = 'devices' | 'metrics' | 'labels' | 'labelValues'

/** What the log keeps of a type beside its devices, cells and minutes. */
export interface KeptType {
  /** Rises with each commit that changes the type. */
  readonly revision: number
  /** Newest minute that readings have reached, as minutes since the epoch; 0 before the first one. */
  readonly newestMinute: number
  readonly metrics: readonly string[]
  readonly labels: readonly string[]
  /** Group 0 is all devices. */
  readonly groups: readonly Group[]
  readonly devices: number
  /** Minutes of which cells are kept. */
  readonly open: readonly number[]
  /** Readings that came too late to be counted. */
  readonly late: number
  readonly bounds: readonly Bound[]
}

/** Metrics of a shape, as columns of a type's cells; -1 for one that is left out. */
export type Columns = Int16Array

const leftOut = -1
const allDevices: Group = { label: '', value: '' }

/** What is known of one device type: who reports, and what each device said last in each minute that is still open. */
export class LiveType {
  readonly type: string
  readonly devices = new DeviceRows()
  readonly minutes = new OpenMinutes()
  readonly metrics: string[] = []
  readonly labels: string[] = []
  readonly groups: Group[] = [allDevices]
  readonly bounds = new Set<Bound>()
  newestMinute = 0
  late = 0
  revision = 0
  /** Since it was last kept. */
  isChanged = false
  /** Minutes that were closed since it was last kept, with their aggregates and the number of their chunks of cells. */
  readonly closed: { readonly minute: number; readonly record: MinuteRecord; readonly chunks: number }[] = []
  readonly #columnOf = new Map<string, number>()
  /** By label, then by its value. */
  readonly #groupOf = new Map<string, Map<string, number>>()
  readonly #onBound: (bound: Bound) => void

  /** `onBound` is told of each bound when it is first met. */
  constructor(type: string, onBound: (bound: Bound) => void, kept?: KeptType) {
    this.type = type
    this.#onBound = onBound
    if (kept === undefined) return
    kept.metrics.forEach((metric) => void this.#columnOf.set(metric, this.metrics.push(metric) - 1))
    this.labels.push(...kept.labels)
    for (const group of kept.groups.slice(1)) this.#addGroup(group)
    for (const bound of kept.bounds) this.bounds.add(bound)
    this.newestMinute = kept.newestMinute
    this.late = kept.late
    this.revision = kept.revision
  }

  kept(): KeptType {
    const { revision, newestMinute, metrics, labels, groups, devices, late, bounds } = this
    const open = this.minutes.all().map(({ minute }) => minute)
    return {
      revision,
      newestMinute,
      metrics,
      labels,
      groups,
      devices: devices.size,
      open,
      late,
      bounds: [...bounds],
    }
  }

  /** Oldest minute that is open. */
  get oldestMinute(): number {
    return this.newestMinute - latenessMinutes
  }

  columnsOf({ metrics, types }: Shape): Columns {
    return Int16Array.from(metrics, (metric, i) => (types[i] === 's' ? leftOut : this.#column(metric)))
  }

  /** The row of a device, with its groups as of this reading; undefined when there is no room for it. */
  rowOf({ id, tags }: SeriesOwner, batch: number, hasRoom: boolean): number | undefined {
    const row =
      this.devices.find(id) ??
      (hasRoom ? this.devices.add(id) : this.devices.replaceSilent(id, this.oldestMinute, batch))
    if (row === undefined) {
      this.#meet('devices')
      return undefined
    }
    this.devices.named(row, batch)
    this.#placeInGroups(row, tags)
    return row
  }

  /** Moves the clock of the type on to a reading; false for one that comes too late, which is counted. Times in Unix ms. */
  reach(time: number, receivedAt: number): boolean {
    this.isChanged = true
    const minute = Math.floor(time / minuteMs)
    const received = Math.floor(receivedAt / minuteMs)
    const isOld = minute < received - minutesKept
    // A clock that is ahead closes no minute of the others, as far as what is received tells it from them.
    if (!isOld) this.#advance(Math.max(Math.min(minute, received), minute - aheadMinutes))
    if (!isOld && minute >= this.oldestMinute) return true
    this.late++
    return false
  }

  /** Takes a reading of the device at `row` that is not late, whose values begin at `first` of the batch's. */
  take(batch: ReadingBatch, row: number, time: number, columns: Columns, first: number): void {
    const minute = Math.floor(time / minuteMs)
    const cells = this.minutes.at(minute)
    const chunk = this.#chunk(cells, Math.floor(row / chunkRows))
    const { values, times } = chunk
    const firstCell = (row % chunkRows) * chunk.stride
    const at = time - minute * minuteMs + 1
    for (let i = 0; i < columns.length; i++) {
      const column = columns[i]!
      if (column === leftOut) continue
      const cell = firstCell + column
      // The latest value of a point wins, as in the database.
      if (at < times[cell]!) continue
      times[cell] = at
      values[cell] = batch.values[first + i]!
    }
    chunk.isChanged = true
    cells.isChanged = true
    this.devices.heard(row, minute)
  }

  /** The aggregates of an open minute, as of the commit that is to come. */
  aggregated(cells: MinuteCells): MinuteRecord {
    const { metrics, groups, labels } = this
    const extent = { metrics: metrics.length, groups: groups.length, labels: labels.length }
    const figures = aggregate(cells, this.devices, extent)
    const width = metrics.length * figureFields
    const heard = groups.flatMap((_, i) => {
      const own = figures.subarray(i * width, (i + 1) * width)
      return own.some((figure, at) => at % figureFields === 0 && figure > 0) ? [i] : []
    })
    const packed = new Float64Array(heard.length * width)
    for (const [i, group] of heard.entries())
      packed.set(figures.subarray(group * width, (group + 1) * width), i * width)
    return {
      revision: this.revision + 1,
      metrics: [...metrics],
      groups: heard.map((group) => groups[group]!),
      figures: packed,
    }
  }

  #placeInGroups(row: number, tags: SeriesOwner['tags']): void {
    for (const [label] of tags) this.#addLabel(label)
    let isMoved = false
    for (let i = 0; i < this.labels.length; i++) {
      const label = this.labels[i]!
      const value = tags.find(([name]) => name === label)?.[1]
      const group = value === undefined ? 0 : this.#group(label, value)
      if (this.devices.setGroup(row, i, group)) isMoved = true
    }
    // What it has said in the open minutes moves with it.
    if (isMoved) for (const cells of this.minutes.all()) cells.isChanged = true
  }

  #advance(minute: number): void {
    if (minute <= this.newestMinute) return
    this.newestMinute = minute
    for (const cells of this.minutes.all()) {
      if (cells.minute >= this.oldestMinute) break
      this.closed.push({
        minute: cells.minute,
        record: this.aggregated(cells),
        chunks: cells.chunks.length,
      })
      this.minutes.close(cells.minute)
    }
  }

  #chunk(cells: MinuteCells, index: number): CellChunk {
    const stride = strideFor(this.metrics.length)
    const chunk = cells.chunks[index]
    if (chunk !== undefined && chunk.stride >= stride) return chunk
    const made = chunk?.widened(stride) ?? new CellChunk(stride)
    cells.chunks[index] = made
    return made
  }

  #column(metric: string): number {
    const known = this.#columnOf.get(metric)
    if (known !== undefined) return known
    if (this.metrics.length >= metricsMax) {
      this.#meet('metrics')
      return leftOut
    }
    const column = this.metrics.push(metric) - 1
    this.#columnOf.set(metric, column)
    return column
  }

  #addLabel(label: string): void {
    if (this.labels.includes(label)) return
    if (this.labels.length < labelsMax) this.labels.push(label)
    else this.#meet('labels')
  }

  /** Number of the group; 0 where there is no room for it. */
  #group(label: string, value: string): number {
    const known = this.#groupOf.get(label)?.get(value)
    if (known !== undefined) return known
    if (this.groups.length <= labelValuesMax) return this.#addGroup({ label, value })
    this.#meet('labelValues')
    return 0
  }

  #addGroup(group: Group): number {
    const number = this.groups.push(group) - 1
    const ofLabel = this.#groupOf.get(group.label) ?? new Map<string, number>()
    this.#groupOf.set(group.label, ofLabel.set(group.value, number))
    return number
  }

  #meet(bound: Bound): void {
    if (this.bounds.has(bound)) return
    this.bounds.add(bound)
    this.isChanged = true
    this.#onBound(bound)
  }
}
