import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { mkdir, open, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { messageOf, TidemarkError } from '../lib/errors.ts'
import { lockDataDir, lockFile, restoringFile } from '../log/data-dir-lock.ts'
import { syncPath } from './back-up.ts'
import { type BackedUpFile, backedUpFiles, invalid, readManifest } from './manifest.ts'

export interface RestoreReport {
  readonly dataDir: string
  readonly files: number
  readonly bytes: number
  /** RFC 3339: of the backup. */
  readonly createdAt: string
}

/**
 * Makes a data directory of the backup in `dir`. Until all of it is there, checked and on the disk, no platform starts on it. What goes
 * wrong leaves nothing but, after a kill, a mark that says so. Rejects with TIDEMARK_BACKUP_INVALID, TIDEMARK_RESTORE_TARGET (exit code 2),
 * TIDEMARK_RESTORE_FAILED, or as `lockDataDir` does.
 */
export async function restore(dir: string, dataDir: string): Promise<RestoreReport> {
  const { files, createdAt } = await readManifest(dir)
  checkFiles(dir, files)
  const unlock = lockDataDir(dataDir)
  const mark = join(dataDir, restoringFile)
  try {
    const others = (await readdir(dataDir)).filter((name) => name !== lockFile)
    if (others.length > 0) {
      const message = `${dataDir} is not empty: ${others.slice(0, 3).join(', ')}`
      throw new TidemarkError('TIDEMARK_RESTORE_TARGET', message, { exitCode: 2 })
    }
    await (await open(mark, 'wx', 0o600)).close()
    await syncPath(dataDir)
    try {
      for (const file of files) await copyChecked(dir, dataDir, file)
      for (const path of ['log/main', 'log/ingress', 'log', '.']) await syncPath(join(dataDir, path))
    } catch (error) {
      for (const { path } of files) await rm(join(dataDir, path), { force: true })
      await rm(join(dataDir, 'log'), { recursive: true, force: true })
      await rm(mark)
      throw error
    }
    await rm(mark)
    await syncPath(dataDir)
  } catch (error) {
    if (error instanceof TidemarkError) throw error
    throw new TidemarkError('TIDEMARK_RESTORE_FAILED', `the restore failed: ${messageOf(error)}`, {
      cause: error,
    })
  } finally {
    unlock()
  }
  return { dataDir, files: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0), createdAt }
}

/** A manifest names only what a backup takes, and all of the log. */
function checkFiles(dir: string, files: readonly BackedUpFile[]): void {
  const named = new Set(files.map(({ path }) => path))
  const known: ReadonlySet<string> = new Set(backedUpFiles.map(({ path }) => path))
  const lacking = backedUpFiles.find(({ path, isLog }) => isLog && !named.has(path))
  if (lacking !== undefined) throw invalid(`${dir} does not name ${lacking.path}`)
  for (const { path } of files) {
    if (!known.has(path)) throw invalid(`${dir} names ${path}, which is no file of a backup`)
    if (!existsSync(join(dir, path))) throw invalid(`${dir} lacks ${path}`)
  }
}

async function copyChecked(
  dir: string,
  dataDir: string,
  { path, bytes, sha256 }: BackedUpFile,
): Promise<void> {
  await mkdir(dirname(join(dataDir, path)), { recursive: true, mode: 0o700 })
  const to = await open(join(dataDir, path), 'wx', 0o600)
  const hash = createHash('sha256')
  let copied = 0
  try {
    for await (const chunk of createReadStream(join(dir, path))) {
      hash.update(chunk)
      copied += (chunk as Buffer).length
      await to.writeFile(chunk)
    }
    await to.sync()
  } finally {
    await to.close()
  }
  if (copied !== bytes || hash.digest('hex') !== sha256)
    throw invalid(`${dir}/${path} is not what was backed up`)
}
