import { chmodSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startPlatformProcess } from './support/platform-process.ts'
import { tempDir } from './support/temp-dir.ts'

test('what it keeps is for its own user alone, also in a folder that others may read', async () => {
  const dataDir = tempDir()
  chmodSync(dataDir, 0o755)
  const platform = await startPlatformProcess(dataDir)
  onTestFinished(async () => void (await platform.end('SIGKILL')))
  const paths = readdirSync(dataDir, { recursive: true }).map(String)
  expect(paths).toEqual(
    expect.arrayContaining(['readings.duckdb', 'log/ingress/data.mdb', 'log/main/data.mdb']),
  )
  expect(paths.filter((path) => (statSync(join(dataDir, path)).mode & 0o077) !== 0)).toEqual([])
})
