import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Log, LogRecord, StreamName } from '../log/log.ts'

const readLimits = { entriesMax: 500, bytesMax: 2 * 1024 * 1024 }
const entriesScannedMax = 50_000

/** What was found, and where to look on; undefined at the end of the range. */
export interface Scan<T> {
  readonly found: T[]
  readonly next: number | undefined
}

/**
 * Up to `limit` records of a stream that `select` turns into something, oldest first, from offset `range.from` to before
 * `range.end`. Looks at 50,000 entries at most, however rare the matches, and lets others have their turn in between: this
 * thread also acknowledges messages. A caller that wants more goes on at `next`.
 */
export async function scanStream<T>(
  log: Log,
  stream: StreamName,
  range: { readonly from: number; readonly end?: number },
  limit: number,
  select: (record: LogRecord) => T | undefined,
): Promise<Scan<T>> {
  const end = Math.min(range.end ?? Number.POSITIVE_INFINITY, log.end(stream))
  const found: T[] = []
  let scanned = 0
  for (let next = range.from; next < end; ) {
    const records = log.read(stream, next, readLimits)
    if (records.length === 0) break
    for (const record of records) {
      if (record.offset >= end) return { found, next: undefined }
      if (found.length >= limit || scanned >= entriesScannedMax) return { found, next: record.offset }
      const selected = select(record)
      if (selected !== undefined) found.push(selected)
      scanned += record.count
      next = record.offset + record.count
    }
    await nextTurn()
  }
  return { found, next: undefined }
}

/** The same, newest first, of the records before `before`. What is left is before `next`. */
export async function scanStreamBackward<T>(
  log: Log,
  stream: StreamName,
  before: number,
  limit: number,
  select: (record: LogRecord) => T | undefined,
): Promise<Scan<T>> {
  const found: T[] = []
  let scanned = 0
  for (let next = before; ; ) {
    const records = log.readBackward(stream, next, readLimits)
    if (records.length === 0) return { found, next: undefined }
    for (const record of records) {
      if (found.length >= limit || scanned >= entriesScannedMax) return { found, next }
      const selected = select(record)
      if (selected !== undefined) found.push(selected)
      scanned += record.count
      next = record.offset
    }
    await nextTurn()
  }
}
