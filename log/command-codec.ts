import type { CommandEntry } from '../domain/command.ts'

/** Bytes of a `commands` record: JSON, since people look at them. */
export function encodeCommandEntry(entry: CommandEntry): Buffer {
  return Buffer.from(JSON.stringify(entry))
}

export function decodeCommandEntry(bytes: Buffer): CommandEntry {
  return JSON.parse(bytes.toString()) as CommandEntry
}
