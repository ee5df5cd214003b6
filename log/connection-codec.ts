import type { ConnectionChange } from '../domain/connection-change.ts'

/** Bytes of a `connections` record: JSON, since changes are few and people look at them. */
export function encodeConnectionChanges(changes: readonly ConnectionChange[]): Buffer {
  return Buffer.from(JSON.stringify(changes))
}

export function decodeConnectionChanges(bytes: Buffer): ConnectionChange[] {
  return JSON.parse(bytes.toString()) as ConnectionChange[]
}
