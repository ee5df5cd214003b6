import { appendFileSync, closeSync, openSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { z } from 'zod'
import { isDeviceId } from '../domain/names.ts'
import type { Value } from '../domain/profile.ts'
import { messageOf, TidemarkError } from '../lib/errors.ts'

/** A message as its sender remembers it: one line of a ledger. */
export interface LedgerEntry {
  readonly device: string
  readonly seq: number
  readonly ts: number
  readonly values: Readonly<Record<string, Value>>
  /** Of a broken message: the reason code under which the platform must keep it; `values` is empty. */
  readonly deadLetter?: string | undefined
  /** Unix ms. */
  readonly sentAt: number
  readonly ackedAt: number
}

const entrySchema = z.object({
  device: z.string().refine(isDeviceId, 'not a device id'),
  seq: z.int(),
  ts: z.int(),
  values: z.record(z.string(), z.union([z.number(), z.boolean(), z.string()])),
  deadLetter: z.string().optional(),
  sentAt: z.number(),
  ackedAt: z.number(),
})

const bufferedLinesMax = 500

/** Writes a line for each acknowledged message, when its acknowledgement arrives and not before. */
export class LedgerWriter {
  /** TIDEMARK_LEDGER_INVALID once a line could not be written: the ledger is not whole, and `close` throws it. */
  failure: TidemarkError | undefined
  readonly #file: number
  #lines: string[] = []

  /** Appends to what the file holds. Throws TIDEMARK_LEDGER_INVALID (exit code 2) when it cannot be written. */
  constructor(path: string) {
    try {
      this.#file = openSync(path, 'a')
    } catch (error) {
      throw invalid(messageOf(error), error)
    }
  }

  add(entry: LedgerEntry): void {
    this.#lines.push(JSON.stringify(entry))
    if (this.#lines.length >= bufferedLinesMax) this.flush()
  }

  /** Does not throw: acknowledgements come where nobody would catch it. */
  flush(): void {
    const lines = this.#lines
    this.#lines = []
    if (lines.length === 0 || this.failure !== undefined) return
    try {
      // To the last byte: `writeSync` gives a disk that is nearly full a part.
      appendFileSync(this.#file, `${lines.join('\n')}\n`)
    } catch (error) {
      this.failure = invalid(`the ledger cannot be written: ${messageOf(error)}`, error)
    }
  }

  /** Throws what kept it from being whole. */
  close(): void {
    this.flush()
    closeSync(this.#file)
    if (this.failure !== undefined) throw this.failure
  }
}

/** The entries of a ledger, in its order. Throws TIDEMARK_LEDGER_INVALID (exit code 2) with the line's number. */
export async function* readLedger(path: string): AsyncGenerator<LedgerEntry> {
  let line = 0
  try {
    const file = await open(path)
    for await (const text of file.readLines()) {
      line++
      if (text === '') continue
      const parsed = entrySchema.safeParse(JSON.parse(text))
      if (!parsed.success) {
        const [issue] = parsed.error.issues
        throw new Error(`/${issue?.path.join('/')}: ${issue?.message}`)
      }
      yield parsed.data
    }
  } catch (error) {
    throw invalid(`${path}${line === 0 ? '' : `, line ${line}`}: ${messageOf(error)}`, error)
  }
}

function invalid(message: string, cause: unknown): TidemarkError {
  return new TidemarkError('TIDEMARK_LEDGER_INVALID', message, { cause, exitCode: 2 })
}
