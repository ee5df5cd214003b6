import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Log } from '../log/log.ts'
import { latenessMinutes, minuteMs } from './limits.ts'
import { keptCells, keptDevices, keptMinutes, keptType } from './live-table.ts'
import type { Bound, KeptType } from './live-type.ts'
import { chunkRows } from './minute-cells.ts'
import { type Figures, figuresAt, type MinuteRecord } from './minute-record.ts'

/** One metric of one type, for all of its devices or, with `by`, for each value of a label. */
export interface SeriesQuery {
  readonly type: string
  readonly metric: string
  readonly by?: string | undefined
}

/** A minute of a series. */
export interface SeriesMinute {
  /** Its start, Unix ms. */
  readonly time: number
  /** By value of the label; by `all` without one. */
  readonly figures: ReadonlyMap<string, Figures>
  /** Readings of it are late from now on. */
  readonly isClosed: boolean
}

/** How far a reader has seen the changes of a type. */
export interface SeenChanges {
  readonly revision: number
  /** Minutes before it change no more; those that are open where it is left out. */
  readonly fromMinute?: number | undefined
}

/** What the aggregates of a type leave out. */
export interface LeftOut {
  /** Readings that came too late. */
  readonly late: number
  readonly bounds: readonly Bound[]
}

/** A device with its newest value, of the open minutes. */
export interface RankedDevice {
  readonly device: string
  readonly value: number
  /** Unix ms. */
  readonly time: number
}

/** Bytes of minutes that one answer reads. */
const bytesPerAnswerMax = 4 * 1024 * 1024
/** Of devices, looked at before others have their turn. */
const chunksPerTurn = 16

type Reader = Pick<Log, 'get' | 'entries'>

/**
 * Minutes of a series, oldest first, from `from` to before `to` (Unix ms). At most `limit`, and fewer, or none, where they are large or
 * hold nothing of it; `next` is then where to go on.
 */
export function seriesOf(
  log: Reader,
  query: SeriesQuery,
  { from, to, limit }: { from: number; to: number; limit: number },
): { minutes: SeriesMinute[]; next?: number } {
  const kept = keptType(log, query.type)
  const minutes: SeriesMinute[] = []
  if (kept === undefined || !kept.metrics.includes(query.metric)) return { minutes }
  let bytes = 0
  const span = { from: Math.ceil(from / minuteMs), to: Math.ceil(to / minuteMs) }
  for (const { minute, record, bytes: read } of keptMinutes(log, query.type, span)) {
    if (minutes.length >= limit || bytes >= bytesPerAnswerMax) return { minutes, next: minute * minuteMs }
    bytes += read
    const figures = figuresOf(record, query)
    if (figures.size > 0) minutes.push(seriesMinute(minute, figures, kept))
  }
  return { minutes }
}

/** Minutes of a series that have changed since; `seen` is what to pass the next time. Revision 0 has seen nothing. */
export function changesOf(
  log: Reader,
  query: SeriesQuery,
  since: SeenChanges,
): { minutes: SeriesMinute[]; seen: SeenChanges } {
  const kept = keptType(log, query.type)
  if (kept === undefined || kept.revision === since.revision) return { minutes: [], seen: since }
  const openFrom = kept.newestMinute - latenessMinutes
  const minutes: SeriesMinute[] = []
  const span = { from: since.fromMinute ?? openFrom, to: Number.POSITIVE_INFINITY }
  for (const { minute, record } of keptMinutes(log, query.type, span)) {
    if (record.revision <= since.revision) continue
    const figures = figuresOf(record, query)
    if (figures.size > 0) minutes.push(seriesMinute(minute, figures, kept))
  }
  // What is closed now changes no more.
  return { minutes, seen: { revision: kept.revision, fromMinute: openFrom } }
}

/** What the aggregates of a type leave out; nothing of a type that has none. */
export function leftOutOf(log: Reader, type: string): LeftOut {
  const { late = 0, bounds = [] } = keptType(log, type) ?? {}
  return { late, bounds }
}

/**
 * The `n` devices with the highest and those with the lowest newest value of a metric, of the devices that have reported in an
 * open minute. Looks at some hundred devices a turn: whoever asks shares a thread with acknowledgement.
 */
export async function topOf(
  log: Reader,
  { type, metric }: { type: string; metric: string },
  n: number,
): Promise<{ highest: RankedDevice[]; lowest: RankedDevice[] }> {
  const highest: RankedDevice[] = []
  const lowest: RankedDevice[] = []
  const kept = keptType(log, type)
  const column = kept?.metrics.indexOf(metric) ?? -1
  if (kept === undefined || column < 0) return { highest, lowest }
  const newestFirst = [...kept.open].sort((a, b) => b - a)
  for (let index = 0; index * chunkRows < kept.devices; index++) {
    for (const device of newestOf(log, type, index, newestFirst, column)) {
      rank(highest, device, n, (a, b) => b.value - a.value)
      rank(lowest, device, n, (a, b) => a.value - b.value)
    }
    if (index % chunksPerTurn === chunksPerTurn - 1) await nextTurn()
  }
  return { highest, lowest }
}

/** The newest value of each device of a chunk that has one. */
function newestOf(
  log: Reader,
  type: string,
  index: number,
  newestFirst: readonly number[],
  column: number,
): RankedDevice[] {
  const found: RankedDevice[] = []
  const devices = keptDevices(log, type, index)
  const isFound = new Uint8Array(chunkRows)
  for (const minute of newestFirst) {
    const chunk = keptCells(log, type, minute, index)
    if (chunk === undefined || column >= chunk.stride) continue
    devices.forEach(([device], row) => {
      const at = chunk.times[row * chunk.stride + column]!
      if (at === 0 || isFound[row] === 1) return
      isFound[row] = 1
      const value = chunk.values[row * chunk.stride + column]!
      found.push({ device, value, time: minute * minuteMs + at - 1 })
    })
  }
  return found
}

/** Puts a device where it belongs among the first `n`; those with the same value in order of their ids. */
function rank(
  ranked: RankedDevice[],
  device: RankedDevice,
  n: number,
  order: (a: RankedDevice, b: RankedDevice) => number,
): void {
  const isBefore = (other: RankedDevice) =>
    (order(device, other) || (device.device < other.device ? -1 : 1)) < 0
  if (ranked.length >= n && !isBefore(ranked[n - 1]!)) return
  let at = ranked.length
  while (at > 0 && isBefore(ranked[at - 1]!)) at--
  ranked.splice(at, 0, device)
  if (ranked.length > n) ranked.pop()
}

function seriesMinute(
  minute: number,
  figures: ReadonlyMap<string, Figures>,
  { newestMinute }: KeptType,
): SeriesMinute {
  return { time: minute * minuteMs, figures, isClosed: minute < newestMinute - latenessMinutes }
}

function figuresOf(record: MinuteRecord, { metric, by = '' }: SeriesQuery): Map<string, Figures> {
  const found = new Map<string, Figures>()
  const column = record.metrics.indexOf(metric)
  if (column < 0) return found
  record.groups.forEach(({ label, value }, group) => {
    if (label !== by) return
    const figures = figuresAt(record, group, column)
    if (figures !== undefined) found.set(by === '' ? 'all' : value, figures)
  })
  return found
}
