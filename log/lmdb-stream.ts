import type { Database } from 'lmdb'
import type { LogRecord, ReadLimits, StreamStats } from './log.ts'

const headerBytes = 16
/** Format numbers of a record's header: one that holds its entries, and one whose entries were removed. */
const whole = 1
const removed = 2

/** Where a stream ends: the next record's offset and the bytes of all records ever appended. */
export interface StreamEnd {
  readonly offset: number
  readonly bytes: number
}

/**
 * One stream in an LMDB database: key = offset of the record's first entry, value = header and the record. The header
 * holds the number of entries (u32), a format number (u32) and the bytes of all records before it (f64), so that the
 * size of the stream is a subtraction and needs no scan.
 */
export class LmdbStream {
  readonly #db: Database<Buffer, number>

  constructor(db: Database<Buffer, number>) {
    this.#db = db
  }

  end(): StreamEnd {
    for (const { key, value } of this.#db.getRange({ reverse: true, limit: 1 })) {
      return { offset: key + value.readUInt32LE(0), bytes: value.readDoubleLE(8) + value.length }
    }
    return { offset: 0, bytes: 0 }
  }

  /** Puts a record at `end` and returns the end after it. Call inside a write transaction, or await `written`. */
  put(end: StreamEnd, value: Uint8Array, count: number): { end: StreamEnd; written: Promise<boolean> } {
    const framed = Buffer.allocUnsafe(headerBytes + value.length)
    framed.writeUInt32LE(count, 0)
    framed.writeUInt32LE(whole, 4)
    framed.writeDoubleLE(end.bytes, 8)
    framed.set(value, headerBytes)
    const written = this.#db.put(end.offset, framed)
    return { end: { offset: end.offset + count, bytes: end.bytes + framed.length }, written }
  }

  read(from: number, limits: ReadLimits): LogRecord[] {
    const records: LogRecord[] = []
    let entries = 0
    let bytes = 0
    for (const { key, value } of this.#db.getRange({ start: this.#recordHolding(from) })) {
      const record = unframe(key, value)
      if (record.offset + record.count <= from || isRemoved(value)) continue
      if (
        records.length > 0 &&
        (entries + record.count > limits.entriesMax || bytes + value.length > limits.bytesMax)
      )
        break
      records.push(record)
      entries += record.count
      bytes += value.length
      if (entries >= limits.entriesMax || bytes >= limits.bytesMax) break
    }
    return records
  }

  readBackward(before: number, limits: ReadLimits): LogRecord[] {
    const records: LogRecord[] = []
    let entries = 0
    let bytes = 0
    for (const { key, value } of this.#db.getRange({ start: before, reverse: true })) {
      if (key >= before || isRemoved(value)) continue
      records.push(unframe(key, value))
      entries += records[records.length - 1]!.count
      bytes += value.length
      if (entries >= limits.entriesMax || bytes >= limits.bytesMax) break
    }
    return records
  }

  has(offset: number): boolean {
    const value = this.#db.get(offset)
    return value !== undefined && !isRemoved(value)
  }

  /** Removes one record. The last one leaves its header, so that its offset is never given to another. */
  erase(offset: number): void {
    const value = this.#db.get(offset)
    if (value === undefined) return
    if (offset + value.readUInt32LE(0) < this.end().offset) return this.remove(offset)
    const header = Buffer.from(value.subarray(0, headerBytes))
    header.writeUInt32LE(removed, 4)
    void this.#db.put(offset, header)
  }

  remove(offset: number): void {
    void this.#db.remove(offset)
  }

  /** Offsets of at most `max` records that lie wholly below `offset`, oldest first; never the last record of the stream. */
  recordsBelow(offset: number, max: number): number[] {
    const below: number[] = []
    let previous: number | undefined
    for (const key of this.#db.getKeys({ limit: max + 1 })) {
      // A record reaches at most to the next one, so it lies below `offset` when the next one does not begin after it.
      if (previous !== undefined) {
        if (key > offset) break
        below.push(previous)
      }
      previous = key
    }
    return below
  }

  /** Offset of the first entry that is kept. */
  start(): number {
    for (const key of this.#db.getKeys({ limit: 1 })) return key
    return 0
  }

  /** `consumed` is where the slowest consumer is; undefined for a stream that has none. */
  stats(consumed: number | undefined): StreamStats {
    const end = this.end()
    for (const { key, value } of this.#db.getRange({ limit: 1 })) {
      const waitingBytes = consumed === undefined ? 0 : this.#bytesFrom(consumed, end)
      return { start: key, end: end.offset, bytes: end.bytes - value.readDoubleLE(8), waitingBytes }
    }
    return { start: 0, end: 0, bytes: 0, waitingBytes: 0 }
  }

  /** Of the record that holds `offset`, and all after it. */
  #bytesFrom(offset: number, end: StreamEnd): number {
    if (offset >= end.offset) return 0
    for (const { value } of this.#db.getRange({ start: this.#recordHolding(offset), limit: 1 })) {
      return end.bytes - value.readDoubleLE(8)
    }
    return 0
  }

  #recordHolding(offset: number): number {
    for (const key of this.#db.getKeys({ start: offset, reverse: true, limit: 1 })) return key
    return 0
  }
}

function isRemoved(value: Buffer): boolean {
  return value.readUInt32LE(4) === removed
}

function unframe(offset: number, value: Buffer): LogRecord {
  return { offset, count: value.readUInt32LE(0), value: value.subarray(headerBytes) }
}
