import { copyFile, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { messageOf, TidemarkError } from '../lib/errors.ts'
import { copyLog } from '../log/lmdb-copy.ts'
import { type BackedUpFile, backedUpFiles, digestOf, writeManifest } from './manifest.ts'

export interface BackUpOptions {
  readonly dataDir: string
  /** New, or empty. */
  readonly dir: string
  /** Called when everything is copied: whoever holds the data directory lets it go. Rejects when it was let go before. */
  readonly release: () => Promise<void>
  /** Ends the backup after the file that is being copied. */
  readonly signal: AbortSignal
}

export interface BackUpReport {
  readonly dir: string
  readonly files: number
  readonly bytes: number
  /** How long the platform was held. */
  readonly heldMs: number
}

/**
 * Throws TIDEMARK_BACKUP_DIR (exit code 2) unless `dir` is new or empty. Returns where the backup is made: beside it, so that what is in
 * `dir` is whole.
 */
export async function partialDirOf(dir: string): Promise<string> {
  const partial = `${resolve(dir)}.partial`
  for (const [path, allowed] of [
    [resolve(dir), 'is not empty'],
    [partial, 'is of a backup that did not end, or runs: remove it'],
  ] as const) {
    const names = await readdir(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw cannotUse(path, error)
    })
    if (names !== undefined && (path === partial || names.length > 0))
      throw cannotUse(path, new Error(allowed))
  }
  return partial
}

/**
 * Copies a data directory that is held: by its lock where no platform runs, else by the platform (`WriteHold`). What goes wrong leaves
 * nothing but, after a kill, a folder whose name ends in `.partial`. Rejects with TIDEMARK_BACKUP_FAILED, or as `release` does.
 */
export async function backUp({ dataDir, dir, release, signal }: BackUpOptions): Promise<BackUpReport> {
  const createdAt = new Date()
  const partial = await partialDirOf(dir)
  try {
    await mkdir(partial, { recursive: true, mode: 0o700 })
    await mkdir(join(partial, 'log'), { mode: 0o700 })
    for (const name of ['main', 'ingress']) await mkdir(join(partial, 'log', name), { mode: 0o700 })
    // The log first: its offsets vouch for what the store and `ingress` hold, which may only be ahead (docs/decisions/0039).
    await copyLog(join(dataDir, 'log'), join(partial, 'log'))
    for (const { path, isLog } of backedUpFiles) {
      throwIfInterrupted(signal)
      if (!isLog) await copyIfThere(join(dataDir, path), join(partial, path))
    }
    const heldMs = Date.now() - createdAt.getTime()
    await release()
    const files = await sealed(partial)
    throwIfInterrupted(signal)
    await writeManifest(partial, files, createdAt.toISOString())
    for (const path of ['log/main', 'log/ingress', 'log', '.']) await syncPath(join(partial, path))
    await rename(partial, resolve(dir))
    await syncPath(dirname(resolve(dir)))
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
    return { dir: resolve(dir), files: files.length, bytes, heldMs }
  } catch (error) {
    await rm(partial, { recursive: true, force: true })
    if (error instanceof TidemarkError) throw error
    throw new TidemarkError('TIDEMARK_BACKUP_FAILED', `the backup failed: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

function throwIfInterrupted(signal: AbortSignal): void {
  if (signal.aborted) throw new TidemarkError('TIDEMARK_INTERRUPTED', 'interrupted', { exitCode: 130 })
}

async function copyIfThere(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/** The files of a backup, on the disk. */
async function sealed(dir: string): Promise<BackedUpFile[]> {
  const files: BackedUpFile[] = []
  for (const { path, isLog } of backedUpFiles) {
    const file = await open(join(dir, path), 'r+').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' && !isLog) return undefined
      throw error
    })
    if (file === undefined) continue
    await file.chmod(0o600)
    await file.sync()
    await file.close()
    files.push({ path, ...(await digestOf(join(dir, path))) })
  }
  return files
}

/** So that a name in a folder is on the disk. */
export async function syncPath(path: string): Promise<void> {
  const folder = await open(path)
  await folder.sync()
  await folder.close()
}

function cannotUse(path: string, error: Error): TidemarkError {
  const message = `cannot back up to ${path}: ${messageOf(error)}`
  return new TidemarkError('TIDEMARK_BACKUP_DIR', message, { cause: error, exitCode: 2 })
}
