import type { RootDatabase } from 'lmdb'
import { TidemarkError } from '../lib/errors.ts'

/**
 * Of what a data directory holds, log and embedded store: 1 is that of version 0.1, which wrote none. It is raised with every change that
 * an older version would misread (docs/decisions/0047).
 */
export const dataFormat = 2
const key = 'format'

/** The number kept in the environment `main`, so that a backup has it too. */
const numberIn = (main: RootDatabase) => main.openDB<number, string>({ name: 'format', encoding: 'json' })

export function keptFormat(main: RootDatabase): number {
  return numberIn(main).get(key) ?? 1
}

/** Throws TIDEMARK_LOG_FORMAT where a newer version has written: what it has is not to be guessed at. */
export function checkDataFormat(main: RootDatabase, path: string): void {
  const found = keptFormat(main)
  if (found <= dataFormat) return
  const message = `${path} has format ${found}, of a newer version of Tidemark; this one reads up to ${dataFormat}`
  throw new TidemarkError('TIDEMARK_LOG_FORMAT', message)
}

/** Once everything has the form of this version. */
export async function markDataFormat(main: RootDatabase): Promise<void> {
  await numberIn(main).put(key, dataFormat)
}
