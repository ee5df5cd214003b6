import { Packr } from 'msgpackr'
import type { ReadingBatch } from '../domain/reading-batch.ts'

const packr = new Packr({ useRecords: false, moreTypes: true })

/** Bytes of a `readings` record. MessagePack; typed arrays travel as they are. */
export function encodeReadingBatch(batch: ReadingBatch): Buffer {
  return packr.pack(batch)
}

export function decodeReadingBatch(bytes: Uint8Array): ReadingBatch {
  return packr.unpack(bytes) as ReadingBatch
}
