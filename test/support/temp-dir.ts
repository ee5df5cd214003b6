import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A new empty folder, removed by who asked for it. */
export function newTempDir(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'tidemark-test-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** A new empty folder, removed when the test that asked for it ends. */
export function tempDir(): string {
  const dir = newTempDir()
  onTestFinished(dir.remove)
  return dir.path
}
