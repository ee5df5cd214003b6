import { closeSync, openSync, writeSync } from 'node:fs'
import type { Value } from '../domain/profile.ts'

/** A message as its sender remembers it: one line of a ledger. */
export interface LedgerEntry {
  readonly device: string
  readonly seq: number
  readonly ts: number
  readonly values: Readonly<Record<string, Value>>
  /** Unix ms. */
  readonly sentAt: number
  readonly ackedAt: number
}

const bufferedLinesMax = 500

/** Writes a line for each acknowledged message, when its acknowledgement arrives and not before. */
export class LedgerWriter {
  readonly #file: number
  #lines: string[] = []

  constructor(path: string) {
    this.#file = openSync(path, 'a')
  }

  add(entry: LedgerEntry): void {
    this.#lines.push(JSON.stringify(entry))
    if (this.#lines.length >= bufferedLinesMax) this.flush()
  }

  flush(): void {
    if (this.#lines.length === 0) return
    writeSync(this.#file, `${this.#lines.join('\n')}\n`)
    this.#lines = []
  }

  close(): void {
    this.flush()
    closeSync(this.#file)
  }
}
