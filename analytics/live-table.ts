import type { Log, LogTransaction } from '../log/log.ts'
import type { KeptDevice } from './device-rows.ts'
import { minutesKept } from './limits.ts'
import type { KeptType, LiveType } from './live-type.ts'
import { CellChunk, chunkRows } from './minute-cells.ts'
import { decodeMinute, encodeMinute, type MinuteRecord } from './minute-record.ts'

/**
 * Where analytics' state lies in the log. Table `analytics`: `type/<type>` ({@link KeptType}), `devices/<type>/<chunk>`
 * ({@link KeptDevice}[]), `stored/<type>` (newest minute that the database has). Table `analytics-cells`: `<type>/<minute>/<chunk>`.
 * Table `analytics-minutes`: `<type>/<minute>`. No type has a slash in its name, and minutes have the same number of digits.
 */
const typePrefix = 'type/'
const digits = { minute: 8, chunk: 4 } as const
/** Old minutes looked for at a commit, beyond as many as it adds. */
const removalsMin = 16
/** Minutes read at once. */
const minutesPerRead = 16

type Reader = Pick<Log, 'get' | 'entries'>

export function keptTypes(log: Reader): [type: string, KeptType][] {
  return log
    .entries<KeptType>('analytics', { prefix: typePrefix })
    .map(([key, kept]) => [key.slice(typePrefix.length), kept])
}

export function keptType(log: Reader, type: string): KeptType | undefined {
  return log.get<KeptType>('analytics', typePrefix + type)
}

export function keptDevices(log: Reader, type: string, chunk: number): readonly KeptDevice[] {
  return log.get<KeptDevice[]>('analytics', devicesKey(type, chunk)) ?? []
}

export function keptCells(log: Reader, type: string, minute: number, chunk: number): CellChunk | undefined {
  const bytes = log.get<Buffer>('analytics-cells', cellsKey(type, minute, chunk))
  return bytes === undefined ? undefined : CellChunk.of(bytes)
}

/** Minutes of a type that are kept, oldest first, from `from` (inclusive) to `to` (exclusive). */
export function* keptMinutes(
  log: Reader,
  type: string,
  { from, to }: { from: number; to: number },
): Generator<{ minute: number; record: MinuteRecord; bytes: number }> {
  const prefix = `${type}/`
  let range: { from: string } | { after: string } = { from: minuteKey(type, from) }
  for (;;) {
    const found: [string, Buffer][] = log.entries<Buffer>('analytics-minutes', {
      ...range,
      prefix,
      limit: minutesPerRead,
    })
    for (const [key, value] of found) {
      const minute = Number(key.slice(prefix.length))
      if (minute >= to) return
      yield { minute, record: decodeMinute(value), bytes: value.length }
    }
    const last = found.at(-1)
    if (last === undefined || found.length < minutesPerRead) return
    range = { after: last[0] }
  }
}

/** Newest minute that the database has; 0 before the first. */
export function storedMinute(log: Reader, type: string): number {
  return log.get<number>('analytics', `stored/${type}`) ?? 0
}

export function putStoredMinute(tx: LogTransaction, type: string, minute: number): void {
  tx.put('analytics', `stored/${type}`, minute)
}

/** Keeps what has changed of a type. Call `forgetChanges` once that is on disk. */
export function putType(log: Reader, tx: LogTransaction, live: LiveType): void {
  const { type, newestMinute } = live
  const oldestKept = newestMinute - minutesKept
  for (const { minute, record, chunks } of live.closed) {
    for (let chunk = 0; chunk < chunks; chunk++) tx.remove('analytics-cells', cellsKey(type, minute, chunk))
    if (minute >= oldestKept) tx.put('analytics-minutes', minuteKey(type, minute), encodeMinute(record))
  }
  for (const cells of live.minutes.all()) {
    if (!cells.isChanged) continue
    tx.put('analytics-minutes', minuteKey(type, cells.minute), encodeMinute(live.aggregated(cells)))
    cells.chunks.forEach((chunk, index) => {
      if (chunk?.isChanged) tx.put('analytics-cells', cellsKey(type, cells.minute, index), chunk.bytes)
    })
  }
  for (const chunk of live.devices.changedChunks)
    tx.put('analytics', devicesKey(type, chunk), live.devices.kept(chunk))
  tx.put('analytics', typePrefix + type, { ...live.kept(), revision: live.revision + 1 } satisfies KeptType)
  if (live.closed.length === 0) return
  const limit = live.closed.length + removalsMin
  const oldest = log.entries('analytics-minutes', { prefix: `${type}/`, limit })
  for (const [key] of oldest) if (key < minuteKey(type, oldestKept)) tx.remove('analytics-minutes', key)
}

/** What memory holds is what the log keeps. */
export function forgetChanges(live: LiveType): void {
  live.revision++
  live.isChanged = false
  live.closed.length = 0
  live.devices.changedChunks.clear()
  for (const cells of live.minutes.all()) {
    cells.isChanged = false
    for (const chunk of cells.chunks) if (chunk !== undefined) chunk.isChanged = false
  }
}

/** Reads the devices and the open minutes of a type that was kept. */
export function readType(log: Reader, live: LiveType, { devices, labels, open }: KeptType): void {
  const chunkCount = Math.ceil(devices / chunkRows)
  for (let index = 0; index < chunkCount; index++) {
    for (const [id, ...groups] of keptDevices(log, live.type, index)) {
      const row = live.devices.add(id)
      for (let label = 0; label < labels.length; label++)
        live.devices.setGroup(row, label, groups[label] ?? 0)
    }
  }
  live.devices.changedChunks.clear()
  for (const minute of open) {
    const cells = live.minutes.at(minute)
    for (let index = 0; index < chunkCount; index++) {
      const chunk = keptCells(log, live.type, minute, index)
      if (chunk === undefined) continue
      cells.chunks[index] = chunk
      for (let row = 0; row < chunkRows; row++)
        if (chunk.hasRow(row)) live.devices.heard(index * chunkRows + row, minute)
    }
  }
}

function minuteKey(type: string, minute: number): string {
  return `${type}/${padded(minute, digits.minute)}`
}

function cellsKey(type: string, minute: number, chunk: number): string {
  return `${type}/${padded(minute, digits.minute)}/${padded(chunk, digits.chunk)}`
}

function devicesKey(type: string, chunk: number): string {
  return `devices/${type}/${padded(chunk, digits.chunk)}`
}

function padded(number: number, length: number): string {
  return String(Math.min(10 ** length - 1, Math.max(0, number))).padStart(length, '0')
}
