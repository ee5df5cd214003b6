import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { repositoryRoot } from './platform-process.ts'

/** The folder of the real recordings, or undefined (said aloud) where they are not; a failure where they must be. */
export function datasetsDir(): string | undefined {
  const dir = process.env.TIDEMARK_DATASETS ?? join(repositoryRoot, '../shared/datasets')
  if (existsSync(join(dir, 'household-power.csv'))) return dir
  // A clean clone of CI may stand elsewhere than beside the recordings.
  if (process.env.TIDEMARK_REQUIRE_DATASETS === '1') throw new Error(`the recordings are not in ${dir}`)
  process.stderr.write(`skipping the suites on real recordings: they are not in ${dir}\n`)
  return undefined
}
