import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LedgerEntry } from '../../simulators/ledger.ts'
import { tempDir } from '../support/temp-dir.ts'

/** A ledger of these entries; it goes with the test. */
export function ledgerOf(entries: readonly LedgerEntry[]): string {
  const path = join(tempDir(), 'ledger.ndjson')
  writeFileSync(path, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
  return path
}

/** What `verify` reports beside the devices and readings where it finds nothing wrong. */
export const clean = {
  deadLettered: 0,
  missing: 0,
  deadLettersMissing: 0,
  altered: 0,
  invented: 0,
  repeated: 0,
  pending: 0,
  examples: [],
}
